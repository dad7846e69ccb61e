/**
 * Longest-prefix lookup over digits: one Int32Array of ten children a node, so that a deck of 200,000 prefixes is a few
 * megabytes and a lookup at most as many reads as the number has digits.
 */
export class PrefixTree<T> {
  #children = new Int32Array(10 * 1024);
  /** Value index + 1 of each node; 0: none. */
  #values = new Int32Array(1024);
  #nodes = 1;
  readonly #items: T[] = [];

  get size(): number {
    return this.#items.length;
  }

  /** `prefix` is digits; the empty one matches every number. */
  set(prefix: string, value: T): void {
    let node = 0;
    for (let at = 0; at < prefix.length; at++) {
      const slot = node * 10 + digitAt(prefix, at);
      node = this.#children[slot]! || this.#append(slot);
    }
    const index = this.#values[node]!;
    if (index > 0) this.#items[index - 1] = value;
    else this.#values[node] = this.#items.push(value);
  }

  get(prefix: string): T | undefined {
    let node = 0;
    for (let at = 0; at < prefix.length; at++) {
      node = this.#children[node * 10 + digitAt(prefix, at)]!;
      if (node === 0) return undefined;
    }
    return this.#items[this.#values[node]! - 1];
  }

  /** The value of the longest prefix of `number` (digits only) that has one. */
  longest(number: string): T | undefined {
    let node = 0;
    let found = this.#values[0]!;
    for (let at = 0; at < number.length; at++) {
      node = this.#children[node * 10 + digitAt(number, at)]!;
      if (node === 0) break;
      const value = this.#values[node]!;
      if (value > 0) found = value;
    }
    return this.#items[found - 1];
  }

  values(): readonly T[] {
    return this.#items;
  }

  #append(slot: number): number {
    const node = this.#nodes++;
    if (node === this.#values.length) {
      this.#children = grown(this.#children);
      this.#values = grown(this.#values);
    }
    this.#children[slot] = node;
    return node;
  }
}

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2);
  larger.set(array);
  return larger;
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 48;
  if (!(digit >= 0 && digit <= 9)) throw new RangeError('a number to rate must be digits');
  return digit;
}
