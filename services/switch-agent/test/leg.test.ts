import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sw } from '@ringback/contracts';
import fc from 'fast-check';
import { problemOf } from '../src/core/check.ts';
import { SwitchClock } from '../src/core/clock.ts';
import { bridgeArgument, originateLine } from '../src/core/dial.ts';
import type { EndData, SwitchFact } from '../src/core/facts.ts';
import { type Leg, lose, newLeg, onFact } from '../src/core/leg.ts';
import { decodeOnce, readOffer } from '../src/core/offered.ts';
import { Pacer } from '../src/core/pace.ts';
import { Publisher } from '../src/publisher.ts';
import { readTruth } from '../src/switch/truth.ts';

const END: EndData = {
  cause: 'NORMAL_CLEARING',
  q850: 16,
  sipStatus: 0,
  disposition: 'recv_bye',
  createdUs: 10,
  progressUs: 0,
  answeredUs: 0,
  endedUs: 90,
};
const leg = (fields: Partial<Leg> = {}): Leg =>
  newLeg({
    id: 'a',
    sessionId: 's',
    shard: 1,
    traceparent: '',
    origin: 'originate',
    originCommand: 'c1',
    cutoffSeconds: 60,
    ...fields,
  });
const at = { legId: 'a', atUs: 50 };
const bridge = { commandId: 'c2', legId: 'b', endCode: '#11' };

/** What a leg in that state tells of a fact, and what is to be done. */
const TABLE: [what: string, leg: Leg, fact: SwitchFact, told: string[], acts: string[]][] = [
  ['created', leg(), { ...at, is: 'created', core: 'x' }, [], []],
  ['created when it was given up', leg({ ended: true }), { ...at, is: 'created', core: 'x' }, [], ['kill']],
  ['created, told again after its end', leg({ ended: true, seen: true }), { ...at, is: 'created', core: 'x' }, [], []],
  ['rings', leg(), { ...at, is: 'progress', earlyMedia: false }, ['progress'], []],
  ['rings on', leg({ progressUs: 9 }), { ...at, is: 'progress', earlyMedia: false }, [], []],
  ['then early media', leg({ progressUs: 9 }), { ...at, is: 'progress', earlyMedia: true }, ['progress'], []],
  ['early media after the answer', leg({ answeredUs: 9 }), { ...at, is: 'progress', earlyMedia: true }, [], []],
  ['a caller rings', leg({ origin: 'inbound' }), { ...at, is: 'progress', earlyMedia: false }, [], []],
  ['answers', leg(), { ...at, is: 'answered' }, ['answered'], []],
  ['answers twice', leg({ answeredUs: 9 }), { ...at, is: 'answered' }, [], []],
  [
    'a caller is answered',
    leg({ origin: 'inbound', parked: true }),
    { ...at, is: 'answered' },
    ['answered', 'parked'],
    [],
  ],
  ['parked', leg({ answeredUs: 9 }), { ...at, is: 'parked', offer: undefined }, ['parked'], []],
  ['parked before the answer', leg(), { ...at, is: 'parked', offer: undefined }, [], []],
  ['the end code in a bridge', leg({ bridge }), { ...at, is: 'end_code' }, ['endCode'], []],
  ['the end code when the bridge is over', leg(), { ...at, is: 'end_code' }, [], []],
  [
    'the bridge is over',
    leg({ bridge, answeredUs: 9 }),
    { ...at, is: 'executed', app: 'bridge', commandId: 'c2', played: false, alive: true, end: END },
    ['parked'],
    ['clear_digits', 'look_for'],
  ],
  [
    'the bridge is over because A hung up',
    leg({ bridge, answeredUs: 9 }),
    { ...at, is: 'executed', app: 'bridge', commandId: 'c2', played: false, alive: false, end: END },
    [],
    ['look_for'],
  ],
  [
    'another bridge is over',
    leg({ bridge }),
    { ...at, is: 'executed', app: 'bridge', commandId: 'c9', played: false, alive: true, end: END },
    [],
    [],
  ],
  ['a task', leg(), { ...at, is: 'task_added', taskId: '7', runtime: 5 }, [], []],
  [
    'a task that is superseded',
    leg({ wantedRuntime: 9 }),
    { ...at, is: 'task_added', taskId: '7', runtime: 5 },
    [],
    ['delete_task'],
  ],
  ['ends', leg(), { ...at, is: 'ended', end: END }, ['ended'], []],
  ['ends in a bridge', leg({ bridge }), { ...at, is: 'ended', end: END }, ['ended'], ['look_for']],
  ['ends twice', leg({ ended: true }), { ...at, is: 'ended', end: END }, [], []],
  ['answers after its end', leg({ ended: true }), { ...at, is: 'answered' }, [], []],
];

