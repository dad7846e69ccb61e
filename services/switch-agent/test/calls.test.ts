import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { shardOf } from '@ringback/contracts';
import { goertzel } from '@ringback/dev-media';
import { nowUs, spanIdOf, traceIdOf, uuidv7 } from '@ringback/service-kit';
import { type Phone, SWITCH, World } from './world.ts';

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

const TRACE = `00-${'12'.repeat(16)}-${'34'.repeat(8)}-01`;
const TRIGGER: [string, string][] = [
  ['X-Traceparent', TRACE],
  ['X-Ringback-Trunk', 't1'],
  ['X-Ringback-Trusted', '1'],
  ['X-Ringback-Country', 'PL'],
  ['X-Ringback-Access-Number', '+48223000000'],
  ['X-Ringback-Caller', '0048601234567'],
  ['X-Ringback-Hidden', '0'],
  ['X-Ringback-Diverted', '0'],
  ['X-Ringback-Verstat', 'TN-Validation-Passed'],
];
const inbound = (mode: string, ...more: [string, string][]): [string, string][] => [
  ...TRIGGER,
  ['X-Ringback-Mode', mode],
  ...more,
];

/** The leg that was offered n-th. */
async function offered(n: number) {
  await world.until(`offer ${n}`, () => world.told('offered').length > n);
  return world.told('offered')[n]!;
}

describe('calls that come in', () => {
  test('a trigger is offered with what the edge found, rejected by the switch, and its end told', async () => {
    const phone = await world.calls(
      inbound('callback', ['X-Ringback-Ring-Time', '1'], ['X-Ringback-Reject', 'USER_BUSY']),
    );
    const failed = once(phone.call, 'failed') as Promise<[{ status: number }]>;
    const event = await offered(0);
    assert.deepEqual(event.body.value, {
      accessNumber: '+48223000000',
      callerRaw: '0048601234567',
      callerE164: '+48601234567',
      hidden: false,
      diverted: false,
      trunkId: 't1',
      trusted: true,
      verstat: 'TN-Validation-Passed',
      mode: 'callback',
      country: 'PL',
    });
    assert.equal(event.sessionId, '');
    assert.equal(event.shard, shardOf('+48601234567'));
    assert.equal(traceIdOf(event.traceparent), traceIdOf(TRACE), 'the edge’s trace');
    assert.notEqual(spanIdOf(event.traceparent), spanIdOf(TRACE), 'the leg has a span of its own');
    assert.equal((await failed)[0].status, 486);
    const ended = await world.event('ended', event.legId);
    assert.equal(ended.shard, event.shard);
    assert.equal(ended.sessionId, '');
    assert.equal(ended.body.value.cause, 'USER_BUSY');
    assert.equal(ended.body.value.cutOff, false);
    assert.equal(ended.body.value.answeredAtUs, 0n);
  });

  test('direct mode: answered with a cut-off of its own, the session named by the command', async () => {
    const phone = await world.calls(inbound('direct'));
    const { legId, shard } = await offered(1);
    const fields = { shard, epoch: 1n };
    const answer = await world.give(legId, { $case: 'answer', value: { cutoffSeconds: 2 } }, fields);
    const answered = await world.event('answered', legId);
    assert.equal(answered.commandId, answer);
    assert.equal(answered.sessionId, world.session);
    assert.equal(answered.shard, shard);
    await world.event('parked', legId);
    const play = await world.give(
      legId,
      { $case: 'play', value: { prompts: ['en/long'], collect: world.collect({ maxDigits: 2 }) } },
      fields,
    );
    void phone.rtp.sendDtmf('42');
    const collected = await world.event('collected', legId);
    assert.deepEqual([collected.commandId, collected.body.value.digits], [play, '42']);
    // Not the dialplan's 30 s, but what was paid for.
    const ended = await world.event('ended', legId);
    assert.equal(ended.body.value.cause, 'ALLOTTED_TIMEOUT');
    assert.equal(ended.body.value.cutOff, true);
    const seconds = Number(ended.body.value.endedAtUs - answered.atUs) / 1e6;
    assert.ok(seconds > 0.9 && seconds < 2.6, `ended after ${seconds} s`);
  });

  test('a caller without a number is hidden, and has a shard by the leg', async () => {
    const headers = inbound('callback', ['X-Ringback-Ring-Time', '9'], ['X-Ringback-Reject', 'USER_BUSY']).map(
      ([name, value]): [string, string] => [name, name === 'X-Ringback-Caller' ? 'anonymous' : value],
    );
    const phone = await world.calls(headers);
    const { legId, shard, body } = await offered(2);
    assert.deepEqual([body.value.hidden, body.value.callerE164], [true, '']);
    assert.equal(shard, shardOf(legId));
    phone.call.hangup();
    const ended = await world.event('ended', legId);
    assert.deepEqual(
      [ended.body.value.cause, ended.body.value.sipStatus, ended.body.value.disposition],
      ['ORIGINATOR_CANCEL', 0, 'recv_cancel'],
    );
  });
});

