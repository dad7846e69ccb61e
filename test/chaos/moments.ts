import assert from 'node:assert/strict';
import type { PhoneCall } from '@ringback/dev-telephone';
import { latest } from '../support/lateness.ts';
import { type Customer, until, type World } from '../support/world.ts';
import type { Scene, Tolerance } from './play.ts';

/** Generous: the machine may be busy. What must hold does not depend on them. */
export const WAIT = 40_000;
const CALLBACK = '+48223000000';
/** A destination is asked for: at once, or once more. */
// Also late, after what was killed is back; and the last one, when nobody keyed for long.
const ASKED = ['ask_destination', 'ask_destination_again', 'ask_destination_last', 'ask_next_destination'];
const ASKED_PIN = ['ask_pin', 'ask_pin_again'];
/** Tones that prove who hears whom. */
const FROM_A = 1900;
const FROM_B = 1100;
/** A busy machine loses frames, up to a second of them; a broken path loses all until it is mended. */
const LONGEST_GAP_MS = 4000;
/** A destination that costs 1.00 EUR a second. */
const DEAR_PREFIX = '+3716701';
const CREDIT_SECONDS = 9;
/** Leg A's own cost takes less than the last second. */
const PAID_SECONDS = CREDIT_SECONDS - 1;

/** `role result reason` of all legs of that caller's sessions, sorted. */
export async function outcome(world: World, caller: string): Promise<string[]> {
  const cdrs = await world.cdrs({ number: caller });
  return cdrs.map(({ role, result, reason }) => [role, result, reason].filter(Boolean).join(' ')).sort();
}

/** Waits until the caller's session is over, then compares; legs that are `spared` may be there, or not. */
export async function booked(
  world: World,
  caller: string,
  expected: readonly string[],
  spared: readonly string[] = [],
): Promise<void> {
  await until(
    'the session ends',
    async () => {
      const sessions = await world.sessions(caller);
      return sessions.length > 0 && sessions.every(({ state }) => state === 'ended');
    },
    WAIT,
  );
  const open = [...expected];
  const more = (await outcome(world, caller)).filter((leg) => {
    const at = open.indexOf(leg);
    if (at >= 0) open.splice(at, 1);
    return at < 0;
  });
  assert.deepEqual(
    { missing: open, more: more.filter((leg) => !spared.includes(leg)) },
    { missing: [], more: [] },
    `booked: ${(await outcome(world, caller)).join('; ')}`,
  );
}

export interface Conversation {
  a: PhoneCall;
  b: PhoneCall;
  /** B's. */
  number: string;
}

/** The moment at which A and B talk. */
export const IN_CONVERSATION = '17–18 in conversation';

/** Settings of the stage's access number, in ms. */
const RING_MS = 1_000;
const DELAY_MS = 500;
/** A digit and the pause after it. */
const DIGIT_MS = 180;
/** How long before the blow something was done: at once, and after what each step of it takes. */
const LEADS_MS = [0, 20, 60, 150];

/** Callers at every moment of a call; each of them is somebody of its own. */
export class Moments {
  /** What may be different now. */
  tolerance: Tolerance = {};
  readonly #world: World;
  #destinations = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** One caller and more at every step of a call, in the order of the steps. */
  all(): Promise<Scene[]> {
    return Promise.all([
      ...LEADS_MS.map((ms) => this.triggering('1–5 a trigger arrives', ms)),
      this.triggering('6 the access number rings', RING_MS / 2),
      ...[0, 30].map((ms) => this.triggering('6 the trigger is rejected', RING_MS + ms)),
      ...LEADS_MS.map((ms) => this.triggering('7–8 the callback is due', RING_MS + DELAY_MS + ms)),
      this.ringingA(),
      ...[0, 40].map((ms) => this.answering(ms)),
      this.keyingPin(),
      ...[0, 60].map((ms) => this.keyedPin(ms)),
      ...LEADS_MS.map((ms) => this.keyedDestination(ms)),
      this.ringingB(),
      ...[0, 40].map((ms) => this.ringingB(ms)),
      this.talking(),
      this.exhausting(),
      ...[0, 60].map((ms) => this.ending('19 A keys #11', ms)),
      ...[0, 30].map((ms) => this.ending('19 B hangs up', ms)),
      ...[0, 30].map((ms) => this.ending('20 A hangs up', ms)),
      this.leaving(),
    ]);
  }

