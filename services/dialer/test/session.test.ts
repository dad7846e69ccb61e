import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { auth, billing, ivr, sw } from '@ringback/contracts';
import { CALLER, SECOND, World, type WorldOptions } from './world.ts';

/** Up to the callback being due. */
function triggered(options: WorldOptions = {}, known: Partial<auth.IdentifyResponse> = {}): World {
  const world = new World(options);
  world.offer('t1');
  world.identify(known);
  world.nowUs += 12 * SECOND;
  world.ended('t1', { cause: 'USER_BUSY', q850: 17, sipStatus: 486 });
  return world;
}

/** Up to A's answer; answers A's leg id. */
function talking(world: World): string {
  world.fire('callback');
  world.reserve(180, { capped: true });
  const { body } = world.accept('originate');
  world.leg(body.legId, { $case: 'progress', value: { createdAtUs: 0n, earlyMedia: false } });
  world.nowUs += 3 * SECOND;
  world.answered(body.legId, 180);
  world.parked(body.legId);
  return body.legId;
}

const collect = { $case: 'collect' as const, value: ivr.Collect.fromPartial({ maxDigits: 15, terminators: '#' }) };

/** Up to leg B being dialled; answers both legs' ids. */
function dialling(world: World, seconds = 1054, capped = false): { a: string; b: string } {
  const a = talking(world);
  world.step({ prompts: ['en/ask_destination'], next: collect });
  const { body } = world.accept('play', a);
  const value = sw.Collected.fromPartial({ outcome: sw.Collected_Outcome.COMPLETE, digits: '00442079460000' });
  world.leg(a, { $case: 'collected', value }, body.commandId);
  world.step({
    next: { $case: 'ask', value: { question: { $case: 'destination', value: { digits: '00442079460000' } } } },
  });
  const answer = auth.ResolveDestinationResponse.fromPartial({
    outcome: auth.ResolveDestinationResponse_Outcome.OK,
    e164: '+442079460000',
  });
  world.answer('resolve', { type: 'resolved', answer });
  world.reserve(seconds, { capped });
  world.step({ next: { $case: 'dial', value: {} } });
  world.accept('setCutoff', a);
  return { a, b: world.accept('bridge').what.bLegId };
}

