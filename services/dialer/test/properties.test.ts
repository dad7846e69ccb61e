import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auth, billing, ivr, sw } from '@ringback/contracts';
import fc from 'fast-check';
import type { Effect, Leg } from '../src/domain/model.ts';
import { SECOND, World } from './world.ts';

/** What the world does next; each number picks among what is possible then. */
const action = fc.record({
  kind: fc.constantFrom(
    'effect',
    'effect',
    'effect',
    'effect',
    'leg',
    'leg',
    'leg',
    'timer',
    'trigger',
    'again',
    'wait',
    'giveUp',
  ),
  pick: fc.nat(1_000),
  way: fc.nat(1_000),
});
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** A life of one session among switches and services that answer anything, late, twice, or not at all. */
class Life {
  readonly world = new World({
    settings: { triggerMaxAgeMs: 120_000 },
    trunks: [World.trunk('one'), World.trunk('two', { priority: 1 })],
  });
  readonly #told: (() => void)[] = [];
  #triggers = 0;

  trigger(): void {
    if (this.world.closed) return;
    const id = `t${++this.#triggers}`;
    this.#tell(() => this.world.offer(id));
  }

  #tell(event: () => void): void {
    this.#told.push(event);
    event();
  }

  do({ kind, pick, way }: Action): void {
    const { world } = this;
    if (world.closed) return;
    switch (kind) {
      case 'trigger':
        if (this.#triggers < 4) this.trigger();
        return;
      case 'again':
        // Told twice, or late: the loop drops what it has seen by number, agents may still repeat themselves.
        return this.#told[pick % this.#told.length]?.();
      case 'wait':
        world.nowUs += (way % 20) * SECOND;
        return;
      case 'timer': {
        const names = Object.keys(world.live?.timers ?? {});
        if (names.length > 0) world.fire(names[pick % names.length]!);
        return;
      }
      case 'leg':
        return this.leg(pick, way);
      case 'effect':
        return this.effect(pick, way);
      case 'giveUp': {
        const owed = world.live?.owed.filter(({ body }) => body.do !== 'settle') ?? [];
        const one = owed[pick % Math.max(1, owed.length)];
        if (one) world.apply({ type: 'gaveUp', effect: one.body, effectId: one.id });
      }
    }
  }

  leg(pick: number, way: number): void {
    const { world } = this;
    const legs = world.s.legs.filter(({ status }) => status !== 'new' && status !== 'ended');
    const leg = legs[pick % Math.max(1, legs.length)];
    if (!leg) return;
    const { id } = leg;
    const kinds: (() => void)[] = [
      () => world.leg(id, { $case: 'progress', value: { earlyMedia: way % 2 === 0 } }),
      () => leg.role !== 'trigger' && world.answered(id, 60 + way),
      () => world.parked(id),
      () => world.leg(id, { $case: 'endCode', value: {} }),
      () =>
        world.leg(id, {
          $case: 'lost',
          value: sw.LegLost.fromPartial({ lastAliveAtUs: BigInt(world.nowUs), indeterminate: way % 2 === 0 }),
        }),
      () =>
        world.leg(id, {
          $case: 'commandFailed',
          value: { code: way % 2 ? 'UNKNOWN_LEG' : 'SWITCH_REFUSED', message: '' },
        }),
      () =>
        world.leg(id, {
          $case: 'legState',
          value: { state: STATES[way % STATES.length]!, answeredAtUs: 0n, bridgedTo: '' },
        }),
      () => this.endLeg(leg, way),
      () => this.endLeg(leg, way),
    ];
    const nowUs = world.nowUs;
    this.#tell(() => {
      world.nowUs = Math.max(nowUs, world.nowUs);
      kinds[way % kinds.length]!();
    });
  }

  endLeg(leg: Leg, way: number): void {
    const [cause, q850] = CAUSES[way % CAUSES.length]!;
    const answeredAtUs = BigInt(leg.answeredUs);
    this.world.ended(leg.id, { cause, q850, answeredAtUs, cutOff: cause === 'ALLOTTED_TIMEOUT' });
  }

  effect(pick: number, way: number): void {
    const owed = this.world.live?.owed ?? [];
    const one = owed[pick % Math.max(1, owed.length)];
    if (one) this.perform(one.id, one.body, way);
  }

  perform(id: string, effect: Effect, way: number): void {
    const { world } = this;
    const well = way % 3 !== 0;
    switch (effect.do) {
      case 'command':
        if (effect.body.kind === 'play' && well) {
          world.settleEffect(id, undefined);
          const value = sw.Collected.fromPartial({ outcome: sw.Collected_Outcome.COMPLETE, digits: '1' });
          world.leg(effect.legId, { $case: 'collected', value }, effect.commandId);
          return;
        }
        return world.settleEffect(id, well ? undefined : { type: 'command_refused', code: 'TOO_LATE', message: '' });
      case 'identify':
        return world.settleEffect(id, {
          type: 'identified',
          answer: auth.IdentifyResponse.fromPartial({
            status: well ? auth.IdentifyResponse_Status.KNOWN : auth.IdentifyResponse_Status.LOCKED,
            account: { number: '1001', country: 'PL', language: 'en' },
          }),
        });
      case 'verify_pin':
        return world.settleEffect(id, {
          type: 'pin_verified',
          answer: auth.VerifyPinResponse.fromPartial({
            outcome: well ? auth.VerifyPinResponse_Outcome.OK : auth.VerifyPinResponse_Outcome.WRONG,
            account: { number: '1001', country: 'PL', language: 'en' },
          }),
        });
      case 'resolve':
        return world.settleEffect(id, {
          type: 'resolved',
          answer: {
            outcome: well
              ? auth.ResolveDestinationResponse_Outcome.OK
              : auth.ResolveDestinationResponse_Outcome.INVALID,
            e164: '+442079460000',
          },
        });
      case 'balance':
        return world.settleEffect(id, {
          type: 'balance_told',
          answer: billing.GetBalanceResponse.fromPartial({
            found: well,
            balance: well ? { micros: 1n, currency: 'EUR' } : undefined,
          }),
        });
      case 'reserve':
        return world.settleEffect(id, {
          type: 'reserved',
          purpose: effect.purpose,
          answer: billing.ReserveResponse.fromPartial({
            outcome: well ? billing.ReserveResponse_Outcome.OK : billing.ReserveResponse_Outcome.NO_CREDIT,
            maxUs: BigInt(((way % 300) + 1) * SECOND),
            capped: way % 2 === 0,
          }),
        });
      case 'settle':
        return world.settleEffect(id, { type: 'settled', legId: effect.cdr.legId });
      case 'dialogue':
        return world.settleEffect(id, {
          type: 'stepped',
          answer: ivr.StepResponse.fromPartial({ state: 'd', ...NEXT[way % NEXT.length] }),
        });
    }
  }

  /** From now on everybody behaves: every effect is answered, every leg ends when it is told or in time. */
  comeToAnEnd(): void {
    const { world } = this;
    for (let steps = 0; !world.closed; steps += 1) {
      assert.ok(
        steps < 2_000,
        `it does not end: ${world.s.phase}, owed ${world.owing()}, timers ${Object.keys(world.live!.timers)}`,
      );
      const owed = world.live!.owed[0];
      const live = world.s.legs.find(
        ({ status, endedBy }) => status === 'ringing' || status === 'dialling' || (status === 'up' && endedBy !== ''),
      );
      if (owed) {
        if (owed.body.do === 'command' && owed.body.body.kind === 'hangup') {
          world.settleEffect(owed.id, undefined);
          const leg = world.s.legs.find(({ id }) => id === (owed.body as { legId: string }).legId);
          if (leg) this.endLeg(leg, 0);
        } else if (owed.body.do === 'dialogue') {
          world.settleEffect(owed.id, {
            type: 'stepped',
            answer: ivr.StepResponse.fromPartial({ next: { $case: 'goodbye', value: { result: 'completed' } } }),
          });
        } else this.perform(owed.id, owed.body, 1);
      } else if (live) this.endLeg(live, 0);
      else if (world.s.legs.some(({ status }) => status === 'up'))
        this.endLeg(world.s.legs.find(({ status }) => status === 'up')!, 0);
      else world.fire(Object.keys(world.live!.timers)[0] ?? 'nothing is awaited, yet the session is open');
    }
  }
}