  /** The switch that carries that caller's last leg A. */
  async switchOf(caller: string): Promise<string> {
    const [session] = await this.#world.sessions(caller);
    const a = session?.legs.findLast(({ role }) => role === 'a');
    if (!a?.switchId) throw new Error('that caller has no leg A on a switch');
    return a.switchId;
  }

  /** The last conversation that costs much: the one that will be cut off. */
  dearest(): PhoneCall {
    const b = this.#world.phone.calls.findLast(({ to }) => to.replace(/^(\+|00)?/, '+').startsWith(DEAR_PREFIX));
    if (!b) throw new Error('nobody has called there');
    return b;
  }

  /** A destination nobody else calls. */
  destination(prefix = '+44207946'): { e164: string; keyed: string } {
    this.#destinations += 1;
    const e164 = `${prefix}${String(this.#destinations).padStart(4, '0')}`;
    return { e164, keyed: `00${e164.slice(1)}#` };
  }

  async #calledBack({ caller }: Customer): Promise<PhoneCall> {
    const trigger = await this.#world.phone.call(caller, CALLBACK);
    await trigger.expectEnd(WAIT);
    return this.#world.phone.expectCall(caller, WAIT);
  }

  /** Called back, at the prompt for a destination. */
  async #atPrompt(customer: Customer): Promise<PhoneCall> {
    const a = await this.#calledBack(customer);
    a.answer();
    await a.expectPrompt(ASKED, WAIT, { until: 'start' });
    return a;
  }

  /** In conversation; both ends send their tone. */
  async conversation(customer: Customer): Promise<Conversation> {
    return this.#connect(await this.#atPrompt(customer));
  }

  async #connect(a: PhoneCall, prefix?: string): Promise<Conversation> {
    const { e164, keyed } = this.destination(prefix);
    await a.key(keyed);
    const b = await this.#world.phone.expectCall(e164, WAIT);
    b.answer();
    await this.#bothHeard(a, b);
    return { a, b, number: e164 };
  }

  async #bothHeard(a: PhoneCall, b: PhoneCall): Promise<void> {
    b.marker(FROM_B);
    a.marker(FROM_A);
    await Promise.all([a.heard.expectTone(FROM_B, WAIT), b.heard.expectTone(FROM_A, WAIT)]);
  }

  /** The caller's session is over, with these legs; nobody's telephone rang more than once. */
  async #over(back: Promise<unknown>, customer: Customer, legs: string[], ...numbers: string[]): Promise<void> {
    await back;
    await booked(this.#world, customer.caller, legs, this.tolerance.legs);
    if (this.tolerance.again) return;
    for (const number of [customer.caller, ...numbers]) {
      assert.equal(this.#world.phone.callsTo(number).length, 1, 'dialled once');
    }
  }

  /** Talks while and after; `#11`, the next destination. */
  async talking(): Promise<Scene> {
    const customer = await this.#world.customer();
    let call: Conversation;
    return {
      caller: customer.caller,
      moment: IN_CONVERSATION,
      prepare: async () => {
        call = await this.conversation(customer);
      },
      goOn: async (back) => {
        const { a, b, number } = call;
        await hearEachOther(call, back, this.tolerance.lateS);
        await a.key('#11');
        const ended = await b.expectEnd(WAIT);
        assert.equal(ended.by, 'remote');
        a.marker(undefined);
        await a.expectPrompt('ask_next_destination', WAIT, { until: 'start' });
        const next = await this.#connect(a);
        a.hangup();
        await next.b.expectEnd(WAIT);
        const legs = ['a success', 'b success', 'b success end_code', 'trigger success'];
        await this.#over(back, customer, legs, number, next.number);
      },
    };
  }

  /** Hangs up while the process is away. */
  async leaving(): Promise<Scene> {
    const customer = await this.#world.customer();
    let call: Conversation;
    return {
      caller: customer.caller,
      moment: '20 A hangs up meanwhile',
      prepare: async () => {
        call = await this.conversation(customer);
      },
      goOn: async (back) => {
        call.a.hangup();
        await call.b.expectEnd(WAIT);
        await this.#over(back, customer, ['a success', 'b success', 'trigger success'], call.number);
      },
    };
  }

  /** A conversation that one end ends just before the blow. */
  async ending(moment: '19 A keys #11' | '19 B hangs up' | '20 A hangs up', leadMs: number): Promise<Scene> {
    const customer = await this.#world.customer();
    const byCode = moment === '19 A keys #11';
    let call: Conversation;
    return {
      caller: customer.caller,
      moment,
      prepare: async () => {
        call = await this.conversation(customer);
      },
      touch: {
        leadMs: leadMs + (byCode ? 3 * DIGIT_MS : 0),
        act: async () => {
          if (byCode) await call.a.key('#11');
          else if (moment === '19 B hangs up') call.b.hangup();
          else call.a.hangup();
        },
      },
      goOn: async (back) => {
        const { a, b, number } = call;
        await b.expectEnd(WAIT);
        if (moment !== '20 A hangs up') {
          a.marker(undefined);
          await a.expectPrompt('ask_next_destination', WAIT, { until: 'start' });
          a.hangup();
        }
        const legs = ['a success', byCode ? 'b success end_code' : 'b success', 'trigger success'];
        await this.#over(back, customer, legs, number);
      },
    };
  }

  /** Is cut off when the credit ends. */
  async exhausting(): Promise<Scene> {
    const customer = await this.#world.customer({ micros: BigInt(CREDIT_SECONDS) * 1_000_000n });
    let call: Conversation;
    let caller: PhoneCall;
    return {
      caller: customer.caller,
      moment: '17 with little credit',
      prepare: async () => {
        caller = await this.#atPrompt(customer);
      },
      reach: async () => {
        call = await this.#connect(caller, DEAR_PREFIX);
      },
      goOn: async (back) => {
        const { a, b, number } = call;
        const { atMs, by } = await b.expectEnd(WAIT);
        const talked = (atMs - (b.at.answered ?? Number.NaN)) / 1000;
        assert.equal(by, 'remote');
        const late = 0.5 + 2 * latest(talked) + (this.tolerance.lateS ?? 0);
        assert.ok(
          talked > PAID_SECONDS - 1 && talked < PAID_SECONDS + late,
          `cut off after ${talked.toFixed(2)} s of ${PAID_SECONDS} paid for`,
        );
        await back;
        await a.expectEnd(WAIT);
        await this.#over(back, customer, ['a success', 'b success cut_off', 'trigger success'], number);
        const { balance } = await this.#world.balance(customer.number);
        const cdrs = await this.#world.cdrs({ accountNumber: customer.number });
        const cost = cdrs.find(({ role }) => role === 'b')?.cost?.micros ?? 0n;
        assert.ok(balance >= 0n, 'no debt');
        assert.ok(cost > 0n && cost <= BigInt(PAID_SECONDS) * 1_000_000n, 'charged at most the paid-for time');
      },
    };
  }

  /** A's telephone rings, and is answered meanwhile. */
  async ringingA(): Promise<Scene> {
    const customer = await this.#world.customer();
    let a: PhoneCall;
    return {
      caller: customer.caller,
      moment: '9 A rings',
      reach: async () => {
        a = await this.#calledBack(customer);
      },
      goOn: (back) => {
        a.answer();
        return this.#askedAndGone(back, customer, a);
      },
    };
  }

  /** A answers just before the blow. */
  async answering(leadMs: number): Promise<Scene> {
    const customer = await this.#world.customer();
    let a: PhoneCall;
    return {
      caller: customer.caller,
      moment: '9–10 A answers',
      reach: async () => {
        a = await this.#calledBack(customer);
      },
      touch: { leadMs, act: () => Promise.resolve(a.answer()) },
      goOn: (back) => this.#askedAndGone(back, customer, a),
    };
  }

  async #askedAndGone(back: Promise<unknown>, customer: Customer, a: PhoneCall): Promise<void> {
    await a.expectPrompt(ASKED, WAIT, { until: 'start' });
    a.hangup();
    await this.#over(back, customer, ['a success', 'trigger success']);
  }

  /** B's telephone rings, and is answered so long before the blow, or meanwhile; B hangs up later. */
  async ringingB(answerLeadMs?: number): Promise<Scene> {
    const customer = await this.#world.customer();
    const { e164, keyed } = this.destination();
    this.#world.phone.onCallTo(e164, { kind: 'manual' });
    let a: PhoneCall;
    let b: PhoneCall;
    const scene: Scene = {
      caller: customer.caller,
      moment: answerLeadMs === undefined ? '16 B rings' : '17 B answers',
      prepare: async () => {
        a = await this.#atPrompt(customer);
      },
      reach: async () => {
        await a.key(keyed);
        b = await this.#world.phone.expectCall(e164, WAIT);
      },
      goOn: async (back) => {
        b.answer();
        await this.#talkedAndGone(back, customer, a, b, e164);
      },
    };
    if (answerLeadMs !== undefined) scene.touch = { leadMs: answerLeadMs, act: () => Promise.resolve(b.answer()) };
    return scene;
  }

  /** They hear each other until all is whole again; B hangs up, then A. */
  async #talkedAndGone(
    back: Promise<unknown>,
    customer: Customer,
    a: PhoneCall,
    b: PhoneCall,
    number: string,
    asked?: Promise<unknown>,
  ): Promise<void> {
    await this.#bothHeard(a, b);
    await back;
    b.hangup();
    a.marker(undefined);
    await (asked ?? a.expectPrompt('ask_next_destination', WAIT, { until: 'start' }));
    a.hangup();
    await this.#over(back, customer, ['a success', 'b success', 'trigger success'], number);
  }

  /** The last key of a destination just before the blow. Where it is asked for again, the caller keys it again. */
  async keyedDestination(leadMs: number): Promise<Scene> {
    const customer = await this.#world.customer();
    const { e164, keyed } = this.destination();
    let a: PhoneCall;
    return {
      caller: customer.caller,
      moment: '13–16 the destination is keyed',
      prepare: async () => {
        a = await this.#atPrompt(customer);
      },
      touch: { leadMs: leadMs + keyed.length * DIGIT_MS, act: () => a.key(keyed) },
      goOn: async (back) => {
        const called = this.#world.phone.expectCall(e164, 2 * WAIT);
        let asked = a.expectPrompt(ASKED, 2 * WAIT, { until: 'start' });
        const first = await Promise.race([called, asked]);
        if ('id' in first) {
          await a.key(keyed);
          asked = a.expectPrompt(ASKED, 2 * WAIT, { until: 'start' });
        }
        const b = await called;
        b.answer();
        await this.#talkedAndGone(back, customer, a, b, e164, asked);
      },
    };
  }

  async #atPin(customer: Customer): Promise<PhoneCall> {
    const a = await this.#calledBack(customer);
    a.answer();
    await a.expectPrompt('ask_pin', WAIT, { until: 'start' });
    return a;
  }

  /** Half of the PIN is keyed. */
  async keyingPin(): Promise<Scene> {
    const customer = await this.#world.customer({ authorised: false });
    const { pin } = customer;
    let a: PhoneCall;
    return {
      caller: customer.caller,
      moment: '11 the PIN is being keyed',
      prepare: async () => {
        a = await this.#atPin(customer);
      },
      touch: { leadMs: 3 * DIGIT_MS, act: () => a.key(pin.slice(0, 3)) },
      goOn: async (back) => {
        // At once: after four seconds without a digit the half would be taken for the whole.
        await a.key(`${pin.slice(3)}#`);
        await this.#pinTaken(back, customer, a);
      },
    };
  }

  /** The PIN's last key just before the blow. */
  async keyedPin(leadMs: number): Promise<Scene> {
    const customer = await this.#world.customer({ authorised: false });
    let a: PhoneCall;
    return {
      caller: customer.caller,
      moment: '11–12 the PIN is keyed',
      prepare: async () => {
        a = await this.#atPin(customer);
      },
      touch: {
        leadMs: leadMs + (customer.pin.length + 1) * DIGIT_MS,
        act: () => a.key(`${customer.pin}#`),
      },
      goOn: (back) => this.#pinTaken(back, customer, a),
    };
  }

  /** The destination is asked for. Where digits were lost, or came too late, the PIN is asked for again. */
  async #pinTaken(back: Promise<unknown>, customer: Customer, a: PhoneCall): Promise<void> {
    for (;;) {
      const { id } = await a.expectPrompt([...ASKED, ...ASKED_PIN], WAIT, { until: 'start' });
      if (ASKED.includes(id)) break;
      await a.key(`${customer.pin}#`);
    }
    await back;
    a.hangup();
    await this.#over(back, customer, ['a success', 'trigger success']);
  }

  /** A missed call while something is away: it is called back when all is whole again. */
  async triggeringMeanwhile(): Promise<Scene> {
    const customer = await this.#world.customer();
    return {
      caller: customer.caller,
      moment: '1 a trigger comes meanwhile',
      goOn: async (back) => {
        const trigger = await this.#world.phone.call(customer.caller, CALLBACK);
        const { status } = await trigger.expectEnd(WAIT);
        assert.equal(status, 486, 'rejected by the switch');
        await back;
        const a = await this.#world.phone.expectCall(customer.caller, WAIT);
        a.answer();
        await this.#askedAndGone(back, customer, a);
      },
    };
  }

  /** A missed call that began so long before the blow. */
  async triggering(moment: string, leadMs: number): Promise<Scene> {
    const customer = await this.#world.customer();
    let trigger: PhoneCall;
    return {
      caller: customer.caller,
      moment,
      touch: {
        leadMs,
        act: async () => {
          trigger = await this.#world.phone.call(customer.caller, CALLBACK);
        },
      },
      goOn: async (back) => {
        const { status } = await trigger.expectEnd(WAIT);
        assert.equal(status, 486, 'rejected by the switch');
        const a = await this.#world.phone.expectCall(customer.caller, WAIT);
        a.answer();
        await this.#askedAndGone(back, customer, a);
      },
    };
  }
}