describe('a trigger', () => {
  test('is called back once, after the delay, with the access number as caller ID', () => {
    const world = triggered();
    assert.equal(world.live?.timers.callback, world.nowUs + 4 * SECOND);
    world.fire('callback');
    const reserve = world.reserve(180, { capped: true });
    assert.equal(reserve.accountNumber, '1001');
    const { what, body } = world.command('originate');
    assert.equal(what.dial.toUser, CALLER);
    assert.equal(what.dial.callerId, '+48223000000');
    assert.equal(what.dial.cutoffSeconds, 180);
    assert.equal(body.startByUs, world.nowUs + 10 * SECOND);
  });

  test('the delay runs from the end of the last trigger; the duplicate is busy at once', () => {
    const world = new World();
    world.offer('t1');
    world.identify();
    world.nowUs += SECOND;
    world.offer('t2');
    assert.equal(world.command('hangup', 't2').what.cause, 'USER_BUSY');
    world.nowUs += SECOND;
    world.ended('t1', { cause: 'USER_BUSY', q850: 17 });
    assert.equal(world.live?.timers.callback, undefined);
    world.nowUs += SECOND;
    world.ended('t2', { cause: 'USER_BUSY', q850: 17 });
    assert.equal(world.live?.timers.callback, world.nowUs + 4 * SECOND);
    assert.equal(world.settleAll(), 2);
  });

  test('a trigger while the callback is due puts it off, and there is still one', () => {
    const world = triggered();
    world.nowUs += 2 * SECOND;
    world.offer('t2');
    assert.equal(world.live?.timers.callback, undefined);
    world.nowUs += SECOND;
    world.ended('t2', { cause: 'ORIGINATOR_CANCEL', q850: 16 });
    assert.equal(world.live?.timers.callback, world.nowUs + 4 * SECOND);
    world.fire('callback');
    world.reserve(180);
    assert.equal(
      world.live?.owed.filter(({ body }) => body.do === 'command' && body.body.kind === 'originate').length,
      1,
    );
  });

  const refusals: [string, WorldOptions, Partial<sw.LegOffered>, Partial<auth.IdentifyResponse> | undefined, string][] =
    [
      ['hidden', {}, { hidden: true }, undefined, 'hidden_caller'],
      ['diverted', {}, { diverted: true }, undefined, 'diverted'],
      ['no number', {}, { callerE164: '' }, undefined, 'invalid_caller_id'],
      ['ours', {}, { callerE164: '+48223000000' }, undefined, 'own_number'],
      ['denied range', { denied: ['+48601'] }, {}, undefined, 'denied_range'],
      ['cool-down', { previousClosedAtUs: 1_800_000_000 * SECOND - 2 * SECOND }, {}, undefined, 'cool_down'],
      ['unknown', {}, {}, { status: auth.IdentifyResponse_Status.UNKNOWN, account: undefined }, 'unknown_caller'],
      ['locked', {}, {}, { status: auth.IdentifyResponse_Status.LOCKED }, 'locked'],
      ['suspended', {}, {}, { status: auth.IdentifyResponse_Status.SUSPENDED }, 'suspended'],
    ];
  for (const [name, options, call, known, reason] of refusals) {
    test(`is refused: ${name}`, () => {
      const world = new World(options);
      world.offer('t1', call);
      if (known) world.identify(known);
      world.nowUs += 12 * SECOND;
      world.ended('t1', { cause: 'USER_BUSY', q850: 17 });
      assert.equal(world.settleAll(), 1);
      assert.deepEqual(world.cdrs(), [{ role: 'trigger', result: 'refused', reason, legId: 't1' }]);
      assert.equal(world.closed, true);
    });
  }

  for (const [trusted, verstat, believed] of [
    [true, '', true],
    [true, 'No-TN-Validation', true],
    [true, 'TN-Validation-Passed', true],
    [true, 'TN-Validation-Failed', false],
    [false, '', false],
    [false, 'TN-Validation-Passed', true],
    [false, 'TN-Validation-Failed', false],
  ] as const) {
    test(`a caller ID of ${trusted ? 'a trusted' : 'an untrusted'} trunk, ${verstat || 'not checked'}, is ${believed ? '' : 'not '}believed`, () => {
      const world = new World();
      world.offer('t1', { trusted, verstat });
      assert.equal(world.owed('identify')?.body.trusted, believed);
      assert.equal(world.s.trusted, believed);
    });
  }

  test('an unknown caller is called back on the loss budget where the access number asks', () => {
    const world = triggered(
      { access: { unknownCallers: 'ask' } },
      { status: auth.IdentifyResponse_Status.UNKNOWN, account: undefined },
    );
    world.fire('callback');
    assert.equal(world.owed('reserve')?.body.accountNumber, '');
  });

  test('too old: no call in the middle of the night', () => {
    const world = new World();
    world.nowUs += 200 * SECOND;
    const traceparent = '';
    const offered = sw.LegOffered.fromPartial({ accessNumber: '+48223000000', callerE164: CALLER });
    world.event({
      type: 'offered',
      legId: 't1',
      switchId: 's',
      atUs: world.nowUs - 121 * SECOND,
      traceparent,
      offered,
    });
    assert.equal(world.s.refusal, 'too_old');
  });
});

