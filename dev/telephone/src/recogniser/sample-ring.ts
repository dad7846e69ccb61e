/** The last samples of a stream, by their position since its start. */
export class SampleRing {
  readonly #samples: Int16Array;
  readonly #mask: number;
  /** How many samples the stream has had. */
  length = 0;

  /** `capacity`: a power of two. */
  constructor(capacity: number) {
    this.#samples = new Int16Array(capacity);
    this.#mask = capacity - 1;
  }

  push(samples: Int16Array): void {
    for (const sample of samples) {
      this.#samples[this.length & this.#mask] = sample;
      this.length += 1;
    }
  }

  /** Copies `into.length` samples from `start`; what is gone or not yet there is silence. */
  copy(start: number, into: Int16Array): Int16Array {
    const oldest = this.length - this.#samples.length;
    for (let i = 0; i < into.length; i += 1) {
      const at = start + i;
      into[i] = at >= 0 && at >= oldest && at < this.length ? (this.#samples[at & this.#mask] as number) : 0;
    }
    return into;
  }
}

/** Normalised cross-correlation, −1..1, of `length` samples; 0 when one side is silent. */
export function correlation(a: Int16Array, aAt: number, b: Int16Array, bAt: number, length: number): number {
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < length; i += 1) {
    const x = a[aAt + i] ?? 0;
    const y = b[bAt + i] ?? 0;
    xy += x * y;
    xx += x * x;
    yy += y * y;
  }
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy);
}