/** The caller's switch dies: what was up is settled to its last moment known, what rang is not known; the caller is called back. */
export async function calledBackAfterLoss(world: World, scene: Scene, back: Promise<unknown>): Promise<void> {
  const { phone } = world;
  // Their telephones hear nothing any more.
  for (const lost of phone.callsTo(scene.caller)) lost.hangup();
  const a = await phone.expectCall(scene.caller, WAIT);
  a.answer();
  await a.expectPrompt(ASKED, WAIT, { until: 'start' });
  a.hangup();
  await back;
  const talked = scene.moment === IN_CONVERSATION;
  const lostLegs = talked ? ['a success switch_lost', 'b success switch_lost'] : ['a indeterminate switch_lost'];
  await booked(world, scene.caller, ['a success', ...lostLegs, 'trigger success'].sort());
  assert.equal(phone.callsTo(scene.caller).length, 2, 'called once before and once after');
}

/** From now until the process is back, and a moment longer, both ends hear each other. */
async function hearEachOther({ a, b }: Conversation, back: Promise<unknown>, stoodS = 0): Promise<void> {
  const ends = [
    { end: a, hz: FROM_B, fromMs: a.heard.durationMs },
    { end: b, hz: FROM_A, fromMs: b.heard.durationMs },
  ];
  await back;
  await Promise.all(ends.map(({ end, hz }) => end.heard.expectTone(hz, WAIT)));
  for (const { end, hz, fromMs } of ends) {
    const gap = end.heard.tones.longestGapMs(hz, fromMs);
    assert.ok(gap < LONGEST_GAP_MS + stoodS * 1000, `${hz} Hz was not heard for ${gap} ms\n${end.heard.describe()}`);
  }
}
