/** FNV-1a over text, from a start value: seeds of streams, and traces. */
export function hash32(text: string, start = 0x811c9dc5): number {
  let hash = start;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/**
 * One stream of random numbers (sfc32) out of a seed and a name. What is named differently is independent: leaving out one
 * call or one fault changes nothing for the others.
 */
export class Random {
  readonly #seed: string;
  #a: number;
  #b: number;
  #c: number;
  #count = 1;

  constructor(seed: string) {
    this.#seed = seed;
    this.#a = hash32(seed);
    this.#b = hash32(seed, 0x9e3779b9);
    this.#c = hash32(seed, 0x85ebca6b);
    for (let round = 0; round < 12; round += 1) this.float();
  }

  of(name: string): Random {
    return new Random(`${this.#seed}/${name}`);
  }

  /** 0 ≤ x < 1. */
  float(): number {
    const sum = (this.#a + this.#b + this.#count) | 0;
    this.#count = (this.#count + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 4294967296;
  }

  /** 0 … below − 1. */
  int(below: number): number {
    return Math.floor(this.float() * below);
  }

  between(from: number, to: number): number {
    return from + this.float() * (to - from);
  }

  chance(probability: number): boolean {
    return this.float() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)]!;
  }

  /** One of the names, as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Record<K, number>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.float() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return entries.at(-1)![0];
  }

  exponential(mean: number): number {
    return -Math.log(1 - this.float()) * mean;
  }
}

/** Ids as UUIDs are written, numbered: the same in the same run, another in every other. */
export class Ids {
  readonly #prefix: string;
  #next = 0;

  constructor(name: string) {
    this.#prefix = hash32(name).toString(16).padStart(8, '0');
  }

  next(): string {
    this.#next += 1;
    return `${this.#prefix}-0000-7000-8000-${this.#next.toString(16).padStart(12, '0')}`;
  }
}