describe('a leg', () => {
  for (const [what, before, fact, told, acts] of TABLE) {
    test(what, () => {
      const turn = onFact(before, fact);
      assert.deepEqual(
        turn.told.map(({ body }) => body.$case),
        told,
      );
      assert.deepEqual(
        turn.acts.map((act) => act.do),
        acts,
      );
      // Told again, nothing more comes of it; but a code can be keyed twice.
      if (fact.is !== 'end_code') assert.deepEqual(onFact(turn.leg, fact).told, []);
    });
  }

  test('an unanswered leg that our own limit ends was not answered', () => {
    const { told } = onFact(leg(), { ...at, is: 'ended', end: { ...END, cause: 'ALLOTTED_TIMEOUT' } });
    const ended = told[0]?.body.value as sw.LegEnded;
    assert.deepEqual([ended.cause, ended.q850, ended.cutOff], ['NO_ANSWER', 19, false]);
  });

  test('whatever the switch tells in whatever order: one answer, one end, and nothing after it', () => {
    const facts = fc.constantFrom(...TABLE.map(([, , fact]) => fact));
    fc.assert(
      fc.property(
        fc.array(facts, { maxLength: 30 }),
        fc.constantFrom('originate', 'bridge', 'inbound'),
        (list, origin) => {
          let now = leg({ origin: origin as Leg['origin'] });
          const told: string[] = [];
          for (const fact of list) {
            const turn = onFact(now, fact);
            now = turn.leg;
            told.push(...turn.told.map(({ body }) => body.$case));
          }
          told.push(...lose(now, 99, false).told.map(({ body }) => body.$case));
          const count = (kind: string): number => told.filter((each) => each === kind).length;
          assert.ok(count('answered') <= 1);
          assert.equal(count('ended') + count('lost'), 1);
          assert.ok(told.indexOf('ended') < 0 || told.indexOf('ended') === told.length - 1);
        },
      ),
    );
  });
});

const dial = sw.Dial.fromPartial({
  toUser: '+48601000001',
  gateway: 'gw.example:5060',
  callerId: '',
  cutoffSeconds: 60,
  answerTimeoutSeconds: 30,
  progressTimeoutSeconds: 8,
});
const options = { legId: 'a', dial, profile: 'ringback', edge: '10.0.0.1:5060', traceparent: '' };

test('dial strings', () => {
  assert.equal(
    originateLine(options),
    "originate {origination_uuid=a,origination_caller_id_number=anonymous,origination_caller_id_name=Anonymous,origination_privacy=screen+hide_name+hide_number,execute_on_answer='sched_hangup +60 ALLOTTED_TIMEOUT',playback_terminators=none,leg_progress_timeout=8,ignore_early_media=true,originate_timeout=30}sofia/ringback/+48601000001@gw.example:5060;fs_path=sip:10.0.0.1:5060 &park()",
  );
  assert.equal(
    bridgeArgument({ ...options, edge: '', dial: { ...dial, callerId: '+48223000000', progressTimeoutSeconds: 0 } }),
    "{originate_timeout=30}[origination_uuid=a,origination_caller_id_number=+48223000000,origination_caller_id_name=+48223000000,execute_on_answer='sched_hangup +60 ALLOTTED_TIMEOUT',playback_terminators=none,bridge_answer_timeout=30]sofia/ringback/+48601000001@gw.example:5060",
  );
});

