import type { Random } from './random.ts';

/** What can be cut off from the rest: a dialer's or an agent's machine, or a service as a whole. */
export type Node = string;

/** Who reaches whom, and how long it takes. */
export class Network {
  readonly #random: Random;
  readonly #cut = new Map<Node, number>();
  /** Messages take this many times longer. */
  slowness = 1;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Cuts may overlap: each has to be healed. */
  cut(node: Node): void {
    this.#cut.set(node, (this.#cut.get(node) ?? 0) + 1);
  }

  heal(node: Node): void {
    this.#cut.set(node, Math.max(0, (this.#cut.get(node) ?? 0) - 1));
  }

  reaches(...nodes: readonly Node[]): boolean {
    return nodes.every((node) => !this.#cut.get(node));
  }

  /** One way, µs: a quick network, with a tail. */
  delayUs(): number {
    return (150 + this.#random.exponential(250)) * this.slowness;
  }
}
