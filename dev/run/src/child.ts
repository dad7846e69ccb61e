import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { clearProcesses, processesOf, sendSignal } from './proc.ts';
import { ROOT } from './settings.ts';

/** All of our processes read the same TypeScript: it is stripped and compiled once, not at every start. */
const NODE_COMPILE_CACHE = join(ROOT, '.cache/compiled');

/** One process of the platform. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: string[];
  cwd?: string;
  env?: Record<string, string>;
  log: string;
  /** Throws or rejects while it is not ready. */
  ready(): Promise<void>;
  /** Before every start, when nothing of an earlier one is left. */
  prepare?(): Promise<void>;
  /** Real path of a directory: whoever works in it belongs to the process, whatever its group. */
  directory?: string;
  /** How it is asked to end; SIGTERM unless said otherwise. */
  stopSignal?: NodeJS.Signals;
}

/** How a process ended. */
export interface Ending {
  code: number | undefined;
  /** For people: "killed by SIGKILL". */
  how: string;
}

/** Between two looks whether a process is ready. */
const LOOK_MS = 50;
const READY_MS = 60_000;

/** A running process with a group of its own: what it started dies with it. */
export class Child {
  readonly spec: ProcessSpec;
  readonly process: ChildProcess;
  /** Resolves when it has ended and nothing that it started is left. */
  readonly exited: Promise<Ending>;
  hasExited = false;
  /** It has been ready once. */
  wasReady = false;

  constructor(spec: ProcessSpec) {
    this.spec = spec;
    mkdirSync(dirname(spec.log), { recursive: true });
    const log = openSync(spec.log, 'a', 0o600);
    this.process = spawn(spec.command, spec.args, {
      cwd: spec.cwd,
      // Nothing of our own environment but what programs need to run at all.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, LANG: 'C.UTF-8', NODE_COMPILE_CACHE, ...spec.env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const ended = new Promise<Ending>((resolve) => {
      this.process.once('error', (error) => resolve({ code: undefined, how: `cannot be started: ${error.message}` }));
      this.process.once('exit', (code, signal) =>
        resolve({ code: code ?? undefined, how: signal ? `was killed by ${signal}` : `ended with ${code}` }),
      );
    });
    this.exited = ended.then(async (ending) => {
      this.hasExited = true;
      if (this.pid > 0) await clearProcesses(this.pid, spec.directory);
      return ending;
    });
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** The end of its log: why it does not do its job. */
  lastWords(): string {
    const lines = readFileSync(this.spec.log, 'utf8').trimEnd().split('\n');
    // Node.js ends what it says about an uncaught error with its version.
    const error = lines.at(-1)?.startsWith('Node.js v')
      ? lines.findLast((line) => /^\w*Error\b/.test(line))
      : undefined;
    const last = error ?? lines.at(-1) ?? '';
    return `${last.length > 400 ? `${last.slice(0, 400)}…` : last} (${this.spec.log})`;
  }

  /** Resolves when the process is ready. @throws Error when it ended, or was not ready in time. */
  async becomeReady(): Promise<void> {
    const until = performance.now() + READY_MS;
    for (;;) {
      if (this.hasExited) {
        const { how } = await this.exited;
        throw new Error(`${this.spec.name} ${how} before it was ready: ${this.lastWords()}`);
      }
      try {
        await this.spec.ready();
        this.wasReady = true;
        return;
      } catch (error) {
        if (performance.now() > until) {
          throw new Error(`${this.spec.name} was not ready in ${READY_MS / 1000} s: ${(error as Error).message}`, {
            cause: error,
          });
        }
      }
      await Promise.race([this.exited, new Promise((resolve) => setTimeout(resolve, LOOK_MS))]);
    }
  }

  /** SIGKILL to all of it; resolves when nothing is left. */
  async kill(): Promise<void> {
    if (!this.hasExited) sendSignal(-this.pid, 'SIGKILL');
    await this.exited;
  }

  /** Stops all of it (SIGSTOP) as if its node stood still; it keeps its memory, its sockets and its place in the world. */
  pause(): void {
    // Twice: the first round may meet one of them in the middle of starting another.
    for (const _ of [1, 2]) this.#signalAll('SIGSTOP');
  }

  /** Lets it go on (SIGCONT). */
  resume(): void {
    this.#signalAll('SIGCONT');
  }

  #signalAll(signal: NodeJS.Signals): void {
    for (const pid of processesOf(this.pid, this.spec.directory)) sendSignal(pid, signal);
  }

  /** Asks it to end, and kills it when it has not by `graceMs`. Answers whether it ended by itself. */
  async stop(graceMs: number): Promise<boolean> {
    if (this.hasExited) {
      await this.exited;
      return true;
    }
    this.process.kill(this.spec.stopSignal ?? 'SIGTERM');
    // A stopped process takes no SIGTERM.
    this.resume();
    let inTime = true;
    const timer = setTimeout(() => {
      inTime = false;
      sendSignal(-this.pid, 'SIGKILL');
    }, graceMs);
    await this.exited.finally(() => clearTimeout(timer));
    return inTime;
  }
}
