import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { generateSealingKey, open } from '@ringback/sealing';
import { nowUs, uuidv7 } from '@ringback/service-kit';
import { PASSWORD, World } from './world.ts';

const KEY = generateSealingKey();
/** As long as no identifier or time can contain it by chance. */
const PIN = '471108154711';

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

const MINUTE_US = 60_000_000n;

test('the road: A is called, keys a PIN, is bridged, ends B by #11, is bridged again, is hung up', async () => {
  const a = uuidv7();
  const originate = await world.give(a, { $case: 'originate', value: { dial: world.dial('+48601000001') } });
  const phone = await world.answers('+48601000001');
  const traceparent = phone.call.request.headers.get('X-Traceparent') ?? '';
  assert.match(traceparent, /^00-(ab){16}-[0-9a-f]{16}-01$/);
  assert.ok(!traceparent.includes('cd'.repeat(8)), 'the INVITE carries the span of the leg');
  assert.match(phone.call.request.uri, /^sip:\+48601000001@gateway\.example:5060/);

  const progress = await world.event('progress', a);
  const answered = await world.event('answered', a);
  const parked = await world.event('parked', a);
  for (const event of [progress, answered, parked]) {
    assert.equal(event.commandId, originate);
    assert.equal(event.sessionId, world.session);
    assert.equal(event.shard, world.shard);
    assert.equal(event.traceparent, traceparent);
  }
  assert.equal(answered.body.value.cutoffAtUs, answered.atUs + MINUTE_US);

  // A PIN over the prompt: barge-in, sealed.
  const account = '100200';
  const seal = { keyId: 'k1', publicKey: KEY.publicKey, account };
  const pin = await world.give(a, {
    $case: 'play',
    value: { prompts: ['en/welcome', 'en/long'], collect: world.collect({ seal, minDigits: 4, maxDigits: 12 }) },
  });
  void phone.rtp.sendDtmf(`${PIN}#`);
  const keyed = await world.event('collected', a);
  assert.equal(keyed.commandId, pin);
  assert.equal(keyed.body.value.outcome, 'OUTCOME_COMPLETE');
  assert.equal(keyed.body.value.digits, '');
  const sealed = keyed.body.value.sealed!;
  assert.equal(sealed.account, account);
  const context = { account, sessionId: world.session, legId: a, commandId: pin };
  const opened = open(
    {
      ...sealed,
      ephemeralPublicKey: Buffer.from(sealed.ephemeralPublicKey),
      ciphertext: Buffer.from(sealed.ciphertext),
    },
    KEY.privateKey,
    context,
  );
  assert.equal(opened, PIN);

  // Just a prompt, to its end.
  const told = await world.give(a, { $case: 'play', value: { prompts: ['en/welcome'], collect: undefined } });
  const played = await world.event('collected', a, 1);
  assert.deepEqual([played.commandId, played.body.value.outcome], [told, 'OUTCOME_PLAYED']);

  // The number, typed ahead of the prompt.
  await phone.rtp.sendDtmf('48221112233#');
  const number = await world.give(a, {
    $case: 'play',
    value: { prompts: ['en/long'], collect: world.collect() },
  });
  const dialled = await world.event('collected', a, 2);
  assert.deepEqual(
    [dialled.commandId, dialled.body.value.outcome, dialled.body.value.digits, dialled.body.value.sealed],
    [number, 'OUTCOME_COMPLETE', '48221112233', undefined],
  );

  // First B: ended by #11.
  const b = uuidv7();
  const bridge = await world.give(a, {
    $case: 'bridge',
    value: { bLegId: b, dial: world.dial('+48221112233', 120), endCode: '#11', ringbackCountry: 'PL' },
  });
  const far = await world.answers('+48221112233');
  const connected = await world.event('answered', b);
  assert.equal(connected.commandId, bridge);
  assert.equal(connected.body.value.cutoffAtUs, connected.atUs + 2n * MINUTE_US);
  assert.equal((await world.event('progress', b)).body.value.earlyMedia, false);
  let heardByB = '';
  far.rtp.onDtmfStart = (digit) => {
    heardByB += digit;
  };
  // The far end must hear A before the code is keyed: the bridge stands.
  await new Promise<void>((resolve) => {
    far.rtp.onFrame = () => resolve();
  });
  await phone.rtp.sendDtmf('#11');
  const code = await world.event('endCode', a);
  assert.equal(code.commandId, bridge);
  await world.give(b, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
  const ended = await world.event('ended', b);
  assert.equal(ended.body.value.cause, 'NORMAL_CLEARING');
  assert.equal(ended.body.value.q850, 16);
  assert.equal(ended.body.value.disposition, 'send_bye');
  assert.equal(ended.body.value.sipStatus, 0);
  assert.equal(ended.body.value.cutOff, false);
  assert.equal(ended.body.value.answeredAtUs, connected.atUs);
  assert.ok(ended.body.value.endedAtUs > connected.atUs);
  assert.ok(ended.body.value.createdAtUs <= connected.atUs);
  const back = await world.event('parked', a, 1);
  assert.equal(back.commandId, bridge);
  assert.equal(heardByB, '');

  // What is keyed late is no input; digits come at once again.
  void phone.rtp.sendDtmf('#11');
  const after = await world.give(a, {
    $case: 'play',
    value: { prompts: ['en/welcome'], collect: world.collect({ flushTypeAhead: true, maxDigits: 3, terminators: '' }) },
  });
  await phone.rtp.sendDtmf('#');
  void phone.rtp.sendDtmf('123');
  const again = await world.event('collected', a, 3);
  assert.equal(again.commandId, after);

  // Second B: busy.
  const busy = uuidv7();
  await world.give(a, {
    $case: 'bridge',
    value: { bLegId: busy, dial: world.dial('+48221112234'), endCode: '#11', ringbackCountry: 'PL' },
  });
  (await world.rings('+48221112234')).reject(486);
  const refused = await world.event('ended', busy);
  assert.deepEqual(
    [refused.body.value.cause, refused.body.value.q850, refused.body.value.sipStatus, refused.body.value.disposition],
    ['USER_BUSY', 17, 486, 'recv_refuse'],
  );
  assert.equal(refused.body.value.answeredAtUs, 0n);
  await world.event('parked', a, 2);

  // Third B: answers, and hangs up by itself.
  const third = uuidv7();
  await world.give(a, {
    $case: 'bridge',
    value: { bLegId: third, dial: world.dial('+48221112235'), endCode: '#11', ringbackCountry: 'GB' },
  });
  const last = await world.answers('+48221112235');
  await world.event('answered', third);
  last.call.hangup();
  assert.equal((await world.event('ended', third)).body.value.disposition, 'recv_bye');
  await world.event('parked', a, 3);

  const bye = once(phone.call, 'ended');
  await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
  await bye;
  assert.equal((await world.event('ended', a)).body.value.cause, 'NORMAL_CLEARING');

  // Consecutive from 1, one of each, nothing of the digits anywhere.
  const seqs = world.events.filter(({ shard }) => shard === world.shard).map(({ seq }) => Number(seq));
  assert.deepEqual(
    seqs,
    seqs.map((_seq, index) => index + 1),
  );
  assert.equal(world.told('collected', ({ legId }) => legId === a).length, 4);
  assert.equal(world.told('ended', ({ legId }) => legId === a).length, 1);
  const written = [...world.journalFiles().map((file) => readFileSync(file, 'utf8')), world.output].join('');
  assert.ok(written.length > 0);
  assert.ok(!written.includes(PIN));
  assert.ok(!world.output.includes('48221112233') && !world.output.includes(PASSWORD));
});

describe('refusals', () => {
  test('a command known is not performed again', async () => {
    const a = uuidv7();
    const command = world.command(a, { $case: 'originate', value: { dial: world.dial('+48601000002') } });
    const acks = await Promise.all([world.ask(command), world.ask(command)]);
    assert.deepEqual(
      acks.map(({ status }) => status),
      ['STATUS_ACCEPTED', 'STATUS_DUPLICATE'],
    );
    const call = await world.rings('+48601000002');
    assert.equal((await world.ask(command)).status, 'STATUS_DUPLICATE');
    call.reject(603);
    const ended = await world.event('ended', a);
    assert.deepEqual([ended.body.value.sipStatus, ended.body.value.cause], [603, 'CALL_REJECTED']);
    assert.equal((await world.ask(command)).status, 'STATUS_DUPLICATE');
    // Another command for the same leg would ring again.
    const other = { ...command, commandId: uuidv7() };
    const ack = await world.ask(other);
    assert.equal(ack.status, 'STATUS_INVALID');
    assert.match(ack.message, /^leg_id:/);
    assert.equal(world.callsWaiting(), 0);
  });

  test('who no longer owns the shard, who comes too late, what cannot be', async () => {
    const a = uuidv7();
    const body = { $case: 'originate' as const, value: { dial: world.dial('+48601000003') } };
    assert.equal((await world.ask(world.command(a, body, { epoch: 4n }))).status, 'STATUS_STALE_EPOCH');
    assert.equal((await world.ask(world.command(a, body, { startByUs: nowUs() - 1n }))).status, 'STATUS_TOO_LATE');
    const bad = { ...body, value: { dial: { ...world.dial("1'} x"), cutoffSeconds: 10 } } };
    const ack = await world.ask(world.command(a, bad));
    assert.equal(ack.status, 'STATUS_INVALID');
    assert.match(ack.message, /^originate\.dial\.to_user:/);
    const free = { ...body, value: { dial: world.dial('+48601000003', 0) } };
    assert.match((await world.ask(world.command(a, free))).message, /^originate\.dial\.cutoff_seconds:/);
    assert.equal(world.callsWaiting(), 0);
  });

  test('a leg nobody knows', async () => {
    const nobody = uuidv7();
    await world.give(nobody, { $case: 'probe', value: {} });
    assert.equal((await world.event('legState', nobody)).body.value.state, 'STATE_GONE');
    await world.give(nobody, { $case: 'play', value: { prompts: ['en/welcome'], collect: undefined } });
    assert.equal((await world.event('commandFailed', nobody)).body.value.code, 'UNKNOWN_LEG');
  });
});
