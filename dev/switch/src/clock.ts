/** Epoch microseconds, monotonic within the process. */
export function epochMicros(): number {
  return Math.round((performance.timeOrigin + performance.now()) * 1000);
}

/**
 * FreeSWITCH's "soft timer": one 20 ms beat for the whole switch, drift-free. Session loops and the RTP of every call
 * hang on it; it rests while nobody waits.
 */
export class SoftTimer {
  static readonly INTERVAL_MS = 20;
  #waiters = new Set<() => void>();
  readonly #players = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #next = 0;

  /** Resolves at the next beat, or as soon as `wake` is called by its owner. */
  beat(registerWake?: (wake: () => void) => void): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiters.delete(done);
        resolve();
      };
      this.#waiters.add(done);
      registerWake?.(done);
      this.#run();
    });
  }

  /** Calls `fn` at every beat until the returned function is called. */
  every(fn: () => void): () => void {
    this.#players.add(fn);
    this.#run();
    return () => this.#players.delete(fn);
  }

  #run(): void {
    if (this.#timer !== undefined) return;
    this.#next = performance.now() + SoftTimer.INTERVAL_MS;
    this.#arm();
  }

  #arm(): void {
    this.#timer = setTimeout(() => this.#tick(), Math.max(0, this.#next - performance.now()));
  }

  #tick(): void {
    // After a stall the missed beats of the players are made up for (their peers expect 50 frames a second), up to half a second.
    let due = 1 + Math.floor((performance.now() - this.#next) / SoftTimer.INTERVAL_MS);
    due = Math.min(Math.max(due, 1), 25);
    for (let i = 0; i < due; i += 1) for (const player of Array.from(this.#players)) player();
    const waiters = [...this.#waiters];
    for (const waiter of waiters) waiter();
    this.#timer = undefined;
    if (this.#waiters.size > 0 || this.#players.size > 0) {
      this.#next = Math.max(this.#next + due * SoftTimer.INTERVAL_MS, performance.now() - SoftTimer.INTERVAL_MS);
      this.#arm();
    } else {
      // Waiters re-register within their continuation: keep the grid by checking once more after it ran.
      queueMicrotask(() => undefined);
    }
  }
}
