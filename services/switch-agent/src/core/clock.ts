/** FreeSWITCH's clock can jump in mid-call after a stall; ours, which is monotonic, cannot. */
const MAX_AHEAD_US = 1_000_000;
/** Events may come late, after a pause of ours, but hardly by more. */
const MAX_BEHIND_US = 60_000_000;

/** Times of the switch, held to a monotonic clock from the moment the connection was made. */
export class SwitchClock {
  readonly #monotonicUs: () => number;
  #offset: number | undefined;

  constructor(monotonicUs: () => number) {
    this.#monotonicUs = monotonicUs;
  }

  /** A new connection, perhaps to another switch: learn anew from the next time told. */
  reset(): void {
    this.#offset = undefined;
  }

  /** The switch told its present time. */
  learn(switchUs: number): void {
    this.#offset ??= switchUs - this.#monotonicUs();
  }

  /** Now, by the switch's clock; undefined before anything was learnt. */
  now(): number | undefined {
    return this.#offset === undefined ? undefined : this.#monotonicUs() + this.#offset;
  }

  /** A time the switch told, if it can be true; else the present one. */
  held(switchUs: number): number {
    const expected = this.now();
    if (expected === undefined) {
      this.learn(switchUs);
      return switchUs;
    }
    const ahead = switchUs - expected;
    // Nothing comes from the future: the first time was learnt late, or the clocks drift apart.
    if (ahead > 0 && ahead <= MAX_AHEAD_US) this.#offset = switchUs - this.#monotonicUs();
    return ahead > MAX_AHEAD_US || ahead < -MAX_BEHIND_US ? Math.round(expected) : switchUs;
  }
}
