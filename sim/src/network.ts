import type { Outages } from './outages.ts';
import type { Random } from './random.ts';

/** What can be cut off from the rest: a dialer's or an agent's machine, or a service as a whole. */
export type Node = string;
/** Before the name of a node that is cut off: it may be down besides. */
export const CUT = 'cut ';

/** Who reaches whom, and how long it takes. */
export class Network {
  readonly #random: Random;
  readonly #cut: Outages;
  /** Messages take this many times longer. */
  slowness = 1;

  constructor(random: Random, outages: Outages) {
    this.#random = random;
    this.#cut = outages;
  }

  /** Cuts may overlap: each has to be healed. */
  cut(node: Node): void {
    this.#cut.begin(`${CUT}${node}`);
  }

  heal(node: Node): void {
    this.#cut.end(`${CUT}${node}`);
  }

  reaches(...nodes: readonly Node[]): boolean {
    return nodes.every((node) => !this.#cut.is(`${CUT}${node}`));
  }

  /** One way, µs: a quick network, with a tail. */
  delayUs(): number {
    return (150 + this.#random.exponential(250)) * this.slowness;
  }
}