const STATES = [sw.LegState_State.PARKED, sw.LegState_State.GONE, sw.LegState_State.BRIDGED];
const CAUSES = [
  ['NORMAL_CLEARING', 16],
  ['USER_BUSY', 17],
  ['NO_ANSWER', 19],
  ['SWITCH_CONGESTION', 42],
  ['CALL_REJECTED', 21],
  ['ALLOTTED_TIMEOUT', 0],
] as const;
const NEXT: Parameters<typeof ivr.StepResponse.fromPartial>[0][] = [
  { next: { $case: 'collect', value: { maxDigits: 4 } } },
  { next: { $case: 'collect', value: { maxDigits: 4, secret: true } } },
  { next: { $case: 'ask', value: { question: { $case: 'destination', value: { digits: '1' } } } } },
  { next: { $case: 'ask', value: { question: { $case: 'verifyPin', value: {} } } } },
  { next: { $case: 'ask', value: { question: { $case: 'balance', value: {} } } } },
  { next: { $case: 'dial', value: {} } },
  { next: { $case: 'dial', value: {} } },
  { prompts: ['en/x'], next: { $case: 'continue', value: {} } },
  { next: { $case: 'goodbye', value: { result: 'completed' } } },
  {},
];

function invariants(world: World): void {
  const { s, live, done } = world;
  const dialled = s.legs.filter(({ role, status }) => role === 'a' && ['dialling', 'ringing', 'up'].includes(status));
  assert.ok(dialled.length <= 1, 'no telephone is dialled twice at once');
  const settles = [...done, ...live!.owed.map(({ body }) => body)]
    .filter((effect) => effect.do === 'settle')
    .map(({ cdr }) => cdr.legId);
  assert.equal(new Set(settles).size, settles.length, 'a leg is settled once');
  for (const leg of s.legs) {
    assert.equal(leg.settlement !== 'none', settles.includes(leg.id), 'what is settled is owed or done');
    assert.ok(leg.settlement === 'none' || leg.status === 'ended', 'only what has ended is settled');
  }
  if (world.closed) {
    assert.deepEqual(live!.timers, {}, 'a closed session has no timer');
    assert.equal(settles.length, s.legs.length, 'every attempted leg has its CDR');
  } else {
    const awaited =
      live!.owed.length > 0 ||
      Object.keys(live!.timers).length > 0 ||
      s.legs.some(({ status }) => status === 'ringing');
    assert.ok(awaited, `nothing is awaited in ${s.phase}`);
  }
}

test('whatever the world does, every leg is settled once, nobody is dialled twice, and it comes to an end', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), (actions) => {
      const life = new Life();
      life.trigger();
      for (const each of actions) {
        life.do(each);
        invariants(life.world);
      }
      life.comeToAnEnd();
      invariants(life.world);
    }),
    { numRuns: 3_000, seed: 20_261_123 },
  );
});
