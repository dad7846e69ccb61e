import type { VirtualClock } from './virtual-clock.ts';

/**
 * One life of a process. Killed, nothing reaches it any more: its promises never settle, its timers never fire. Paused, all
 * that comes waits at its door; resumed, it goes on as if no time had passed: a zombie.
 */
export class Life {
  readonly name: string;
  readonly clock: VirtualClock;
  /** What its wall clock is ahead of the true time. */
  skewUs = 0;
  #alive = true;
  #waiting: (() => void)[] | undefined;

  constructor(name: string, clock: VirtualClock) {
    this.name = name;
    this.clock = clock;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get paused(): boolean {
    return this.#waiting !== undefined;
  }

  /** Its wall clock. */
  nowUs = (): number => this.clock.nowUs + this.skewUs;

  /** Something reaches the process. */
  enter(work: () => void): void {
    if (!this.#alive) return;
    if (this.#waiting) this.#waiting.push(work);
    else work();
  }

  after = (ms: number, work: () => void): (() => void) => {
    let called = false;
    const cancel = this.clock.after(ms * 1000, () =>
      this.enter(() => {
        if (!called) work();
      }),
    );
    return () => {
      called = true;
      cancel();
    };
  };

  every = (ms: number, work: () => void): (() => void) => {
    let cancel = (): void => {};
    const again = (): void => {
      cancel = this.after(ms, () => {
        again();
        work();
      });
    };
    again();
    return () => cancel();
  };

  /** Something outside is asked: done after `thereUs`, known here `backUs` later. A throw of it is a rejection here. */
  ask<T>(thereUs: number, backUs: number, work: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.clock.after(thereUs, () => {
        let answer: () => void;
        try {
          const value = work();
          answer = () => resolve(value);
        } catch (error) {
          answer = () => reject(error as Error);
        }
        this.clock.after(backUs, () => this.enter(answer));
      });
    });
  }

  kill(): void {
    this.#alive = false;
    this.#waiting = undefined;
  }

  pause(): void {
    if (this.#alive) this.#waiting ??= [];
  }

  resume(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = undefined;
    // One after the other, each with its promises drained, as the event loop of a process that was stopped would.
    for (const work of waiting) this.clock.after(0, () => this.enter(work));
  }
}
