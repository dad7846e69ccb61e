import { Child, type Ending, type ProcessSpec } from './child.ts';
import { PidFile } from './pid-file.ts';
import { sendSignal } from './proc.ts';

/** A process that ended so often within the window is given up: something is wrong that restarts do not mend. */
const GIVE_UP_AFTER = 12;
const WINDOW_MS = 60_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 3_000;
/** EX_CONFIG of sysexits.h: no restart mends a configuration. */
const REFUSED_CONFIGURATION = 78;

/** Keeps processes running: whoever dies is started again, after everything of its group is gone. */
export class Supervisor {
  readonly #children = new Map<string, Child>();
  readonly #specs = new Map<string, ProcessSpec>();
  readonly #deaths = new Map<string, number[]>();
  readonly #held = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #givenUp = new Map<string, Error>();
  readonly #pidFile: PidFile;
  readonly #say: (line: string) => void;
  #stopping = false;

  /** Called after a process was started again and is ready. */
  onRestart: (name: string) => Promise<void> = () => Promise.resolve();
  /** Called when a process is given up. */
  onGiveUp: (reason: Error) => void = () => {};

  constructor(pidFile: string, say: (line: string) => void) {
    this.#pidFile = new PidFile(pidFile);
    this.#say = say;
    process.on('exit', this.#abandon);
  }

  /** Our own process ends without `stop`: nothing of the platform may outlive it. */
  readonly #abandon = (): void => {
    for (const child of this.#children.values()) if (!child.hasExited) sendSignal(-child.pid, 'SIGKILL');
  };

  /**
   * Ends what an earlier supervisor of this run directory left behind, by process id and start time.
   * @throws Error when one is alive.
   */
  takeOver(): Promise<void> {
    return this.#pidFile.takeOver(this.#say);
  }

  /** Starts a process and waits until it is ready. @throws Error with the reason when it ends instead. */
  async start(spec: ProcessSpec): Promise<void> {
    this.#specs.set(spec.name, spec);
    await this.#launch(spec);
  }

  async #launch(spec: ProcessSpec): Promise<void> {
    await spec.prepare?.();
    if (this.#stopping) throw new Error(`${spec.name} is not started: everything stops`);
    const child = new Child(spec);
    this.#children.set(spec.name, child);
    child.exited.then(
      (ending) => this.#ended(child, ending),
      (error: Error) => this.#giveUp(child, error.message),
    );
    await this.#writePids();
    await child.becomeReady();
  }

  #ended(child: Child, { code, how }: Ending): void {
    const { name } = child.spec;
    if (this.#stopping || this.#held.has(name) || this.#children.get(name) !== child) return;
    const now = performance.now();
    const recent = [...(this.#deaths.get(name) ?? []), now].filter((at) => now - at < WINDOW_MS);
    this.#deaths.set(name, recent);
    this.#say(`${name} ${how}`);
    if (code === REFUSED_CONFIGURATION) return this.#giveUp(child, 'refuses its configuration');
    if (recent.length >= GIVE_UP_AFTER) {
      return this.#giveUp(child, `ended ${recent.length} times within a minute, the last time it ${how}`);
    }
    const pause = recent.length === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (recent.length - 2), LONGEST_PAUSE_MS);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void this.#again(child.spec);
    }, pause);
    this.#timers.add(timer);
  }

  #giveUp(child: Child, why: string): void {
    if (this.#stopping) return;
    const reason = new Error(`${child.spec.name} ${why}: ${child.lastWords()}`);
    this.#givenUp.set(child.spec.name, reason);
    this.onGiveUp(reason);
  }

  async #again(spec: ProcessSpec): Promise<void> {
    if (this.#stopping || this.#held.has(spec.name)) return;
    try {
      await this.#launch(spec);
      if (this.#stopping) return;
      this.#say(`${spec.name} is back`);
      await this.onRestart(spec.name);
    } catch (error) {
      if (this.#stopping) return;
      // A process that ended before it was ready comes by `#ended` again; one that hangs is ended here.
      await this.#children.get(spec.name)?.kill();
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
    sendSignal(signal === 'SIGKILL' ? -pid : pid, signal);
  }

  /** A process stands still (SIGSTOP, all of its group) until `resume`. */
  pause(name: string): void {
    this.#child(name).pause();
  }

  resume(name: string): void {
    this.#child(name).resume();
  }

  /** Kills a process and keeps it down until `release`. */
  async hold(name: string): Promise<void> {
    this.#held.add(name);
    await this.#child(name).kill();
  }

  /** Starts a held process again; resolves when it is ready. */
  async release(name: string): Promise<void> {
    this.#held.delete(name);
    const { pid } = this.#child(name);
    const back = this.replaced(name, pid);
    void this.#again(this.#specs.get(name)!);
    await back;
  }

  /**
   * Resolves when the process that runs under this name is another one than `pid`, and ready.
   * @throws Error when it is given up.
   */
  async replaced(name: string, pid: number): Promise<void> {
    for (;;) {
      const reason = this.#givenUp.get(name);
      if (reason) throw reason;
      const child = this.#child(name);
      if (child.pid !== pid && !child.hasExited && child.wasReady) return;
      if (this.#stopping) throw new Error(`${name} does not come back: everything stops`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** Ends all at once, except those named in `last`, which end after the others. Each is killed after its grace. */
  async stop(last: string[] = [], grace: { firstMs: number; lastMs: number } = { firstMs: 2_000, lastMs: 1_500 }) {
    this.#stopping = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const stopAll = (children: Child[], ms: number) =>
      Promise.all(
        children.map(async (child) => {
          if (!(await child.stop(ms))) this.#say(`${child.spec.name} did not end within ${ms} ms and was killed`);
        }),
      );
    const isLast = ({ spec }: Child): boolean => last.includes(spec.name);
    const children = [...this.#children.values()];
    await stopAll(
      children.filter((child) => !isLast(child)),
      grace.firstMs,
    );
    await stopAll(children.filter(isLast), grace.lastMs);
    this.#children.clear();
    process.off('exit', this.#abandon);
    await this.#writePids();
  }

  #writePids(): Promise<void> {
    const processes = [...this.#children].map(([name, { pid, spec }]) => [name, { pid, directory: spec.directory }]);
    return this.#pidFile.write(Object.fromEntries(processes));
  }
}
