import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { attributeProblem, spanIdOf, traceIdOf } from '@ringback/service-kit';
import fc from 'fast-check';
import type { Effect, Session } from '../src/domain/model.ts';
import { causeOf } from '../src/domain/session-machine.ts';
import { type CallFact, callFacts, resultLabel, statusLabel } from '../src/telemetry/call-facts.ts';
import { stepSpan } from '../src/telemetry/trace-step.ts';
import { action, Life } from './life.ts';
import { SECOND, World, type WorldOptions } from './world.ts';

const TRACE = 'a'.repeat(32);
const LEG_SPAN = `00-${TRACE}-${'1'.repeat(16)}-01`;

/** What the metrics are told of a life. */
function watch(world: World): CallFact[] {
  const told: CallFact[] = [];
  world.onStep = (before, after, _trigger, over) => told.push(...callFacts(before, after, over));
  return told;
}

const of = <K extends CallFact['is']>(told: CallFact[], is: K) =>
  told.filter((fact): fact is Extract<CallFact, { is: K }> => fact.is === is);

/** A trigger that ended after 12 s, identified; answers when it ended. */
function triggered(options: WorldOptions = {}): { world: World; told: CallFact[] } {
  const world = new World(options);
  const told = watch(world);
  world.offer('t1');
  world.identify();
  world.nowUs += 12 * SECOND;
  world.ended('t1', { cause: 'USER_BUSY', q850: 17, sipStatus: 486 });
  return { world, told };
}

describe('metrics of calls', () => {
  test('a callback that is answered: begun, placed, its first sign of life, its end', () => {
    const { world, told } = triggered();
    const endedUs = world.nowUs;
    world.fire('callback');
    world.reserve(180);
    const { body } = world.accept('originate');
    const inviteUs = endedUs + 4.25 * SECOND;
    world.nowUs = inviteUs + 1.5 * SECOND;
    world.leg(body.legId, {
      $case: 'progress',
      value: { createdAtUs: BigInt(inviteUs), earlyMedia: false },
    });
    world.nowUs += 3 * SECOND;
    world.answered(body.legId, 180);
    world.nowUs += 20 * SECOND;
    world.ended(body.legId, { answeredAtUs: BigInt(world.nowUs - 20 * SECOND), createdAtUs: BigInt(inviteUs) });
    world.settleAll();
    const leg = { trunkId: 'carrier' };
    assert.deepEqual(told, [
      { is: 'started', role: 'trigger', ...leg },
      { is: 'started', role: 'a', ...leg },
      { is: 'progress', role: 'a', ...leg, afterUs: 1.5 * SECOND },
      { is: 'placed', afterTriggerUs: 4.25 * SECOND, lateUs: 0.25 * SECOND },
      { is: 'over', role: 'a', ...leg, result: 'success', answeredUs: 20 * SECOND, sipStatus: 200 },
      { is: 'session_ended', result: 'success' },
    ]);
  });

  test('busy counts as an attempt with its status; the retry is no second placing', () => {
    const { world, told } = triggered();
    for (const timer of ['callback', 'callback']) {
      world.fire(timer);
      world.reserve(180);
      const { body } = world.accept('originate');
      world.nowUs += SECOND;
      world.ended(body.legId, { cause: 'USER_BUSY', q850: 17, sipStatus: 486, createdAtUs: BigInt(world.nowUs) });
    }
    assert.deepEqual(
      of(told, 'over').map(({ result, sipStatus, answeredUs }) => [result, sipStatus, answeredUs]),
      [
        ['busy', 486, 0],
        ['busy', 486, 0],
      ],
    );
    assert.equal(of(told, 'placed').length, 1);
  });

  test('what was never dialled is no attempt: no credit', () => {
    const { world, told } = triggered();
    world.fire('callback');
    world.reserve(0);
    world.settleAll();
    assert.deepEqual(
      told.map(({ is }) => is),
      ['started', 'session_ended'],
    );
    assert.equal(of(told, 'session_ended')[0]?.result, 'caller_error');
  });

  test('whatever happens, however often it is told: each leg begins once and ends once, triggers are no attempts', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80, size: 'max' }), (actions) => {
        const life = new Life();
        const told = watch(life.world);
        life.trigger();
        for (const each of actions) life.do(each);
        life.comeToAnEnd();
        const { legs } = life.world.s;
        const over = of(told, 'over');
        const begun = of(told, 'started').filter(({ role }) => role !== 'trigger');
        assert.equal(over.length, begun.length, 'what was begun is over');
        assert.ok(over.every(({ role }) => role !== 'trigger'));
        assert.equal(of(told, 'started').length - begun.length, legs.filter(({ role }) => role === 'trigger').length);
        assert.ok(of(told, 'progress').length <= begun.length);
        assert.ok(of(told, 'placed').length <= 1);
        assert.equal(of(told, 'session_ended').length, 1);
        const answered = legs.filter(({ role, answeredUs }) => role !== 'trigger' && answeredUs > 0);
        assert.equal(over.filter(({ result }) => result === 'success').length, answered.length);
        const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);
        assert.equal(
          sum(over.map(({ answeredUs }) => answeredUs)),
          sum(answered.map(({ answeredUs, endedUs }) => Math.max(0, endedUs - answeredUs))),
        );
      }),
      { numRuns: 500, seed: 20_261_123 },
    );
  });

  test('results and statuses are closed lists', () => {
    for (const result of ['success', 'busy', 'refused', 'cancelled', ''] as const) {
      assert.equal(attributeProblem('call.result', resultLabel(result)), undefined);
    }
    assert.deepEqual([486, 499, 777, 20].map(statusLabel), [486, 499, 699, 199]);
  });
});

