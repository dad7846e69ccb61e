import { Child, killGroup, type ProcessSpec, startTime } from './child.ts';
import { readJson, writeAtomically } from './files.ts';

/** A process that ended so often within the window is given up: something is wrong that restarts do not mend. */
const GIVE_UP_AFTER = 12;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 3_000;
const STOP_MS = 5_000;

type Pids = Record<string, { pid: number; started: string | undefined }>;

/** Keeps processes running: whoever dies is started again, after everything of its group is gone. */
export class Supervisor {
  readonly #children = new Map<string, Child>();
  readonly #specs = new Map<string, ProcessSpec>();
  readonly #deaths = new Map<string, number[]>();
  readonly #held = new Set<string>();
  readonly #pidFile: string;
  readonly #say: (line: string) => void;
  #stopping = false;
  #writes: Promise<void> = Promise.resolve();

  /** Called after a process was started again and is ready. */
  onRestart: (name: string) => Promise<void> = () => Promise.resolve();
  /** Called when a process is given up. */
  onGiveUp: (reason: Error) => void = () => {};

  constructor(pidFile: string, say: (line: string) => void) {
    this.#pidFile = pidFile;
    this.#say = say;
  }

  /** Ends what an earlier supervisor of this run directory left behind, by process id and start time. */
  async clearLeftovers(): Promise<void> {
    const left = (await readJson<Pids>(this.#pidFile)) ?? {};
    for (const [name, { pid, started }] of Object.entries(left)) {
      if (started === undefined || startTime(pid) !== started) continue;
      this.#say(`ending ${name} (${pid}), left by an earlier run`);
      killGroup(pid);
    }
  }

  /** Starts a process and waits until it is ready. */
  async start(spec: ProcessSpec): Promise<void> {
    this.#specs.set(spec.name, spec);
    await this.#launch(spec);
  }

  async #launch(spec: ProcessSpec): Promise<void> {
    const child = new Child(spec);
    this.#children.set(spec.name, child);
    void child.exited.then((how) => this.#ended(child, how));
    await this.#writePids();
    await child.becomeReady();
  }

  #ended(child: Child, how: string): void {
    killGroup(child.pid);
    const { name } = child.spec;
    if (this.#stopping || this.#held.has(name) || this.#children.get(name) !== child) return;
    const now = performance.now();
    const recent = [...(this.#deaths.get(name) ?? []), now].filter((at) => now - at < WINDOW_MS);
    this.#deaths.set(name, recent);
    this.#say(`${name} ${how}`);
    if (recent.length >= GIVE_UP_AFTER) {
      this.onGiveUp(
        new Error(
          `${name} ended ${recent.length} times within a minute, the last time it ${how}: see ${child.spec.log}`,
        ),
      );
      return;
    }
    const pause = recent.length === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** recent.length, LONGEST_PAUSE_MS);
    setTimeout(() => void this.#again(child.spec), pause);
  }

  async #again(spec: ProcessSpec): Promise<void> {
    if (this.#stopping || this.#held.has(spec.name)) return;
    try {
      await this.#launch(spec);
      if (this.#stopping) return;
      this.#say(`${spec.name} is back`);
      await this.onRestart(spec.name);
    } catch (error) {
      // A process that ended before it was ready comes by `#ended` again; one that hangs is ended here.
      const child = this.#children.get(spec.name);
      if (child && !child.hasExited) killGroup(child.pid);
      this.#say((error as Error).message);
    }
  }

  pids(): Record<string, number[]> {
    return Object.fromEntries([...this.#children].map(([name, { pid }]) => [name, [pid]]));
  }

  #child(name: string): Child {
    const child = this.#children.get(name);
    if (!child) throw new Error(`there is no process ${name}; there are ${[...this.#children.keys()].join(', ')}`);
    return child;
  }

  /** Sends a signal to one process (SIGKILL: to its whole group, as a dying node would). */
  signal(name: string, signal: NodeJS.Signals): void {
    const { pid } = this.#child(name);
    if (signal === 'SIGKILL') killGroup(pid);
    else process.kill(pid, signal);
  }

  /** Kills a process and keeps it down until `release`. */
  async hold(name: string): Promise<void> {
    this.#held.add(name);
    const child = this.#child(name);
    killGroup(child.pid);
    await child.exited;
  }

  async release(name: string): Promise<void> {
    this.#held.delete(name);
    await this.#again(this.#specs.get(name)!);
  }

  /** Resolves when the process that runs under this name is another one than `pid`, and ready. */
  async replaced(name: string, pid: number): Promise<void> {
    for (;;) {
      const child = this.#child(name);
      if (child.pid !== pid && !child.hasExited) {
        await child.becomeReady().catch(() => undefined);
        if (!child.hasExited) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Ends all, the last started first, except those named in `last`, which end after the others. */
  async stop(last: string[] = []): Promise<void> {
    this.#stopping = true;
    const children = [...this.#children.values()];
    const isLast = ({ spec }: Child): boolean => last.includes(spec.name);
    await Promise.all(children.filter((child) => !isLast(child)).map((child) => child.stop(STOP_MS)));
    await Promise.all(children.filter(isLast).map((child) => child.stop(STOP_MS)));
    this.#children.clear();
    await this.#writePids();
  }

  #writePids(): Promise<void> {
    const pids: Pids = Object.fromEntries(
      [...this.#children].map(([name, { pid }]) => [name, { pid, started: startTime(pid) }]),
    );
    this.#writes = this.#writes.then(() => writeAtomically(this.#pidFile, JSON.stringify(pids, null, 2)));
    return this.#writes;
  }
}
