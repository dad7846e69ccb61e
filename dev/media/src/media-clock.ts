import { FRAME_MS, type MediaClock } from './api.ts';

/** What a clock needs of time; tests hand in their own. */
export interface ClockTime {
  now(): number;
  after(ms: number, run: () => void): () => void;
}

const realTime: ClockTime = {
  now: () => performance.now(),
  after(ms, run) {
    const handle = setTimeout(run, ms);
    return () => clearTimeout(handle);
  },
};

/** At most this many missed ticks are made up for: half a second of stall. */
const MAX_CATCH_UP = 25;

/**
 * The beat of 20 ms. Each tick is due at a multiple of 20 ms from the first, whatever the timers' lateness was, so that peers get
 * exactly 50 packets a second; after a stall the missed ticks follow at once.
 */
export class BeatClock implements MediaClock {
  readonly #time: ClockTime;
  readonly #subscribers = new Set<(late: boolean) => void>();
  #due = 0;
  #cancel: (() => void) | undefined;

  constructor(time: ClockTime = realTime) {
    this.#time = time;
  }

  subscribe(tick: (late: boolean) => void): () => void {
    this.#subscribers.add(tick);
    if (!this.#cancel) {
      this.#due = this.#time.now() + FRAME_MS;
      this.#arm();
    }
    return () => {
      this.#subscribers.delete(tick);
      if (this.#subscribers.size === 0) {
        this.#cancel?.();
        this.#cancel = undefined;
      }
    };
  }

  #arm(): void {
    this.#cancel = this.#time.after(Math.max(0, this.#due - this.#time.now()), () => this.#beat());
  }

  #beat(): void {
    const behind = Math.floor((this.#time.now() - this.#due) / FRAME_MS);
    const ticks = Math.min(MAX_CATCH_UP, Math.max(1, behind + 1));
    this.#due += Math.max(ticks, behind + 1) * FRAME_MS;
    this.#arm();
    for (let i = 0; i < ticks; i += 1) for (const tick of this.#subscribers) tick(i < ticks - 1);
  }
}

/** The process's one clock. */
export const sharedClock: MediaClock = new BeatClock();