describe('leg A', () => {
  test('no credit: no call, and a CDR that says so', () => {
    const world = triggered();
    world.fire('callback');
    world.reserve(0, { outcome: billing.ReserveResponse_Outcome.NO_CREDIT });
    assert.equal(world.owed('command'), undefined);
    world.settleAll();
    assert.deepEqual(
      world.cdrs().map(({ role, result, reason }) => [role, result, reason]),
      [
        ['trigger', 'success', ''],
        ['a', 'refused', 'no_credit'],
      ],
    );
    assert.equal(world.closed, true);
  });

  for (const [cause, q850, schedule] of [
    ['USER_BUSY', 17, [10, 30]],
    ['NO_ANSWER', 19, [30]],
    ['NORMAL_TEMPORARY_FAILURE', 41, [30]],
    ['CALL_REJECTED', 21, []],
    ['UNALLOCATED_NUMBER', 1, []],
  ] as const) {
    test(`${cause} is tried again after ${schedule.join(', ') || 'nothing'} s, each attempt with its own leg and CDR`, () => {
      const world = triggered();
      const ids = new Set<string>();
      for (const [attempt, wait] of [...schedule, undefined].entries()) {
        world.fire('callback');
        world.reserve(180);
        const { body } = world.accept('originate');
        ids.add(body.legId);
        world.ended(body.legId, { cause, q850 });
        world.settleAll();
        if (wait === undefined) assert.equal(world.closed, true);
        else assert.equal(world.live?.timers.callback, world.nowUs + wait * SECOND, `attempt ${attempt}`);
      }
      assert.equal(ids.size, schedule.length + 1);
      assert.equal(world.cdrs().filter(({ role }) => role === 'a').length, schedule.length + 1);
    });
  }

  test('an attempt whose INVITE may have gone out is indeterminate, and is not sent again as the same leg', () => {
    const world = triggered();
    world.fire('callback');
    world.reserve(180);
    const { body } = world.accept('originate');
    const value = sw.LegLost.fromPartial({ lastAliveAtUs: BigInt(world.nowUs), indeterminate: true });
    world.leg(body.legId, { $case: 'lost', value });
    world.settleAll();
    assert.equal(world.cdrs().at(-1)?.result, 'indeterminate');
    world.fire('callback');
    world.reserve(180);
    assert.notEqual(world.command('originate').body.legId, body.legId);
  });

  test('its switch dies in mid-call: settled to the last moment known, and called back', () => {
    const world = triggered();
    const { a, b } = dialling(world);
    world.answered(b, 1054);
    world.reserve(1050);
    const dead = (id: string) =>
      world.leg(id, { $case: 'lost', value: sw.LegLost.fromPartial({ lastAliveAtUs: BigInt(world.nowUs - SECOND) }) });
    dead(a);
    dead(b);
    world.settleAll();
    assert.equal(world.s.phase, 'retrying');
    world.fire('callback');
    world.reserve(180);
    assert.notEqual(world.accept('originate').body.legId, a);
  });
});

