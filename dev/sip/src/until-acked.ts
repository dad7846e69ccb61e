import type { Timer } from './clock.ts';
import type { TransactionTiming } from './client-transaction.ts';

/** Repeats a 2xx to an INVITE until its ACK comes: T1 doubling to T2, for 64·T1 (RFC 3261 section 13.3.1.4). */
export class UntilAcked {
  readonly sequence: number;
  readonly #timing: TransactionTiming;
  #again: Timer | undefined;
  #limit: Timer | undefined;

  constructor(timing: TransactionTiming, sequence: number, send: () => void, gaveUp: () => void) {
    this.sequence = sequence;
    this.#timing = timing;
    send();
    this.#arm(timing.t1, send);
    this.#limit = timing.timers.after(64 * timing.t1, () => {
      this.stop();
      gaveUp();
    });
  }

  stop(): void {
    this.#again?.cancel();
    this.#limit?.cancel();
  }

  #arm(interval: number, send: () => void): void {
    this.#again = this.#timing.timers.after(interval, () => {
      send();
      this.#arm(Math.min(interval * 2, this.#timing.t2), send);
    });
  }
}