describe('the cut-off', () => {
  test('is moved: the new one first, the old one gone, nothing ends early', async () => {
    const { a } = await world.parked('+48601000010', 2);
    const atUs = nowUs() + 4_300_000n;
    const command = await world.give(a, { $case: 'setCutoff', value: { atUs } });
    const set = await world.event('cutoffSet', a);
    assert.equal(set.commandId, command);
    const cutoffAtUs = set.body.value.cutoffAtUs;
    assert.ok(cutoffAtUs <= atUs && cutoffAtUs > atUs - 1_000_000n);
    const ended = await world.event('ended', a);
    assert.equal(ended.body.value.cutOff, true);
    assert.ok(ended.body.value.endedAtUs > atUs - 1_000_000n, 'not a second early');
    assert.ok(ended.body.value.endedAtUs < atUs + 1_000_000n, 'and not late');
  });
});

/** Strength of a frequency in what the telephone hears in the next 100 ms, relative to full scale. */
async function level(phone: Phone, hz: number): Promise<number> {
  const heard: number[] = [];
  await new Promise<void>((resolve) => {
    phone.rtp.onFrame = (frame) => {
      heard.push(...frame);
      if (heard.length >= 800) resolve();
    };
  });
  return Math.sqrt(goertzel(Int16Array.from(heard), 0, 800, hz)) / 32_767;
}

test('a warning is heard by A alone; early media of B is told; A hangs up: B ends as well', async () => {
  const { a, phone } = await world.parked('+48601000011');
  const b = uuidv7();
  await world.give(a, {
    $case: 'bridge',
    value: { bLegId: b, dial: world.dial('+48221110001'), endCode: '#11', ringbackCountry: 'PL' },
  });
  const far = await world.answers('+48221110001');
  await world.event('answered', b);
  await world.give(a, { $case: 'probe', value: {} });
  const state = await world.event('legState', a);
  assert.deepEqual([state.body.value.state, state.body.value.bridgedTo], ['STATE_BRIDGED', b]);
  await world.give(a, { $case: 'warn', value: { prompt: 'en/warning' } });
  let heard = 0;
  while (heard < 0.02) heard = await level(phone, 1000);
  assert.ok((await level(far, 1000)) < 0.005);
  await world.give(a, { $case: 'warn', value: { prompt: 'en/missing' } });
  assert.equal((await world.event('commandFailed', a)).body.value.code, 'SWITCH_REFUSED');
  phone.call.hangup();
  await world.event('ended', a);
  assert.ok((await world.event('ended', b)).body.value.endedAtUs > 0n);
  assert.equal(world.told('parked', ({ legId }) => legId === a).length, 1, 'A is gone: not parked');
});

