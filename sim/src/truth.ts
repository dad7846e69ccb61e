import type { Report } from './invariants.ts';
import type { Trace } from './trace.ts';
import type { Channel } from './switch/channel.ts';
import type { SimSwitch } from './switch/switch.ts';
import type { Dialled } from './switch/world.ts';

/** What really happened to a leg, by the true time. */
interface LegTruth {
  role: 'trigger' | 'a' | 'b';
  number: string;
  on: SimSwitch;
  answeredUs: number;
  endedUs: number;
  died: boolean;
}

/** Shorter than this a leg may be lost with its switch. */
const SHORT_US = 8_000_000;
/** What a leg may be charged beside the truth: the switch's and the agent's own delays. */
const OFF_US = 3_000_000;
/** Out of reach for less than this, since a leg ended, nobody has to guess what became of it. */
const OUTAGE_US = 30_000_000;
/** After its start_by a command may wait for its turn so long. */
const TURN_US = 2_000_000;

/** Every leg on every switch as an all-knowing observer has seen it. */
export class Truth {
  readonly #report: Report;
  readonly #trace: Trace;
  readonly #nowUs: () => number;
  readonly #legs = new Map<string, LegTruth>();
  readonly #dialled = new Set<string>();
  readonly #startBy = new Map<string, number>();
  /** Callback legs that are being dialled or up, by telephone. */
  readonly #calling = new Map<string, Set<string>>();
  /** Calls that came in, rang, and ended while their switch lived: each has to come to something. */
  readonly #owed = new Map<string, string>();
  readonly #outOfReach: (on: string, sinceUs: number) => number;
  answered = 0;

  /** `outOfReach`: for how long since then, µs, that switch's agent may not have been heard. */
  constructor(report: Report, trace: Trace, nowUs: () => number, outOfReach: (on: string, sinceUs: number) => number) {
    this.#report = report;
    this.#trace = trace;
    this.#nowUs = nowUs;
    this.#outOfReach = outOfReach;
  }

  commanded(legId: string, kind: string, startByUs: number): void {
    if (kind === 'originate' || kind === 'bridge') this.#startBy.set(legId, startByUs);
  }

  offered(on: SimSwitch, legId: string, number: string, role: 'trigger' | 'a'): void {
    this.#legs.set(legId, this.#leg(on, role, number));
    this.#trace.add(this.#nowUs(), on.id, `a call comes in (${role})`, { legId, number });
  }

  dial(on: SimSwitch, { legId, number, role }: Dialled): void {
    const about = { legId, number };
    this.#trace.add(this.#nowUs(), on.id, `INVITE to ${role.toUpperCase()}`, about);
    if (this.#dialled.has(legId)) this.#report('one_dial', `leg ${role} is dialled a second time`, about);
    this.#dialled.add(legId);
    const startByUs = this.#startBy.get(legId);
    if (startByUs !== undefined && this.#nowUs() > startByUs + TURN_US) {
      const late = ((this.#nowUs() - startByUs) / 1e6).toFixed(1);
      this.#report('not_late', `leg ${role} is dialled ${late} s after its start_by`, about);
    }
    this.#legs.set(legId, this.#leg(on, role, number));
    if (role !== 'a') return;
    const calling = this.#calling.get(number) ?? new Set();
    if (calling.size > 0) this.#report('one_dial', 'a telephone is dialled that is being called already', about);
    this.#calling.set(number, calling.add(legId));
  }

  #leg(on: SimSwitch, role: LegTruth['role'], number: string): LegTruth {
    return { role, number, on, answeredUs: 0, endedUs: 0, died: false };
  }

  answeredBy(on: SimSwitch, { id: legId }: Channel): void {
    const leg = this.#legs.get(legId);
    if (!leg) return;
    leg.answeredUs = this.#nowUs();
    this.answered += 1;
    this.#trace.add(this.#nowUs(), on.id, `leg ${leg.role} is answered`, { legId, number: leg.number });
  }

  gone(on: SimSwitch, { id: legId, cause, offer }: Channel, died: boolean): void {
    const leg = this.#legs.get(legId);
    if (!leg) return;
    leg.endedUs = this.#nowUs();
    leg.died = died;
    this.#calling.get(leg.number)?.delete(legId);
    this.#trace.add(this.#nowUs(), on.id, `leg ${leg.role} ${died ? 'dies with its switch' : `ends: ${cause}`}`, {
      legId,
      number: leg.number,
    });
    if (offer && !died) this.#owed.set(legId, leg.number);
  }

  /** An access number that is not ours: nothing is owed. */
  notOurs(legId: string): void {
    this.#legs.delete(legId);
  }

  /** What is wrong with how a leg was settled, if anything. */
  problemOf(legId: string, settled: { answeredUs: number; billedUs: number; guessed: boolean }): string | undefined {
    this.#owed.delete(legId);
    const leg = this.#legs.get(legId);
    if (!leg) return undefined; // it never got as far as a switch
    if (leg.endedUs === 0) return `leg ${leg.role} is settled while it lives`;
    if (leg.answeredUs === 0) {
      return settled.answeredUs > 0 ? `leg ${leg.role} is settled as answered, and never was` : undefined;
    }
    const lasted = leg.endedUs - leg.answeredUs;
    // The agent connected, or the CDR was written, by who knows which clock.
    if (leg.on.clockWasSet) return undefined;
    // Its agent was out of reach long beyond its paid-for time: it is charged for that, or not at all.
    if (settled.guessed && this.#outOfReach(leg.on.id, leg.endedUs) >= OUTAGE_US) return undefined;
    const seconds = (us: number): string => (us / 1e6).toFixed(1);
    if (settled.billedUs > lasted + OFF_US) {
      return `leg ${leg.role} lasted ${seconds(lasted)} s and is charged for ${seconds(settled.billedUs)} s`;
    }
    if (leg.died || lasted < SHORT_US) return undefined;
    if (settled.answeredUs === 0)
      return `leg ${leg.role} was up for ${seconds(lasted)} s and is settled as never answered`;
    if (settled.billedUs < lasted - OFF_US) {
      return `leg ${leg.role} lasted ${seconds(lasted)} s and is charged for ${seconds(settled.billedUs)} s only`;
    }
    return undefined;
  }

  /** Calls that came in of which nothing has come yet. */
  get unanswered(): ReadonlyMap<string, string> {
    return this.#owed;
  }

  died(legId: string): boolean {
    return this.#legs.get(legId)?.died ?? false;
  }

  /** Legs that are up or being dialled. */
  live(): number {
    let count = 0;
    for (const { endedUs } of this.#legs.values()) if (endedUs === 0) count += 1;
    return count;
  }

  forget(legId: string): void {
    this.#legs.delete(legId);
    this.#startBy.delete(legId);
  }
}