test('nothing that is accepted can say anything else to the switch', () => {
  const texts = fc.string({ unit: 'binary-ascii', maxLength: 20 });
  fc.assert(
    fc.property(texts, texts, texts, (toUser, gateway, callerId) => {
      const command = sw.Command.fromPartial({
        commandId: 'c',
        sessionId: 's',
        legId: 'a',
        body: { $case: 'originate', value: { dial: { ...dial, toUser, gateway, callerId } } },
      });
      if (problemOf(command) !== undefined) return;
      assert.doesNotMatch(`${toUser}${gateway}${callerId}`, /[\s,;'"{}[\]()=&|<>\\$]/);
    }),
  );
  const play = sw.Command.fromPartial({
    commandId: 'c',
    sessionId: 's',
    legId: 'a',
    body: { $case: 'play', value: { prompts: ['en/a', '../b'] } },
  });
  assert.match(problemOf(play) ?? '', /^play\.prompts\[1\]:/);
});

test('the edge’s headers, encoded once more or not', () => {
  const headers: Record<string, string> = {
    'X-Ringback-Caller': '%2B48601234567',
    'X-Ringback-Country': 'pl',
    'X-Ringback-Access-Number': '%2B48223000000',
    'X-Ringback-Trusted': '0',
    'X-Ringback-Diverted': '1',
  };
  const offer = readOffer((name) => headers[name] ?? '');
  assert.deepEqual(
    [offer.callerRaw, offer.callerE164, offer.accessNumber, offer.country, offer.trusted, offer.diverted, offer.hidden],
    ['+48601234567', '+48601234567', '+48223000000', 'PL', false, true, false],
  );
  assert.equal(decodeOnce('100%'), '100%');
});

test('a dump’s values stand as they are, SDP and all', () => {
  const truth = readTruth(
    'Event-Name: CHANNEL_DATA\nCore-UUID: x\nAnswer-State: answered\nChannel-State: CS_EXECUTE\nCaller-Channel-Answered-Time: 1795394979070184\nvariable_switch_r_sdp: v=0\r\no=- 1 1\r\na=ptime:20\r\n\nvariable_current_application: park\n',
  );
  assert.deepEqual(
    [truth?.answered, truth?.answeredUs, truth?.parked, truth?.core],
    [true, 1795394979070184, true, 'x'],
  );
  assert.equal(readTruth('-ERR No such channel!'), undefined);
});

describe('the clock', () => {
  test('of the switch is believed while it can be right', () => {
    let mono = 0;
    const clock = new SwitchClock(() => mono);
    assert.equal(clock.held(1_000_000_000), 1_000_000_000);
    mono += 5_000_000;
    assert.equal(clock.held(1_004_900_000), 1_004_900_000, 'told late');
    assert.equal(clock.held(1_605_000_000), 1_005_000_000, 'ten minutes ahead');
    assert.equal(clock.held(400_000_000), 1_005_000_000, 'ten minutes behind');
    assert.equal(clock.now(), 1_005_000_000);
  });

  test('is read at the beginning: the first event may be an old one', () => {
    const clock = new SwitchClock(() => 0);
    clock.held(970_000_000);
    clock.begin(1_000);
    assert.equal(clock.held(1_000_700_000), 1_000_700_000);
    assert.equal(clock.now(), 1_000_700_000, 'to the rest of the second');
    clock.begin(1_001);
    assert.equal(clock.now(), 1_000_700_000, 'that is known already');
  });

  test('that was set in mid-connection goes on as it was', () => {
    let mono = 0;
    const clock = new SwitchClock(() => mono);
    clock.check(7); // nothing is known yet
    clock.held(1_000_300_000);
    mono += 5_000_000;
    clock.check(1_005);
    assert.equal(clock.held(1_005_200_000), 1_005_200_000, 'a second more or less is none');
    clock.check(965);
    assert.equal(clock.now(), 1_005_300_000, 'what lasts has to be told by one clock');
    const held = clock.held(965_400_000);
    assert.ok(Math.abs(held - 1_005_300_000) <= 1_000_000, 'forty seconds back');
    mono += 1_000_000;
    assert.equal(clock.held(966_400_000) - held, 1_000_000);
    clock.check(1_006);
    assert.equal(clock.held(1_006_100_000), 1_006_100_000, 'set right again');
  });
});

test('no second holds more new legs than the switch takes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 40 }),
      fc.array(fc.integer({ min: 0, max: 400 })),
      async (rate, gaps) => {
        let now = 0;
        const starts: number[] = [];
        const pacer = new Pacer(
          rate,
          () => now,
          (ms) => Promise.resolve(void starts.push(now + ms)),
        );
        for (const gap of gaps) {
          now += gap;
          const before = starts.length;
          await pacer.turn();
          if (starts.length === before) starts.push(now);
        }
        for (const start of starts) {
          const inSecond = starts.filter((each) => each >= start && each < start + 1_000).length;
          assert.ok(inSecond <= Math.max(rate, 1), `${inSecond} of ${rate}`);
        }
      },
    ),
  );
});

