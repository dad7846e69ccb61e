/** Of the legs a second, this part may come at once after a pause; the rest evenly, so that no second holds more. */
const BURST_PART = 0.2;

/** New legs a second: callers wait their turn, in order. */
export class Pacer {
  readonly #gapMs: number;
  readonly #now: () => number;
  readonly #wait: (ms: number) => Promise<void>;
  /** So many may come at once after a pause. */
  readonly #burst: number;
  #next = 0;

  constructor(perSecond: number, now: () => number, wait: (ms: number) => Promise<void>) {
    this.#gapMs = 1_000 / (perSecond * (1 - BURST_PART));
    this.#burst = Math.max(1, Math.floor(perSecond * BURST_PART));
    this.#now = now;
    this.#wait = wait;
  }

  async turn(): Promise<void> {
    const now = this.#now();
    const at = Math.max(this.#next, now - (this.#burst - 1) * this.#gapMs);
    this.#next = at + this.#gapMs;
    if (at > now) await this.#wait(at - now);
  }
}
