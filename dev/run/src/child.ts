import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** One process of the platform. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
  uid?: number;
  gid?: number;
  log: string;
  /** Throws or rejects while it is not ready. */
  ready(): Promise<void>;
  /** How it is asked to end; SIGTERM unless said otherwise. */
  stopSignal?: NodeJS.Signals;
}

/** Between two looks whether a process is ready. */
const LOOK_MS = 50;
const READY_MS = 60_000;

/** A running process with a group of its own: what it started dies with it. */
export class Child {
  readonly spec: ProcessSpec;
  readonly process: ChildProcess;
  readonly exited: Promise<string>;
  hasExited = false;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
    mkdirSync(dirname(spec.log), { recursive: true });
    const log = openSync(spec.log, 'a');
    this.process = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      // Nothing of our own environment but what programs need to run at all.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', ...spec.env },
      uid: spec.uid,
      gid: spec.gid,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const failed = once(this.process, 'error').then(([error]) => `cannot be started: ${(error as Error).message}`);
    const exit = once(this.process, 'exit').then(([code, signal]) =>
      signal ? `killed by ${signal}` : `ended with ${code}`,
    );
    this.exited = Promise.race([exit, failed]).then((how) => {
      this.hasExited = true;
      return how;
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Resolves when the process is ready. @throws Error when it ended, or was not ready in time. */
  async becomeReady(): Promise<void> {
    const until = performance.now() + READY_MS;
    for (;;) {
      if (this.hasExited)
        throw new Error(`${this.spec.name} ${await this.exited} before it was ready: see ${this.spec.log}`);
      try {
        await this.spec.ready();
        return;
      } catch (error) {
        if (performance.now() > until) {
          throw new Error(`${this.spec.name} was not ready in ${READY_MS / 1000} s: ${(error as Error).message}`, {
            cause: error,
          });
        }
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Asks it to end; its whole group is killed when it has not by `graceMs`, and in any case what it left. */
  async stop(graceMs: number): Promise<void> {
    if (!this.hasExited) {
      this.process.kill(this.spec.stopSignal ?? 'SIGTERM');
      const timer = setTimeout(() => killGroup(this.pid), graceMs);
      await this.exited;
      clearTimeout(timer);
    }
    killGroup(this.pid);
  }
}

/** SIGKILL to every process of a group; that there is none left is fine. */
export function killGroup(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  if (pid <= 1) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** When a process began, in clock ticks since boot (proc(5), field 22): tells a process from a later one of the same id. */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ESRCH')
      return undefined;
    throw error;
  }
}