test('B that rings is cancelled; nobody home; a leg cut off by its own seconds', async () => {
  const { a } = await world.parked('+48601000012');
  const cancelled = uuidv7();
  await world.give(a, {
    $case: 'bridge',
    value: { bLegId: cancelled, dial: world.dial('+48221110002'), endCode: '#11', ringbackCountry: '' },
  });
  const ringing = await world.rings('+48221110002');
  ringing.ring();
  await world.event('progress', cancelled);
  await world.give(cancelled, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
  const ended = await world.event('ended', cancelled);
  assert.deepEqual([ended.body.value.sipStatus, ended.body.value.disposition], [0, 'send_cancel']);
  await world.event('parked', a, 1);

  const silent = uuidv7();
  const dial = { ...world.dial('+48221110003'), answerTimeoutSeconds: 1 };
  await world.give(a, {
    $case: 'bridge',
    value: { bLegId: silent, dial, endCode: '', ringbackCountry: '' },
  });
  (await world.rings('+48221110003')).ring();
  assert.equal((await world.event('ended', silent)).body.value.cause, 'NO_ANSWER');
  await world.event('parked', a, 2);

  const short = uuidv7();
  await world.give(a, {
    $case: 'bridge',
    value: { bLegId: short, dial: world.dial('+48221110004', 1), endCode: '#11', ringbackCountry: '' },
  });
  await world.answers('+48221110004');
  const cut = await world.event('ended', short);
  assert.deepEqual([cut.body.value.cutOff, cut.body.value.cause], [true, 'ALLOTTED_TIMEOUT']);
  await world.event('parked', a, 3);
  await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
  await world.event('ended', a);
});

test('prompts: a missing one, a stopped one, one that another replaces', async () => {
  const { a } = await world.parked('+48601000013');
  const play = (...prompts: string[]): Promise<string> =>
    world.give(a, { $case: 'play', value: { prompts, collect: undefined } });
  const missing = await play('en/welcome', 'en/missing');
  const first = await world.event('collected', a, 0);
  assert.deepEqual([first.commandId, first.body.value.outcome], [missing, 'OUTCOME_PLAY_FAILED']);
  const stopped = await play('en/long');
  await world.give(a, { $case: 'stopPlay', value: {} });
  const second = await world.event('collected', a, 1);
  assert.deepEqual([second.commandId, second.body.value.outcome], [stopped, 'OUTCOME_STOPPED']);
  const replaced = await play('en/long');
  const replacing = await play('en/welcome');
  const third = await world.event('collected', a, 2);
  const fourth = await world.event('collected', a, 3);
  assert.deepEqual([third.commandId, third.body.value.outcome], [replaced, 'OUTCOME_STOPPED']);
  assert.deepEqual([fourth.commandId, fourth.body.value.outcome], [replacing, 'OUTCOME_PLAYED']);
  await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
  await world.event('ended', a);
});

test('RFC 4733 and INFO for one keypress count once', async () => {
  const { a, phone } = await world.parked('+48601000014');
  await world.give(a, {
    $case: 'play',
    value: { prompts: [], collect: world.collect({ maxDigits: 5, interDigitTimeoutMs: 900 }) },
  });
  await Promise.all([phone.rtp.sendDtmf('7'), phone.call.infoDtmf('7', 100)]);
  await Promise.all([phone.rtp.sendDtmf('7'), phone.call.infoDtmf('7', 100)]);
  const { outcome, digits } = (await world.event('collected', a)).body.value;
  assert.deepEqual([outcome, digits], ['OUTCOME_TIMEOUT', '77']);
  await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
  await world.event('ended', a);
});

test('drain: no new session, but the calls that are up go on; status says so, and what is on the switch', async () => {
  const { a } = await world.parked('+48601000015');
  assert.equal(world.statuses.at(-1)?.sessions, 1);
  await world.give('', { $case: 'drain', value: { draining: true } }, { sessionId: '', shard: 0, epoch: 0n });
  await world.until('draining', () => world.statuses.at(-1)?.state === 'STATE_DRAINING');
  const refused = await world.ask(
    world.command(uuidv7(), { $case: 'originate', value: { dial: world.dial('+48601000016') } }),
  );
  assert.equal(refused.status, 'STATUS_UNAVAILABLE');
  const probe = await world.edge.options(`sip:${world.running.sip.host}:${world.running.sip.port}`);
  assert.equal(probe.status, 503);
  const b = uuidv7();
  await world.give(a, {
    $case: 'bridge',
    value: { bLegId: b, dial: world.dial('+48221110005'), endCode: '', ringbackCountry: '' },
  });
  await world.answers('+48221110005');
  await world.event('answered', b);
  await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
  await world.event('ended', b);
  await world.give('', { $case: 'drain', value: { draining: false } }, { sessionId: '', shard: 0, epoch: 0n });
  await world.until('active', () => world.statuses.at(-1)?.state === 'STATE_ACTIVE');
  const last = world.statuses.at(-1)!;
  assert.equal(last.sipAddress, `${world.running.sip.host}:${world.running.sip.port}`);
  assert.equal(last.switchId, SWITCH);
  assert.match(last.coreUuid, /^[0-9a-f-]{36}$/);
  assert.match(last.version, /^1\.\d+/);
});