describe('leg B', () => {
  test('A is paid for the longest ringing and the whole conversation; B is cut off at the announced time', () => {
    const world = triggered();
    const { a, b } = dialling(world);
    const quote = world.done.find((effect) => effect.do === 'reserve' && effect.purpose === 'leg_b');
    assert.ok(quote?.do === 'reserve');
    assert.deepEqual(
      quote.legs.map(({ legId }) => legId),
      [a, b],
    );
    assert.ok(quote.legs[0]!.leadUs >= 45 * SECOND);
    const commands = world.done.filter((effect) => effect.do === 'command');
    const cutoff = commands.find(({ body }) => body.kind === 'setCutoff');
    assert.ok(cutoff?.body.kind === 'setCutoff');
    assert.ok(cutoff.body.atUs >= world.nowUs + 45 * SECOND + 1054 * SECOND);
    const bridge = commands.find(({ body }) => body.kind === 'bridge');
    assert.ok(bridge?.body.kind === 'bridge');
    assert.equal(bridge.body.dial.cutoffSeconds, 1054);
    assert.equal(bridge.body.endCode, '#11');
    assert.equal(bridge.body.dial.callerId, CALLER);
  });

  test('#11: B is hung up and settled, A is asked for the next destination', () => {
    const world = triggered();
    const { a, b } = dialling(world);
    world.answered(b, 1054);
    world.reserve(1060);
    world.nowUs += 30 * SECOND;
    world.leg(a, { $case: 'endCode', value: {} });
    assert.equal(world.accept('hangup', b).what.cause, 'NORMAL_CLEARING');
    world.ended(b, { answeredAtUs: BigInt(world.nowUs - 30 * SECOND) });
    assert.equal(world.owed('dialogue'), undefined, 'A is not back yet');
    world.parked(a);
    const request = world.owed('dialogue')?.body.request as { legBEnded?: { reason: string } };
    assert.equal(request.legBEnded?.reason, 'REASON_NORMAL');
    world.settleAll();
    assert.deepEqual(world.cdrs().at(-1), { role: 'b', result: 'success', reason: 'end_code', legId: b });
    assert.equal(world.s.phase, 'talking');
  });

  for (const first of ['a', 'b'] as const) {
    test(`a conversation that ends has no reason, whoever's end is told first (${first})`, () => {
      const world = triggered();
      const legs = dialling(world);
      world.answered(legs.b, 1054);
      world.reserve(1060);
      world.nowUs += 30 * SECOND;
      const answered = { answeredAtUs: BigInt(world.nowUs - 30 * SECOND) };
      for (const role of first === 'a' ? (['a', 'b'] as const) : (['b', 'a'] as const))
        world.ended(legs[role], answered);
      world.settleAll();
      const { b } = legs;
      assert.deepEqual(
        world.cdrs().find(({ legId }) => legId === b),
        { role: 'b', result: 'success', reason: '', legId: b },
      );
    });
  }

  for (const [cause, q850, reason] of [
    ['USER_BUSY', 17, 'REASON_BUSY'],
    ['NO_ANSWER', 19, 'REASON_NO_ANSWER'],
    ['UNALLOCATED_NUMBER', 1, 'REASON_UNALLOCATED'],
    ['CALL_REJECTED', 21, 'REASON_REJECTED'],
    ['SWITCH_CONGESTION', 42, 'REASON_CONGESTION'],
  ] as const) {
    test(`${cause} is said in words, and the next destination asked for`, () => {
      const world = triggered();
      const { a, b } = dialling(world);
      world.ended(b, { cause, q850 });
      world.parked(a);
      const request = world.owed('dialogue')?.body.request as { legBEnded?: { reason: string } };
      assert.equal(request.legBEnded?.reason, reason);
    });
  }

  test('congestion goes over to the next trunk, with a leg, a hold and a CDR of its own; busy does not', () => {
    const trunks = [World.trunk('one'), World.trunk('two', { priority: 1, gateway: '127.0.2.1:5070' })];
    const world = triggered({ trunks });
    const { a, b } = dialling(world);
    world.ended(b, { cause: 'SWITCH_CONGESTION', q850: 42 });
    world.parked(a);
    world.reserve(1000);
    world.accept('setCutoff', a);
    const second = world.accept('bridge').what;
    assert.equal(second.dial.trunkId, 'two');
    assert.notEqual(second.bLegId, b);
    world.ended(second.bLegId, { cause: 'USER_BUSY', q850: 17 });
    world.parked(a);
    const request = world.owed('dialogue')?.body.request as { legBEnded?: { reason: string } };
    assert.equal(request.legBEnded?.reason, 'REASON_BUSY');
    assert.equal(world.settleAll(), 2 + 1);
  });

  test('no route goes over to the next trunk where the settings say so', () => {
    const trunks = [World.trunk('one'), World.trunk('two', { priority: 1, gateway: '127.0.2.1:5070' })];
    for (const failoverOnNoRoute of [true, false]) {
      const world = triggered({ trunks, settings: { failoverOnNoRoute } });
      const { a, b } = dialling(world);
      world.ended(b, { cause: 'NO_ROUTE_DESTINATION', q850: 3 });
      world.parked(a);
      assert.equal(world.owed('reserve')?.body.purpose, failoverOnNoRoute ? 'failover' : undefined);
    }
  });

  test('A hangs up while B rings: B is cancelled, everything settled', () => {
    const world = triggered();
    const { a, b } = dialling(world);
    world.ended(a, { answeredAtUs: BigInt(world.nowUs - 9 * SECOND) });
    assert.equal(world.command('hangup', b).what.cause, 'ORIGINATOR_CANCEL');
    world.ended(b, { cause: 'ORIGINATOR_CANCEL', q850: 16 });
    world.settleAll();
    assert.equal(world.closed, true);
    assert.deepEqual(
      world.cdrs().map(({ role, result, reason }) => [role, result, reason]),
      [
        ['trigger', 'success', ''],
        ['a', 'success', ''],
        ['b', 'cancelled', 'caller_left'],
      ],
    );
  });

  test('the quote is made again at the answer, and the cut-off only ever moves upwards', () => {
    const world = triggered();
    const { b } = dialling(world, 100);
    world.answered(b, 100);
    world.reserve(90);
    assert.equal(world.owed('command'), undefined);
    const other = triggered();
    const legs = dialling(other, 100);
    other.answered(legs.b, 100);
    other.reserve(400);
    assert.equal(other.command('setCutoff', legs.b).what.atUs, other.nowUs + 400 * SECOND);
    assert.equal(other.command('setCutoff', legs.a).what.atUs, other.nowUs + 415 * SECOND, 'A hears why it ended');
  });

  test('the caller alone is warned before the credit ends; a mere cap is extended instead', () => {
    const world = triggered();
    const { a, b } = dialling(world, 300);
    world.answered(b, 300);
    world.reserve(300);
    assert.equal(world.live?.timers.warn, world.nowUs + 240 * SECOND);
    assert.equal(world.live?.timers.extend, undefined);
    world.fire('warn');
    assert.equal(world.command('warn', a).what.prompt, 'en/warning_one_minute');
    const capped = triggered();
    const legs = dialling(capped, 3600, true);
    capped.answered(legs.b, 3600);
    capped.reserve(3600, { capped: true });
    assert.equal(capped.live?.timers.warn, undefined);
    capped.fire('extend');
    capped.reserve(3600, { capped: false });
    assert.equal(capped.command('setCutoff', legs.b).what.atUs, capped.nowUs + 3600 * SECOND);
    assert.ok(capped.live?.timers.warn);
  });

  test('cut off: the caller hears that the credit is used up', () => {
    const world = triggered();
    const { a, b } = dialling(world, 100);
    world.answered(b, 100);
    world.reserve(100);
    world.nowUs += 100 * SECOND;
    world.ended(b, {
      cause: 'ALLOTTED_TIMEOUT',
      q850: 0,
      cutOff: true,
      answeredAtUs: BigInt(world.nowUs - 100 * SECOND),
    });
    world.parked(a);
    const request = world.owed('dialogue')?.body.request as { legBEnded?: { reason: string } };
    assert.equal(request.legBEnded?.reason, 'REASON_CREDIT_EXHAUSTED');
    const settle = world.owed('settle', ({ cdr }) => cdr.legId === b);
    assert.equal(settle?.body.maxBillableUs, 100 * SECOND);
  });
});

