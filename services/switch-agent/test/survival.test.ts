import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { shardOf, sw, switchProgressSubject, switchRepublishSubject } from '@ringback/contracts';
import { nowUs, uuidv7 } from '@ringback/service-kit';
import { newLeg } from '../src/core/leg.ts';
import { Journal } from '../src/journal/journal.ts';
import { SWITCH, World } from './world.ts';

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world?.stop());

const bridgeTo = (b: string, user: string) => ({
  $case: 'bridge' as const,
  value: { bLegId: b, dial: world.dial(user), endCode: '#11', ringbackCountry: 'PL' },
});

const cdrsOf = (leg: string): string[] => readdirSync(world.cdrDir).filter((name) => name.includes(leg));

/** Resolves once the switch has written it. */
async function cdrOf(leg: string): Promise<void> {
  while (cdrsOf(leg).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('the agent is killed', () => {
  test('in a conversation: its legs go on, and so does all that follows', async () => {
    const { a, phone } = await world.parked();
    const b = uuidv7();
    await world.give(a, bridgeTo(b, '+48221110001'));
    const far = await world.answers('+48221110001');
    await world.event('answered', b);
    const before = world.events.length;
    await world.killAgent();
    await world.startAgent();
    const [stateA, stateB] = [await world.event('legState', a), await world.event('legState', b)];
    assert.deepEqual([stateA.body.value.state, stateA.body.value.bridgedTo], ['STATE_BRIDGED', b]);
    assert.equal(stateB.body.value.state, 'STATE_BRIDGED');
    assert.equal(world.events[before - 1]?.run, stateA.run, 'the same journal');
    // Numbers go on where they were; what was told before is told again with the same ones, or not at all.
    const numbers = new Map<string, string>();
    for (const { shard, seq, legId, body } of world.events) {
      const [key, what] = [`${shard}/${seq}`, `${legId} ${body.$case}`];
      assert.equal(numbers.get(key) ?? what, what);
      numbers.set(key, what);
    }
    await phone.rtp.sendDtmf('#11');
    await world.event('endCode', a);
    far.call.hangup();
    await world.event('ended', b);
    await world.event('parked', a, 1);
    await world.give(a, {
      $case: 'play',
      value: { prompts: ['en/long'], collect: world.collect({ maxDigits: 1, flushTypeAhead: true }) },
    });
    void phone.rtp.sendDtmf('5');
    assert.equal((await world.event('collected', a)).body.value.digits, '5');
    await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
    assert.equal((await world.event('ended', a)).body.value.disposition, 'send_bye');
    assert.equal(world.told('ended', ({ legId }) => legId === a).length, 1);
  });

  test('and B leaves meanwhile: A is told to be back, and can be asked again', async () => {
    const { a, phone } = await world.parked();
    const b = uuidv7();
    await world.give(a, bridgeTo(b, '+48221110002'));
    const far = await world.answers('+48221110002');
    await world.event('answered', b);
    await world.killAgent();
    far.call.hangup();
    await cdrOf(b);
    await world.startAgent();
    assert.equal((await world.event('ended', b)).body.value.cause, 'NORMAL_CLEARING');
    await world.event('parked', a, 1);
    assert.equal((await world.event('legState', a)).body.value.state, 'STATE_PARKED');
    await world.give(a, {
      $case: 'play',
      value: { prompts: ['en/long'], collect: world.collect({ maxDigits: 1, flushTypeAhead: true }) },
    });
    void phone.rtp.sendDtmf('7');
    assert.equal((await world.event('collected', a)).body.value.digits, '7');
    phone.call.hangup();
    await world.event('ended', a);
  });

  test('and the calls end meanwhile: told from the CDR files, which are removed', async () => {
    const { a, phone } = await world.parked();
    const answered = await world.event('answered', a);
    await world.killAgent();
    phone.call.hangup();
    await cdrOf(a);
    await world.startAgent();
    const ended = await world.event('ended', a);
    assert.deepEqual([ended.body.value.cause, ended.body.value.disposition], ['NORMAL_CLEARING', 'recv_bye']);
    assert.equal(ended.body.value.answeredAtUs, answered.atUs);
    assert.ok(ended.body.value.endedAtUs > answered.atUs);
    assert.equal(world.told('lost', ({ legId }) => legId === a).length, 0);
    await world.until('removed', () => cdrsOf(a).length === 0);
  });

  test('while A rings: the call is not made twice, and its answer is told', async () => {
    const a = uuidv7();
    await world.give(a, { $case: 'originate', value: { dial: world.dial('+48601000001') } });
    const call = await world.rings('+48601000001');
    call.ring();
    await world.event('progress', a);
    await world.killAgent();
    await world.startAgent();
    assert.equal((await world.event('legState', a)).body.value.state, 'STATE_RINGING');
    assert.equal(world.callsWaiting(), 0);
    call.reject(486);
    assert.equal((await world.event('ended', a)).body.value.sipStatus, 486);
  });

  test('while A is asked for digits: asked again, and answered once', async () => {
    const { a, phone } = await world.parked();
    const play = await world.give(a, { $case: 'play', value: { prompts: ['en/long'], collect: world.collect() } });
    await phone.rtp.sendDtmf('12');
    await world.killAgent();
    await world.startAgent();
    assert.equal((await world.event('legState', a)).body.value.state, 'STATE_PARKED');
    await phone.rtp.sendDtmf('34#');
    const collected = await world.event('collected', a);
    assert.deepEqual([collected.commandId, collected.body.value.digits], [play, '34']);
  });

  test('between a command’s journal and its call: nobody knows whether it was made, and it is never made again', async () => {
    const { a } = await world.parked();
    await world.killAgent();
    // As the journal stands when the process dies right after writing.
    const journal = await Journal.open({
      directory: join(world.folder, 'journal'),
      newRun: () => assert.fail('a new incarnation'),
      nowUs: () => Number(nowUs()),
      failed: (error) => assert.fail(error),
    });
    const [other, b] = [uuidv7(), uuidv7()];
    const commands = [
      world.command(other, { $case: 'originate', value: { dial: world.dial('+48601000009') } }),
      world.command(a, bridgeTo(b, '+48221110009')),
    ];
    for (const [index, origin] of (['originate', 'bridge'] as const).entries()) {
      const command = commands[index]!;
      const { commandId, sessionId, shard, traceparent, legId } = command;
      const data = Buffer.from(sw.Command.encode(command).finish()).toString('base64');
      await journal.append([
        { k: 'command', id: commandId, atUs: Number(nowUs()), legId, data },
        {
          k: 'leg',
          leg: newLeg({
            id: origin === 'bridge' ? b : other,
            sessionId,
            shard,
            traceparent,
            origin,
            originCommand: commandId,
          }),
        },
      ]);
    }
    await journal.close();
    await world.startAgent();
    for (const [index, leg] of [other, b].entries()) {
      const lost = await world.event('lost', leg);
      assert.equal(lost.body.value.indeterminate, true);
      assert.equal(lost.commandId, commands[index]!.commandId);
      assert.equal((await world.ask(commands[index]!)).status, 'STATUS_DUPLICATE');
    }
    assert.equal((await world.event('legState', a)).body.value.state, 'STATE_PARKED');
    await world.give(a, { $case: 'play', value: { prompts: ['en/welcome'], collect: undefined } });
    await world.event('collected', a);
    assert.equal(world.callsWaiting(), 0);
  });

  test('and a trigger comes and goes meanwhile: it is offered late, with its own time', async () => {
    await world.killAgent();
    const startedUs = nowUs();
    const { call } = await world.calls([
      ['X-Ringback-Mode', 'callback'],
      ['X-Ringback-Ring-Time', '1'],
      ['X-Ringback-Reject', 'USER_BUSY'],
      ['X-Ringback-Trunk', 't1'],
      ['X-Ringback-Country', 'PL'],
      ['X-Ringback-Access-Number', '+48223000000'],
      ['X-Ringback-Caller', '+48601234567'],
    ]);
    await once(call, 'terminated');
    const restartedUs = nowUs();
    await world.startAgent();
    await world.until('offered', () => world.told('offered').length === 1);
    const [offer] = world.told('offered');
    assert.equal(offer!.shard, shardOf('+48601234567'));
    assert.ok(offer!.atUs >= startedUs - 100_000n && offer!.atUs < restartedUs);
    assert.equal((await world.event('ended', offer!.legId)).body.value.cause, 'USER_BUSY');
  });

  test('no: it is asked to stop, and leaves the calls as they are', async () => {
    const { a, phone } = await world.parked();
    await world.killAgent('SIGTERM');
    assert.equal(world.agent?.exitCode, 0);
    await world.startAgent();
    assert.equal((await world.event('legState', a)).body.value.state, 'STATE_PARKED');
    phone.call.hangup();
    await world.event('ended', a);
  });

  test('a repetition of a command from before is known', async () => {
    const { a } = await world.parked();
    const command = world.command(a, { $case: 'probe', value: {} });
    assert.equal((await world.ask(command)).status, 'STATUS_ACCEPTED');
    await world.event('legState', a);
    await world.killAgent();
    await world.startAgent();
    assert.equal((await world.ask(command)).status, 'STATUS_DUPLICATE');
    const stale = world.command(a, { $case: 'probe', value: {} }, { epoch: 4n });
    assert.equal((await world.ask(stale)).status, 'STATUS_STALE_EPOCH');
  });
});

test('the switch dies: each leg is lost at the last moment known; a new one is used at once', async () => {
  const { a } = await world.parked();
  const answered = await world.event('answered', a);
  const { esl, sip } = world.running;
  await world.running.kill();
  await world.until('disconnected', () => world.statuses.at(-1)?.state === 'STATE_DISCONNECTED');
  const refused = await world.ask(world.command(a, { $case: 'probe', value: {} }));
  assert.equal(refused.status, 'STATUS_UNAVAILABLE');
  await world.startSwitch({ esl: esl.port, sip: sip.port });
  await world.until('active', () => world.statuses.at(-1)?.state === 'STATE_ACTIVE');
  const lost = await world.event('lost', a);
  assert.equal(lost.body.value.answeredAtUs, answered.atUs);
  assert.ok(lost.body.value.lastAliveAtUs >= answered.atUs);
  assert.equal(lost.body.value.indeterminate, false);
  assert.equal(world.told('ended', ({ legId }) => legId === a).length, 0);
  const { a: next } = await world.parked('+48601000002');
  assert.ok(next !== a);
});

describe('NATS', () => {
  test('is told again on request, with the same numbers, but not what is confirmed', async () => {
    const { a } = await world.parked();
    const parked = await world.event('parked', a);
    const before = world.events.length;
    const { seq: last } = parked;
    const progress = sw.SourceProgress.fromPartial({
      run: parked.run,
      shards: [{ shard: world.shard, seq: last - 2n }],
    });
    world.connection.publish(switchProgressSubject(SWITCH), sw.SourceProgress.encode(progress).finish());
    const request = sw.RepublishRequest.fromPartial({ run: '', shards: [world.shard, 63] });
    world.connection.publish(switchRepublishSubject(SWITCH), sw.RepublishRequest.encode(request).finish());
    await world.until('told again', () => world.events.length >= before + 2);
    assert.deepEqual(
      world.events.slice(before).map(({ seq, body }) => [seq, body.$case]),
      [
        [last - 1n, 'answered'],
        [last, 'parked'],
      ],
    );
    // Of another journal: not ours.
    const other = sw.RepublishRequest.fromPartial({ run: 'another', shards: [world.shard] });
    world.connection.publish(switchRepublishSubject(SWITCH), sw.RepublishRequest.encode(other).finish());
    await world.give(a, { $case: 'probe', value: {} });
    await world.event('legState', a);
    assert.equal(world.events.length, before + 3);
  });

  test('goes away: events wait in the journal, and come in order when it is back', async () => {
    const { a, phone } = await world.parked();
    await world.nats.restart();
    phone.call.hangup();
    await world.event('ended', a);
    const seqs = world.events.filter(({ shard }) => shard === world.shard).map(({ seq }) => Number(seq));
    assert.deepEqual(
      [...new Set(seqs)],
      [...new Set(seqs)].sort((x, y) => x - y),
    );
  });
});
