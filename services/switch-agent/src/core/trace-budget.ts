/** So many seconds' worth may come at once after a pause. */
const BURST_SECONDS = 5;

/**
 * Of the calls that come in, so many a second are traced, and told of by everybody; of the rest nobody tells anything. Under
 * load telemetry costs no more than that.
 */
export class TraceBudget {
  readonly #perSecond: number;
  readonly #nowUs: () => number;
  #left: number;
  #lastUs: number;

  constructor(perSecond: number, nowUs: () => number) {
    this.#perSecond = perSecond;
    this.#nowUs = nowUs;
    this.#left = perSecond * BURST_SECONDS;
    this.#lastUs = nowUs();
  }

  /** Whether one more is traced. */
  take(): boolean {
    const now = this.#nowUs();
    const earned = (Math.max(0, now - this.#lastUs) / 1_000_000) * this.#perSecond;
    this.#left = Math.min(this.#perSecond * BURST_SECONDS, this.#left + earned);
    this.#lastUs = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