describe('what cannot be had', () => {
  test('an agent that is away is asked for the leg as long as it may live, and then it is taken for lost', () => {
    const world = triggered();
    world.settleAll();
    world.fire('callback');
    world.reserve(180);
    const { id, body } = world.command('originate');
    world.nowUs += 40 * SECOND;
    world.apply({ type: 'gaveUp', effect: body, effectId: id });
    const probe = world.command('probe');
    // Somebody may have answered meanwhile, and talk until what is paid for is over.
    world.nowUs += 60 * SECOND;
    world.apply({ type: 'gaveUp', effect: probe.body, effectId: probe.id });
    assert.equal(world.s.phase, 'calling_a');
    assert.equal(world.settleAll(), 0);
    const last = world.command('probe');
    assert.ok(last.body.startByUs >= body.startByUs + (30 + 180) * SECOND, 'asked for as long as it may live');
    assert.ok(last.body.startByUs >= body.startByUs + (30 + 180 + 120) * SECOND, 'and for a good while longer');
    // Whoever asked was away itself, all night: what the agent told meanwhile is read while it is asked once more.
    world.nowUs = last.body.startByUs + 3_600 * SECOND;
    world.apply({ type: 'gaveUp', effect: last.body, effectId: last.id });
    assert.equal(world.settleAll(), 0);
    const once = world.command('probe');
    world.nowUs = once.body.startByUs;
    world.apply({ type: 'gaveUp', effect: once.body, effectId: once.id });
    world.settleAll();
    assert.equal(world.cdrs().at(-1)?.result, 'indeterminate');
    assert.equal(world.s.phase, 'retrying');
  });

  test('the true end of a leg that was taken for lost counts, as long as it is not settled', () => {
    const world = triggered();
    const { b } = dialling(world, 100);
    world.answered(b, 100);
    const answeredAtUs = BigInt(world.nowUs);
    world.nowUs += 200 * SECOND;
    for (let tries = 0; world.s.legs.at(-1)!.status !== 'ended'; tries += 1) {
      assert.ok(tries < 5, 'it is never taken for lost');
      if (!world.owed('command', ({ body, legId }) => body.kind === 'probe' && legId === b)) world.fire('overdue');
      const probe = world.command('probe', b);
      world.nowUs = Math.max(world.nowUs, probe.body.startByUs);
      world.apply({ type: 'gaveUp', effect: probe.body, effectId: probe.id });
    }
    world.ended(b, { answeredAtUs, endedAtUs: answeredAtUs + 50_000_000n });
    world.parked(world.s.a);
    const settle = world.owed('settle', ({ cdr }) => cdr.legId === b);
    assert.equal(settle!.body.cdr.endedAtUs, Number(answeredAtUs) + 50 * SECOND);
  });

  test('an answer and an end that are told together are a call that was, not an attempt that failed', () => {
    const world = triggered();
    world.fire('callback');
    world.reserve(180);
    const { body } = world.accept('originate');
    world.nowUs += 60 * SECOND;
    world.ended(body.legId, { answeredAtUs: BigInt(world.nowUs - 20 * SECOND) });
    assert.equal(world.s.phase, 'ending');
    world.settleAll();
    assert.deepEqual(world.cdrs().at(-1), { role: 'a', result: 'success', reason: '', legId: body.legId });
    assert.ok(world.closed);
  });

  test('direct mode: a second call that comes and goes while the first still rings does not keep the session open', () => {
    const world = new World({ access: { mode: 'direct' } });
    world.offer('one', { mode: 'direct' });
    world.offer('two', { mode: 'direct' });
    world.ended('two');
    world.identify();
    world.ended('one');
    world.settleAll();
    assert.deepEqual(
      world
        .cdrs()
        .map(({ legId }) => legId)
        .sort(),
      ['one', 'two'],
    );
    assert.ok(world.closed);
  });

  test('a session that is over waits for no answer: the next call of its number begins another', () => {
    const world = new World({ access: { mode: 'direct' } });
    world.offer('one', { mode: 'direct' });
    world.ended('one');
    world.settleAll();
    assert.equal(world.owing(), '', 'nobody waits to know who called');
    assert.ok(world.closed);
  });

  test('ivr away: the call ends and is settled', () => {
    const world = triggered();
    const a = talking(world);
    const asked = world.owed('dialogue')!;
    world.apply({ type: 'gaveUp', effect: asked.body, effectId: asked.id });
    world.accept('hangup', a);
    world.ended(a, { answeredAtUs: BigInt(world.nowUs - SECOND) });
    world.settleAll();
    assert.equal(world.closed, true);
    assert.equal(world.s.result, 'platform_error');
  });

  test('an operator ends a session', () => {
    const world = triggered();
    const { a, b } = dialling(world);
    world.event({ type: 'end_requested', by: 'operator' });
    world.accept('hangup', a);
    world.accept('hangup', b);
    world.ended(b);
    world.ended(a);
    world.settleAll();
    assert.equal(world.closed, true);
    assert.deepEqual([world.s.result, world.s.reason], ['cancelled', 'operator']);
  });
});
