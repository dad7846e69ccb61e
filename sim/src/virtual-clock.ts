interface Entry {
  atUs: number;
  order: number;
  work: (() => void) | undefined;
}

const before = (one: Entry, other: Entry): boolean =>
  one.atUs < other.atUs || (one.atUs === other.atUs && one.order < other.order);

/**
 * Time that moves when nothing is left to do: to the next thing that is due. Whatever a thing started by promises is over
 * (its microtasks are drained) before the next one begins.
 */
export class VirtualClock {
  #nowUs: number;
  #order = 0;
  readonly #heap: Entry[] = [];
  /** Things that were done. */
  steps = 0;

  constructor(startUs: number) {
    this.#nowUs = startUs;
  }

  get nowUs(): number {
    return this.#nowUs;
  }

  /** Does `work` after `us`; answers how to call it off. */
  after(us: number, work: () => void): () => void {
    const entry: Entry = { atUs: this.#nowUs + Math.max(0, Math.round(us)), order: this.#order++, work };
    this.#push(entry);
    return () => {
      if (!entry.work) return;
      entry.work = undefined;
    };
  }

  /** Goes on until `done` or nothing is due any more. Rejects with what a thing threw. */
  run(done: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        try {
          if (done()) return resolve();
          const entry = this.#next();
          if (!entry) return resolve();
          this.#nowUs = entry.atUs;
          this.steps += 1;
          const { work } = entry;
          entry.work = undefined;
          work!();
        } catch (error) {
          return reject(error as Error);
        }
        // Promises are drained before an immediate runs.
        setImmediate(turn);
      };
      setImmediate(turn);
    });
  }

  #next(): Entry | undefined {
    for (;;) {
      const entry = this.#pop();
      if (!entry || entry.work) return entry;
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (!top || !last || heap.length === 0) return top;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child += 1;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return top;
  }
}
