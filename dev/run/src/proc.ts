import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** What Linux says about one process (proc(5)). */
interface ProcessFacts {
  pid: number;
  state: string;
  group: number;
  /** Clock ticks since boot: tells a process from a later one with the same id. */
  started: string;
}

/** ENOENT and ESRCH: it has ended meanwhile. EACCES: somebody else's. */
const NOT_OURS_TO_SEE = ['ENOENT', 'ESRCH', 'EACCES'];

function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (NOT_OURS_TO_SEE.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

function factsOf(pid: number): ProcessFacts | undefined {
  const stat = unlessGone(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (stat === undefined) return undefined;
  // The command name, in parentheses, may hold spaces and parentheses itself.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { pid, state: fields[0]!, group: Number(fields[2]), started: fields[19]! };
}

/** When a live process began; undefined when there is none, or a zombie. */
export function startTime(pid: number): string | undefined {
  const facts = factsOf(pid);
  return facts && isAlive(facts) ? facts.started : undefined;
}

/** A zombie holds neither ports nor files. */
const isAlive = ({ state }: ProcessFacts): boolean => state !== 'Z' && state !== 'X';

/** Changes with every boot, after which pids and start times mean nothing any more. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * Live processes of a process group, and those that work in `directory`: PostgreSQL's backends make sessions of their
 * own, but all stand in the data directory.
 */
export function processesOf(group: number, directory?: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => factsOf(Number(name)))
    .filter((facts) => facts !== undefined)
    .filter(isAlive)
    .filter(
      ({ pid, group: own }) =>
        (group > 1 && own === group) ||
        (directory !== undefined && unlessGone(() => readlinkSync(`/proc/${pid}/cwd`)) === directory),
    )
    .map(({ pid }) => pid);
}

/** Sends a signal; false when there is nobody. A negative pid is a group. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  if (Math.abs(pid) <= 1) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

const LOOK_MS = 10;
const CLEAR_MS = 5_000;

/**
 * SIGKILL to a group and whoever works in `directory`; resolves when none of them is left.
 * @throws Error when one cannot be killed.
 */
export async function clearProcesses(group: number, directory?: string): Promise<void> {
  const until = performance.now() + CLEAR_MS;
  for (;;) {
    const left = processesOf(group, directory);
    if (left.length === 0) return;
    if (performance.now() > until) throw new Error(`processes ${left.join(', ')} cannot be killed`);
    for (const pid of left) sendSignal(pid, 'SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
