/** The switch tells its time in whole seconds: what differs by less is taken for no difference. */
const SET_US = 2_000_000;
const HALF_SECOND_US = 500_000;
/** FreeSWITCH's clock can jump in mid-call after a stall; ours, which is monotonic, cannot. */
const MAX_AHEAD_US = 1_500_000;
/** Events may come late, after a pause of ours, but hardly by more. */
const MAX_BEHIND_US = 60_000_000;

/** Times of the switch, held to a monotonic clock from the moment the connection was made. */
export class SwitchClock {
  readonly #monotonicUs: () => number;
  #offset: number | undefined;
  /** What the switch's clock was set by since, to within a second. */
  #set = 0;

  constructor(monotonicUs: () => number) {
    this.#monotonicUs = monotonicUs;
  }

  /** A new connection, perhaps to another switch: learn anew from the next time told. */
  reset(): void {
    this.#offset = undefined;
    this.#set = 0;
  }

  /**
   * The switch told its present time, in whole seconds, at the beginning: unlike the first event, which may be old when it is
   * read. Events tell the rest of the second.
   */
  begin(switchSeconds: number): void {
    const now = this.now();
    const told = switchSeconds * 1_000_000;
    if (now === undefined || Math.abs(told + HALF_SECOND_US - now) > 2 * HALF_SECOND_US)
      this.#offset = told - this.#monotonicUs();
  }

  /** The switch told its present time, in whole seconds: where its clock was set meanwhile, that is known from now on. */
  check(switchSeconds: number): void {
    const expected = this.now();
    if (expected === undefined) return;
    const off = switchSeconds * 1_000_000 + HALF_SECOND_US - expected;
    if (Math.abs(off - this.#set) > SET_US) this.#set = Math.abs(off) > SET_US ? Math.round(off) : 0;
  }

  /** Now, by the switch's clock as it was when the connection was made; undefined before anything was learnt. */
  now(): number | undefined {
    return this.#offset === undefined ? undefined : Math.round(this.#monotonicUs() + this.#offset);
  }

  /** A time the switch told, by its clock as it was at first, if it can be true; else the present one. */
  held(toldUs: number): number {
    const expected = this.now();
    if (expected === undefined) {
      this.#offset = toldUs - this.#monotonicUs();
      return toldUs;
    }
    const switchUs = toldUs - this.#set;
    const ahead = switchUs - expected;
    // Nothing comes from the future: the first time was learnt late, or the clocks drift apart.
    if (ahead > 0 && ahead <= MAX_AHEAD_US) this.#offset = switchUs - this.#monotonicUs();
    return ahead > MAX_AHEAD_US || ahead < -MAX_BEHIND_US ? expected : switchUs;
  }
}
