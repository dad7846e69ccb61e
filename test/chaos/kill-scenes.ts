import assert from 'node:assert/strict';
import type { PhoneCall } from '@ringback/dev-telephone';
import { latest } from '../support/lateness.ts';
import { type Customer, until, type World } from '../support/world.ts';

/** Generous: the machine may be busy. What must hold does not depend on them. */
export const WAIT = 40_000;
const CALLBACK = '+48223000000';
/** A destination is asked for: at once, or once more. */
// Also late, after what was killed is back; and the last one, when nobody keyed for long.
const ASKED = ['ask_destination', 'ask_destination_again', 'ask_destination_last', 'ask_next_destination'];
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

/** One caller, brought to a moment of a call; after that, it goes on to its end. */
export interface Scene {
  moment: string;
  caller: string;
  /** Brings the call to where it can stay while others are still on their way. */
  prepare?(): Promise<void>;
  /** From there to its moment, in seconds. */
  reach?(): Promise<void>;
  /** Begun when all others are at their moments. */
  touch?(): Promise<void>;
  /** What the caller does, hears and finds in the books; begins when the process is killed, `back` is when it is there again. */
  goOn(back: Promise<unknown>): Promise<void>;
}

/** `role result reason` of all legs of that caller's sessions, sorted. */
export async function outcome(world: World, caller: string): Promise<string[]> {
  const cdrs = await world.cdrs({ number: caller });
  return cdrs.map(({ role, result, reason }) => [role, result, reason].filter(Boolean).join(' ')).sort();
}

/** How a call is booked that met no edge: it is tried again. */
const UNMET = 'a unreachable congestion';

/** Waits until the caller's session is over, then compares; attempts that are `spared` may be there, or not. */
export async function booked(world: World, caller: string, expected: string[], spared?: string): Promise<void> {
  const mine = async () => (await world.sessions()).filter(({ callerId }) => callerId === caller);
  await until(
    'the session ends',
    async () => {
      const sessions = await mine();
      return sessions.length > 0 && sessions.every(({ state }) => state === 'ended');
    },
    WAIT,
  );
  const legs = await outcome(world, caller);
  assert.deepEqual(
    legs.filter((leg) => leg !== spared),
    expected,
  );
}

export interface Conversation {
  a: PhoneCall;
  b: PhoneCall;
  /** B's. */
  number: string;
}

