import assert from 'node:assert/strict';
import { auth, billing, ivr, sw } from '@ringback/contracts';
import fc from 'fast-check';
import type { Effect, Leg } from '../src/domain/model.ts';
import { SECOND, World } from './world.ts';

const KINDS = ['effect', 'leg', 'timer', 'trigger', 'again', 'wait', 'giveUp'] as const;
type Kind = 'well' | (typeof KINDS)[number];

/** What the world does next; each number picks among what is possible then. */
export const action = fc.record({
  // Mostly things go well, or few lives would get as far as a conversation.
  kind: fc.nat(99).map((n): Kind => (n < 75 ? 'well' : KINDS[n % KINDS.length]!)),
  pick: fc.nat(1_000),
  way: fc.nat(1_000),
});
export type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

/** A life of one session among switches and services that answer anything, late, twice, or not at all. */
export class Life {
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
      case 'well':
        return this.goOn(way);
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

  /** The next thing that happens when all goes well. */
  goOn(way: number): void {
    const { world } = this;
    const { s } = world;
    const owed = world.live!.owed[0];
    if (owed?.body.do === 'dialogue') {
      return world.settleEffect(owed.id, {
        type: 'stepped',
        answer: ivr.StepResponse.fromPartial(usualStep(owed.body.request)),
      });
    }
    if (owed) return this.perform(owed.id, owed.body, 1);
    const ringing = s.legs.find(({ role, status }) => role === 'trigger' && status === 'ringing');
    if (ringing) return this.endLeg(ringing, 1);
    const called = s.legs.find(
      ({ id, status }) => (id === s.a || id === s.b) && (status === 'dialling' || status === 'ringing'),
    );
    if (called) return this.#tell(() => world.answered(called.id, 100 + (way % 100)));
    const b = s.legs.find(({ id }) => id === s.b);
    if (b?.status === 'ended' && !s.aParked) return this.#tell(() => world.parked(s.a));
    if (s.phase === 'connected' && b?.status === 'up') {
      if (b.endedBy !== '' || way % 2 === 0) return this.endLeg(b, 0);
      return this.#tell(() => world.leg(s.a, { $case: 'endCode', value: {} }));
    }
    const [timer] = Object.keys(world.live!.timers);
    if (timer) world.fire(timer);
  }

  leg(pick: number, way: number): void {
    const { world } = this;
    const legs = world.s.legs.filter(({ status }) => status !== 'new' && status !== 'ended');
    const leg = legs[pick % Math.max(1, legs.length)];
    if (!leg) return;
    const { id } = leg;
    const kinds: (() => void)[] = [
      () => world.leg(id, { $case: 'progress', value: { createdAtUs: 0n, earlyMedia: way % 2 === 0 } }),
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

/** What ivr says when all goes well: the destination is asked for, resolved, dialled. */
function usualStep(request: unknown): Parameters<typeof ivr.StepResponse.fromPartial>[0] {
  const { event } = ivr.StepRequest.fromJSON(request);
  if (event?.$case === 'collected') {
    return {
      state: 'd',
      next: { $case: 'ask', value: { question: { $case: 'destination', value: { digits: '1' } } } },
    };
  }
  if (event?.$case === 'destinationResult' && event.value.refused === ivr.Reason.UNSPECIFIED) {
    return { state: 'd', prompts: ['en/x'], next: { $case: 'dial', value: {} } };
  }
  return { state: 'd', next: { $case: 'collect', value: { maxDigits: 15 } } };
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
