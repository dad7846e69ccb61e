interface Interval {
  readonly node: string;
  readonly fromUs: number;
  readonly toUs: number;
}

/** Nobody looks back further. */
const KEPT_US = 3_600_000_000;

/** When what was out of reach, by the true time: what may be guessed about a leg has to have an outage behind it. */
export class Outages {
  readonly #nowUs: () => number;
  readonly #since = new Map<string, { fromUs: number; times: number }>();
  #past: Interval[] = [];

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  /** Outages of one node may overlap: each has to end. */
  begin(node: string): void {
    const known = this.#since.get(node);
    if (known) known.times += 1;
    else this.#since.set(node, { fromUs: this.#nowUs(), times: 1 });
  }

  end(node: string): void {
    const known = this.#since.get(node);
    if (!known) return;
    known.times -= 1;
    if (known.times > 0) return;
    this.#since.delete(node);
    const toUs = this.#nowUs();
    this.#past = this.#past.filter((interval) => interval.toUs > toUs - KEPT_US);
    this.#past.push({ node, fromUs: known.fromUs, toUs });
  }

  is(node: string): boolean {
    return this.#since.has(node);
  }

  /** For how long since then, µs, one of these nodes was out of reach; overlapping outages count once. */
  since(fromUs: number, nodes: readonly string[]): number {
    const now = this.#nowUs();
    const all = [
      ...this.#past,
      ...[...this.#since].map(([node, { fromUs: began }]) => ({ node, fromUs: began, toUs: now })),
    ]
      .filter(({ node, toUs }) => nodes.includes(node) && toUs > fromUs)
      .sort((one, other) => one.fromUs - other.fromUs);
    let covered = 0;
    let untilUs = fromUs;
    for (const { fromUs: began, toUs } of all) {
      covered += Math.max(0, toUs - Math.max(untilUs, began));
      untilUs = Math.max(untilUs, toUs);
    }
    return covered;
  }
}
