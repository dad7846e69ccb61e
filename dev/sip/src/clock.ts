/** A running timer; `cancel` is idempotent. */
export interface Timer {
  cancel(): void;
}

/** Where transactions, dialogs and calls get their time from; tests hand in a `FakeTimers`. */
export interface TimerSource {
  /** Monotonic milliseconds. */
  now(): number;
  after(ms: number, run: () => void): Timer;
}

export const systemTimers: TimerSource = {
  now: () => performance.now(),
  after(ms, run) {
    const handle = setTimeout(run, ms);
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Time that moves only when told: timers fire in the order of their due time during `advance`. */
export class FakeTimers implements TimerSource {
  #now = 0;
  #sequence = 0;
  readonly #pending = new Set<{ due: number; order: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Timer {
    this.#sequence += 1;
    const entry = { due: this.#now + Math.max(0, ms), order: this.#sequence, run };
    this.#pending.add(entry);
    return { cancel: () => this.#pending.delete(entry) };
  }

  /** How many timers still run: a closed agent must leave none. */
  get pending(): number {
    return this.#pending.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      let next: { due: number; order: number; run: () => void } | undefined;
      for (const entry of this.#pending) {
        if (entry.due > end) continue;
        if (!next || entry.due < next.due || (entry.due === next.due && entry.order < next.order)) next = entry;
      }
      if (!next) break;
      this.#pending.delete(next);
      this.#now = next.due;
      next.run();
    }
    this.#now = end;
  }
}
