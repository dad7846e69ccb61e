/** Clock and timers are handed in, so that tests have their own. */
export interface Timers {
  /** ms. */
  now(): number;
  after(ms: number, callback: () => void): () => void;
}

export const realTimers: Timers = {
  now: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

export interface QueueOptions {
  readonly timers: Timers;
  /** Least time between two passes over the same key, ms: a burst of changes is one pass. */
  readonly minIntervalMs: number;
  /** After a failure: this, doubled by each further one, up to the maximum. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Passes at the same time, over different keys. */
  readonly workers: number;
  /** One pass; answers when it wants to be called again without any change, ms. */
  readonly work: (key: string) => Promise<number | undefined>;
  readonly failed: (key: string, error: unknown, retryInMs: number) => void;
}

interface Entry {
  due: number;
  cancel: (() => void) | undefined;
  running: boolean;
  /** Named again while it ran. */
  again: boolean;
  failures: number;
  lastStart: number;
}

/**
 * Keys with work to be done. A key is never worked on twice at the same time, what is named while it is worked on is done
 * again, failures come back later and later, and nothing is forgotten.
 */
export class WorkQueue {
  readonly #o: QueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #ready: string[] = [];
  #running = 0;
  #stopped = false;
  #idle: (() => void) | undefined;

  constructor(options: QueueOptions) {
    this.#o = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** There is something to do about it, now or (at the latest) after `inMs`. */
  add(key: string, inMs = 0): void {
    if (this.#stopped) return;
    const { now } = this.#o.timers;
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = {
        due: Number.POSITIVE_INFINITY,
        cancel: undefined,
        running: false,
        again: false,
        failures: 0,
        lastStart: Number.NEGATIVE_INFINITY,
      };
      this.#entries.set(key, entry);
    }
    if (entry.running) {
      if (inMs === 0) entry.again = true;
      return;
    }
    // Not before the back-off of a failure, nor too soon after the last pass.
    const earliest = Math.max(now() + inMs, entry.lastStart + this.#pause(entry));
    this.#plan(key, entry, earliest);
  }

  #pause({ failures }: Entry): number {
    const { minIntervalMs, backoffMs, maxBackoffMs } = this.#o;
    return failures === 0
      ? minIntervalMs
      : Math.max(minIntervalMs, Math.min(maxBackoffMs, backoffMs * 2 ** (failures - 1)));
  }

  #plan(key: string, entry: Entry, at: number): void {
    if (entry.due <= at) return;
    entry.cancel?.();
    entry.due = at;
    const due = (): void => {
      entry.cancel = undefined;
      this.#ready.push(key);
      this.#next();
    };
    entry.cancel = this.#o.timers.after(Math.max(0, at - this.#o.timers.now()), due);
  }

  #next(): void {
    while (this.#running < this.#o.workers && !this.#stopped) {
      const key = this.#ready.shift();
      if (key === undefined) return;
      const entry = this.#entries.get(key);
      if (entry && !entry.running) void this.#run(key, entry);
    }
  }

  async #run(key: string, entry: Entry): Promise<void> {
    this.#running += 1;
    entry.running = true;
    entry.again = false;
    entry.due = Number.POSITIVE_INFINITY;
    entry.lastStart = this.#o.timers.now();
    let wait: number | undefined;
    try {
      wait = await this.#o.work(key);
      entry.failures = 0;
    } catch (error) {
      entry.failures += 1;
      wait = this.#pause(entry);
      this.#o.failed(key, error, wait);
    }
    this.#running -= 1;
    entry.running = false;
    if (this.#stopped) {
      if (this.#running === 0) this.#idle?.();
      return;
    }
    if (entry.again) this.add(key);
    else if (wait !== undefined) this.add(key, wait);
    else this.#entries.delete(key);
    this.#next();
  }

  /** No further pass begins; resolves when those that run have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const entry of this.#entries.values()) entry.cancel?.();
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }
}
