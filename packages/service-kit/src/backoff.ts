/** Exponential back-off with full jitter; randomness is handed in so that a simulation can repeat it. */
export class Backoff {
  #attempt = 0;
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;

  /** @param firstMs longest first wait; doubled at each attempt up to `maxMs`. */
  constructor(firstMs: number, maxMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** Next wait in ms: between half of and the whole of min(first · 2ⁿ, max). */
  next(): number {
    const ceiling = Math.min(this.#firstMs * 2 ** this.#attempt, this.#maxMs);
    this.#attempt = Math.min(this.#attempt + 1, 30);
    return ceiling / 2 + (this.#random() * ceiling) / 2;
  }

  reset(): void {
    this.#attempt = 0;
  }
}