test('events go out in order, a shard for itself, again after a failure, and again on request', async () => {
  const held = [1, 2, 3].map((seq) => ({
    seq,
    data: Buffer.from(sw.Event.encode(sw.Event.fromPartial({ seq: BigInt(seq) })).finish()),
  }));
  const sent: number[][] = [];
  let fails = 1;
  const waits: (() => void)[] = [];
  const publisher = new Publisher({
    switchId: 's1',
    run: () => 'r',
    held: () => held,
    publish(subject, data) {
      assert.equal(subject, 'event.4.s1');
      if (fails > 0) {
        fails -= 1;
        return Promise.reject(new Error('away'));
      }
      sent.push(sw.EventBatch.decode(data).events.map(({ seq }) => Number(seq)));
      return Promise.resolve();
    },
    after: (_ms, callback) => void waits.push(callback),
    failed: () => undefined,
  });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  publisher.durable(4, 1);
  await settle();
  publisher.durable(4, 2);
  assert.deepEqual(sent, []);
  waits.shift()!();
  await settle();
  assert.deepEqual(sent, [[1, 2]], 'what came meanwhile goes along');
  publisher.durable(4, 3);
  await settle();
  assert.deepEqual(sent.at(-1), [3]);
  publisher.again(4);
  await settle();
  assert.deepEqual(sent.at(-1), [1, 2, 3]);
});

test('what the stream took and nobody confirms is told again, ever more seldom', async () => {
  const data = (seq: number): Buffer =>
    Buffer.from(sw.Event.encode(sw.Event.fromPartial({ seq: BigInt(seq) })).finish());
  let held = [1, 2].map((seq) => ({ seq, data: data(seq) }));
  const sent: number[][] = [];
  const waits: { ms: number; callback: () => void }[] = [];
  const publisher = new Publisher({
    switchId: 's1',
    run: () => 'r',
    held: () => held,
    publish(_subject, message) {
      sent.push(sw.EventBatch.decode(message).events.map(({ seq }) => Number(seq)));
      return Promise.resolve();
    },
    after: (ms, callback) => void waits.push({ ms, callback }),
    failed: () => undefined,
  });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  publisher.durable(4, 2);
  await settle();
  const [first] = waits.splice(0);
  first!.callback();
  await settle();
  assert.deepEqual(sent, [
    [1, 2],
    [1, 2],
  ]);
  const [second] = waits.splice(0);
  assert.ok(second!.ms > first!.ms);
  held = [];
  second!.callback();
  await settle();
  assert.equal(sent.length, 2, 'confirmed: nothing to tell');
  assert.equal(waits.length, 0);
});
