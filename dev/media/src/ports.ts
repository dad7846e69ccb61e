import type { PortSource } from './api.ts';

export class NoFreePort extends Error {
  constructor(min: number, max: number) {
    super(`every RTP port from ${min} to ${max} is taken`);
  }
}

/** Even ports of `min`..`max` (inclusive), handed out round robin so that a port just freed rests longest. */
export class PortPool implements PortSource {
  readonly #min: number;
  readonly #max: number;
  readonly #taken = new Set<number>();
  #next: number;

  constructor(min: number, max: number) {
    this.#min = min + (min & 1);
    this.#max = max;
    this.#next = this.#min;
    if (this.#min + 1 > max || min < 1 || max > 65_535) throw new RangeError(`no pair of ports in ${min}..${max}`);
  }

  take(): number {
    const pairs = Math.floor((this.#max - this.#min + 1) / 2);
    for (let i = 0; i < pairs; i += 1) {
      const port = this.#next;
      this.#next = port + 2 + 1 > this.#max ? this.#min : port + 2;
      if (!this.#taken.has(port)) {
        this.#taken.add(port);
        return port;
      }
    }
    throw new NoFreePort(this.#min, this.#max);
  }

  release(port: number): void {
    this.#taken.delete(port);
  }

  get taken(): number {
    return this.#taken.size;
  }
}

/** Lets the system choose (for tests and the telephone): `take` gives 0 each time. */
export const anyPort: PortSource = { take: () => 0, release: () => undefined };
