import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second of utime and stime (USER_HZ, 100 on Linux). */
const TICKS = 100;

interface Stat {
  group: number;
  cwd: string;
  cpuSeconds: number;
}

function stat(pid: string): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // Fields 5 (pgrp), 14 (utime) and 15 (stime) of proc(5); ours begin with the third.
    return { group: Number(fields[2]), cwd: '', cpuSeconds: (Number(fields[11]) + Number(fields[12])) / TICKS };
  } catch {
    return undefined; // it has ended
  }
}

/** CPU time in seconds that each process group has used, user and system; backends of PostgreSQL count as `postgres`. */
export function cpuSeconds(pids: Record<string, readonly number[]>): Record<string, number> {
  const names = new Map(Object.entries(pids).flatMap(([name, ids]) => ids.map((id): [number, string] => [id, name])));
  const used: Record<string, number> = Object.fromEntries([...names.values()].map((name) => [name, 0]));
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const facts = stat(pid);
    const name = names.get(facts?.group ?? 0) ?? names.get(parentOf(pid));
    if (facts && name !== undefined) used[name] = (used[name] ?? 0) + facts.cpuSeconds;
  }
  return used;
}

function parentOf(pid: string): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return 0;
  }
}