export class Scenes {
  /** The edge is what is killed: a call that is due before it is back meets nobody. */
  edgeDies = false;
  readonly #world: World;
  #destinations = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** The switch that carries that caller's last leg A. */
  async switchOf(caller: string): Promise<string> {
    const [session] = (await this.#world.sessions()).filter(({ callerId }) => callerId === caller);
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

  /** Called back, at the prompt for a destination. */
  async atPrompt(customer: Customer): Promise<PhoneCall> {
    const a = await this.#world.calledBack(customer.caller, CALLBACK);
    await a.expectPrompt(ASKED, WAIT, { until: 'start' });
    return a;
  }

  /** In conversation; both ends send their tone. */
  async conversation(customer: Customer): Promise<Conversation> {
    return this.connect(await this.atPrompt(customer));
  }

  async connect(a: PhoneCall, prefix?: string): Promise<Conversation> {
    const { phone } = this.#world;
    const { e164, keyed } = this.destination(prefix);
    await a.key(keyed);
    const b = await phone.expectCall(e164, WAIT);
    b.answer();
    b.marker(FROM_B);
    a.marker(FROM_A);
    await Promise.all([a.heard.expectTone(FROM_B, WAIT), b.heard.expectTone(FROM_A, WAIT)]);
    return { a, b, number: e164 };
  }

  #calledOnce(number: string): void {
    assert.equal(this.#world.phone.callsTo(number).length, 1, 'dialled once');
  }

  /** Talks while and after; `#11`, the next destination. */
  async talking(): Promise<Scene> {
    const customer = await this.#world.customer();
    let call: Conversation;
    return {
      caller: customer.caller,
      moment: 'in conversation',
      prepare: async () => {
        call = await this.conversation(customer);
      },
      goOn: async (back) => {
        const { a, b, number } = call;
        await hearEachOther(call, back);
        await a.key('#11');
        const ended = await b.expectEnd(WAIT);
        assert.equal(ended.by, 'remote');
        a.marker(undefined);
        await a.expectPrompt('ask_next_destination', WAIT, { until: 'start' });
        const next = this.destination();
        await a.key(next.keyed);
        const again = await this.#world.phone.expectCall(next.e164, WAIT);
        again.answer();
        again.marker(FROM_B);
        await a.heard.expectTone(FROM_B, WAIT);
        a.hangup();
        await again.expectEnd(WAIT);
        await booked(this.#world, customer.caller, ['a success', 'b success', 'b success end_code', 'trigger success']);
        for (const each of [customer.caller, number, next.e164]) this.#calledOnce(each);
      },
    };
  }

  /** Hangs up before the process is back. */
  async leaving(): Promise<Scene> {
    const customer = await this.#world.customer();
    let call: Conversation;
    return {
      caller: customer.caller,
      moment: 'hanging up meanwhile',
      prepare: async () => {
        call = await this.conversation(customer);
      },
      goOn: async (back) => {
        call.a.hangup();
        await call.b.expectEnd(WAIT);
        await back;
        await booked(this.#world, customer.caller, ['a success', 'b success', 'trigger success']);
        for (const each of [customer.caller, call.number]) this.#calledOnce(each);
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
      moment: 'with little credit',
      prepare: async () => {
        caller = await this.atPrompt(customer);
      },
      reach: async () => {
        call = await this.connect(caller, DEAR_PREFIX);
      },
      goOn: async (back) => {
        const { a, b, number } = call;
        const { atMs, by } = await b.expectEnd(WAIT);
        const talked = (atMs - (b.at.answered ?? Number.NaN)) / 1000;
        assert.equal(by, 'remote');
        assert.ok(
          talked > PAID_SECONDS - 1 && talked < PAID_SECONDS + 0.5 + 2 * latest(talked),
          `cut off after ${talked.toFixed(2)} s of ${PAID_SECONDS} paid for`,
        );
        await a.expectEnd(WAIT);
        await back;
        await this.cutOffBooked(customer);
        for (const each of [customer.caller, number]) this.#calledOnce(each);
      },
    };
  }

  /** What was cut off is charged at most what was paid for, and nothing of it is held any more. */
  async cutOffBooked(customer: Customer): Promise<void> {
    const world = this.#world;
    await booked(world, customer.caller, ['a success', 'b success cut_off', 'trigger success']);
    const { balance } = await world.balance(customer.number);
    const [b] = (await world.cdrs({ accountNumber: customer.number })).filter(({ role }) => role === 'b');
    assert.ok(balance >= 0n, 'no debt');
    assert.ok((b?.cost?.micros ?? 0n) <= BigInt(PAID_SECONDS) * 1_000_000n, 'charged at most the paid-for time');
  }

  /** A's telephone rings, and is answered meanwhile. */
  async ringingA(): Promise<Scene> {
    const customer = await this.#world.customer();
    let a: PhoneCall;
    return {
      caller: customer.caller,
      moment: 'while A rings',
      reach: async () => {
        await this.#world.trigger(customer.caller, CALLBACK);
        a = await this.#world.phone.expectCall(customer.caller, WAIT);
      },
      goOn: async (back) => {
        a.answer();
        await a.expectPrompt(ASKED, WAIT, { until: 'start' });
        a.hangup();
        await back;
        await booked(this.#world, customer.caller, ['a success', 'trigger success']);
        this.#calledOnce(customer.caller);
      },
    };
  }

  /** B's telephone rings, and is answered meanwhile; B hangs up later. */
  async ringingB(): Promise<Scene> {
    const customer = await this.#world.customer();
    const { e164, keyed } = this.destination();
    this.#world.phone.onCallTo(e164, { kind: 'manual' });
    let a: PhoneCall;
    let b: PhoneCall;
    return {
      caller: customer.caller,
      moment: 'while B rings',
      prepare: async () => {
        a = await this.atPrompt(customer);
      },
      reach: async () => {
        await a.key(keyed);
        b = await this.#world.phone.expectCall(e164, WAIT);
      },
      goOn: async (back) => {
        b.answer();
        b.marker(FROM_B);
        a.marker(FROM_A);
        await Promise.all([a.heard.expectTone(FROM_B, WAIT), b.heard.expectTone(FROM_A, WAIT)]);
        await back;
        b.hangup();
        a.marker(undefined);
        await a.expectPrompt('ask_next_destination', WAIT, { until: 'start' });
        a.hangup();
        await booked(this.#world, customer.caller, ['a success', 'b success', 'trigger success']);
        for (const each of [customer.caller, e164]) this.#calledOnce(each);
      },
    };
  }

  /** Half of the PIN is keyed. Where digits were lost, or came too late, it is asked for again. */
  async keyingPin(): Promise<Scene> {
    const customer = await this.#world.customer({ authorised: false });
    const { pin } = customer;
    let a: PhoneCall;
    return {
      caller: customer.caller,
      moment: 'while the PIN is keyed',
      prepare: async () => {
        a = await this.#world.calledBack(customer.caller, CALLBACK);
        await a.expectPrompt('ask_pin', WAIT, { until: 'start' });
      },
      touch: () => a.key(pin.slice(0, 3)),
      goOn: async (back) => {
        // At once: after four seconds without a digit the half would be taken for the whole.
        await a.key(`${pin.slice(3)}#`);
        const heard = await a.expectPrompt([...ASKED, 'ask_pin', 'wrong_pin'], WAIT, { until: 'start' });
        if (!ASKED.includes(heard.id)) {
          await a.key(`${pin}#`);
          await a.expectPrompt(ASKED, WAIT, { until: 'start' });
        }
        await back;
        a.hangup();
        await booked(this.#world, customer.caller, ['a success', 'trigger success']);
        this.#calledOnce(customer.caller);
      },
    };
  }

  /** The access number rings, or has just rejected. */
  async triggering(moment: 'while the access number rings' | 'right after the trigger'): Promise<Scene> {
    const customer = await this.#world.customer();
    let trigger: PhoneCall;
    return {
      caller: customer.caller,
      moment,
      touch: async () => {
        trigger = await this.#world.phone.call(customer.caller, CALLBACK);
        if (moment === 'right after the trigger') await trigger.expectEnd(WAIT);
        else await trigger.expectRinging(WAIT);
      },
      goOn: async (back) => {
        const { status } = await trigger.expectEnd(WAIT);
        assert.equal(status, 486, 'rejected by the switch');
        const a = await this.#world.phone.expectCall(customer.caller, WAIT);
        a.answer();
        await a.expectPrompt(ASKED, WAIT, { until: 'start' });
        a.hangup();
        await back;
        await booked(this.#world, customer.caller, ['a success', 'trigger success'], this.edgeDies ? UNMET : undefined);
        this.#calledOnce(customer.caller);
      },
    };
  }
}

/** The caller's switch dies: what was up is settled to its last moment known, what rang is not known; the caller is called back. */
export async function calledBackAfterLoss(world: World, scene: Scene, back: Promise<unknown>): Promise<void> {
  const { phone } = world;
  const [lost] = phone.callsTo(scene.caller);
  const a = await phone.expectCall(scene.caller, WAIT);
  a.answer();
  await a.expectPrompt(ASKED, WAIT, { until: 'start' });
  lost?.hangup();
  a.hangup();
  await back;
  const talked = scene.moment === 'in conversation';
  const lostLegs = talked ? ['a success switch_lost', 'b success switch_lost'] : ['a indeterminate switch_lost'];
  await booked(world, scene.caller, ['a success', ...lostLegs, 'trigger success'].sort());
  assert.equal(phone.callsTo(scene.caller).length, 2, 'called once before and once after');
}

/** From now until the process is back, and a moment longer, both ends hear each other. */
export async function hearEachOther({ a, b }: { a: PhoneCall; b: PhoneCall }, back: Promise<unknown>): Promise<void> {
  const ends = [
    { end: a, hz: FROM_B, fromMs: a.heard.durationMs },
    { end: b, hz: FROM_A, fromMs: b.heard.durationMs },
  ];
  await back;
  await Promise.all(ends.map(({ end, hz }) => end.heard.expectTone(hz, WAIT)));
  for (const { end, hz, fromMs } of ends) {
    const gap = end.heard.tones.longestGapMs(hz, fromMs);
    assert.ok(gap < LONGEST_GAP_MS, `${hz} Hz was not heard for ${gap} ms\n${end.heard.describe()}`);
  }
}

/**
 * Brings all to their moments, does `blow` to the platform, and lets them go on.
 * @throws Error that says which moments failed; their calls are hung up.
 */
export async function play(world: World, scenes: readonly Scene[], blow: () => Promise<unknown>): Promise<void> {
  try {
    await all(scenes, (scene) => scene.prepare?.());
    await all(scenes, (scene) => scene.reach?.());
    await all(scenes, (scene) => scene.touch?.());
    const back = blow();
    back.catch(() => undefined);
    await all(scenes, (scene) => scene.goOn(back));
    await back;
  } catch (error) {
    for (const call of world.phone.calls) call.hangup();
    throw error;
  }
}

async function all(scenes: readonly Scene[], run: (scene: Scene) => Promise<void> | undefined): Promise<void> {
  const results = await Promise.allSettled(scenes.map(run));
  const failures = results.flatMap((result, index) =>
    result.status === 'rejected' ? [`${scenes[index]?.moment}: ${(result.reason as Error).stack}`] : [],
  );
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
}