describe('spans of steps', () => {
  test('a step stands below what moved it: the message, the leg, the effect that is answered, the session', () => {
    const world = new World();
    const parents: string[] = [];
    world.onStep = (_before, state, trigger) => {
      const entry = { atUs: 1, event: 'e', from: 'new', to: 'triggered' };
      const step = { sessionId: '07-s', before: undefined, state, trigger, entry };
      parents.push(spanIdOf(stepSpan(step, { startUs: 1, endUs: 2, steps: 1 }).parent));
    };
    world.offer('t1');
    world.identify();
    const publishedIn = `00-${TRACE}-${'2'.repeat(16)}-01`;
    const leg = { type: 'leg', legId: 't1', switchId: 's', atUs: world.nowUs, commandId: '' } as const;
    const ended = {
      $case: 'ended' as const,
      value: {
        cause: 'USER_BUSY',
        q850: 17,
        sipStatus: 486,
        disposition: '',
        createdAtUs: 0n,
        progressAtUs: 0n,
        answeredAtUs: 0n,
        endedAtUs: BigInt(world.nowUs),
        cutOff: false,
      },
    };
    world.event({ ...leg, traceparent: LEG_SPAN, publishedIn, body: ended });
    const settle = world.owed('settle');
    assert.equal(settle?.body.traceparent, LEG_SPAN, 'effects are below the leg');
    world.fire('callback');
    const root = 'b'.repeat(16);
    assert.deepEqual(parents, [root, root, '2'.repeat(16), root]);
  });

  test('a call of another trace that joins the session stays out of its trace', () => {
    const session = { traceparent: LEG_SPAN } as Session;
    const other = `00-${'f'.repeat(32)}-${'2'.repeat(16)}-01`;
    const event = { type: 'leg', legId: 't2', switchId: 's', atUs: 1, commandId: '', traceparent: other } as const;
    const told = { ...event, body: { $case: 'parked', value: {} } } as const;
    assert.equal(causeOf({ type: 'event', event: told }, session), LEG_SPAN);
  });

  test('every effect of every life is in the trace of its session', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: 'max' }), (actions) => {
        const life = new Life();
        life.trigger();
        for (const each of actions) life.do(each);
        const effects: Effect[] = [...life.world.done, ...life.world.live!.owed.map(({ body }) => body)];
        for (const { traceparent } of effects) assert.equal(traceIdOf(traceparent), TRACE);
      }),
      { numRuns: 200, seed: 20_261_123 },
    );
  });
});
