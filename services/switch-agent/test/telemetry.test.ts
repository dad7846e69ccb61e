import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { MsgHdrs } from '@nats-io/transport-node';
import { spanSubject } from '@ringback/contracts';
import {
  attributeProblem,
  childOf,
  type FinishedSpan,
  spanIdOf,
  startTelemetry,
  traceIdOf,
  traceOf,
  uuidv7,
} from '@ringback/service-kit';
import { TraceBudget } from '../src/core/trace-budget.ts';
import { publishEvents } from '../src/telling.ts';
import { World } from './world.ts';

let world: World;
const spans: FinishedSpan[] = [];
before(async () => {
  world = await World.start();
  world.connection.subscribe(spanSubject('*'), {
    callback: (_error, message) => {
      spans.push(...message.json<FinishedSpan[]>());
    },
  });
  await world.connection.flush();
});
after(() => world?.stop());

/** Waits for the spans of a leg's life. Spans are told by themselves twice a second. */
async function spanOf(match: (span: FinishedSpan) => boolean): Promise<FinishedSpan> {
  for (let look = 0; look < 200; look += 1) {
    const found = spans.find(match);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no such span; told: ${spans.map(({ name }) => name).join(', ')}`);
}

const NUMBER = '+48601000001';
const EDGE = `00-${'12'.repeat(16)}-${'34'.repeat(8)}-01`;
const inLeg = (legId: string) => (span: FinishedSpan) => span.attributes['call.leg_id'] === legId;
const named = (name: string) => (span: FinishedSpan) => span.name === name;

test('so many calls a second are traced, and five seconds’ worth at once after a pause', () => {
  let nowUs = 0;
  const budget = new TraceBudget(2, () => nowUs);
  const taken = (calls: number): number => Array.from({ length: calls }, () => budget.take()).filter(Boolean).length;
  assert.equal(taken(20), 10);
  nowUs += 1_000_000;
  assert.equal(taken(20), 2);
  nowUs += 3_600_000_000;
  assert.equal(taken(20), 10);
  assert.equal(new TraceBudget(0, () => nowUs).take(), false);
});

test('a message of one call carries its trace; of one of several each call’s trace has a span of the publishing', async () => {
  const told: FinishedSpan[] = [];
  const telemetry = startTelemetry({ service: 'test', otlpEndpoint: undefined, region: '' });
  telemetry.setSpanSink((_traceId, more) => {
    told.push(...more);
    return Promise.resolve();
  });
  const carried: string[] = [];
  const publish = (headers?: MsgHdrs): Promise<void> => {
    carried.push(traceOf({ headers }));
    return Promise.resolve();
  };
  const [one, two] = [childOf(''), childOf('')].map((traceparent) => ({ traceparent, sessionId: '', events: 2 }));
  await publishEvents('event.7.switch-1', [one!], publish);
  await publishEvents('event.7.switch-1', [one!, two!], publish);
  await telemetry.shutdown();
  assert.deepEqual(
    told.map(({ parentSpanId, kind }) => [parentSpanId, kind]).sort(),
    [one, one, two].map((each) => [spanIdOf(each!.traceparent), 'producer']).sort(),
  );
  const [alone] = told.filter(({ traceId }) => traceId === traceIdOf(one!.traceparent));
  assert.deepEqual([carried[0]?.split('-')[2], carried[1]], [alone?.spanId, '']);
  for (const { attributes } of told) {
    for (const [name, value] of Object.entries(attributes)) assert.equal(attributeProblem(name, value), undefined);
  }
});

describe('what a leg tells', () => {
  test('its SIP span lasts from the command to the hang-up, with the id its INVITE and its events carried', async () => {
    const a = uuidv7();
    const originate = await world.give(a, { $case: 'originate', value: { dial: world.dial(NUMBER) } });
    const { call } = await world.answers(NUMBER);
    const invite = call.request.headers.get('X-Traceparent') ?? '';
    const answered = await world.event('answered', a);
    await world.event('parked', a);
    assert.equal(answered.traceparent, invite);
    const play = await world.give(a, { $case: 'play', value: { prompts: ['en/welcome'], collect: undefined } });
    await world.event('collected', a);
    const hangup = await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
    await world.event('ended', a);

    const leg = await spanOf((span) => span.spanId === spanIdOf(invite));
    assert.equal(leg.name, 'sip INVITE a');
    assert.equal(leg.kind, 'client');
    assert.equal(leg.traceId, traceIdOf(world.traceparent));
    assert.equal(leg.parentSpanId, spanIdOf(world.traceparent), 'below the command');
    assert.deepEqual(
      leg.events?.map(({ name }) => name),
      ['ringing', 'answered'],
    );
    assert.equal(leg.attributes['sip.status_code'], 200);
    assert.equal(leg.attributes['call.trunk_id'], 't1');
    assert.equal(leg.attributes['call.cause'], 'NORMAL_CLEARING');
    assert.ok(leg.events?.every(({ atUs }) => atUs >= leg.startUs && atUs <= leg.endUs));

    // Each command: taken from the bus, performed, and told to the switch below that.
    for (const [commandId, kind, esl] of [
      [originate, 'originate', 'esl originate'],
      [play, 'play', 'esl playback'],
      [hangup, 'hangup', 'esl uuid_kill'],
    ] as const) {
      const performed = await spanOf(
        (span) => span.name === `switch ${kind}` && span.attributes['call.command_id'] === commandId,
      );
      const told = await spanOf(named(esl));
      assert.equal(told.parentSpanId, performed.spanId, esl);
      assert.equal(told.kind, 'client');
      const taken = await spanOf((span) => span.kind === 'consumer' && span.attributes['call.command'] === kind);
      assert.equal(taken.parentSpanId, spanIdOf(world.traceparent));
      assert.equal(taken.attributes['call.command_status'], 'STATUS_ACCEPTED');
    }
    const published = await spanOf(named('publish event.{shard}.{switch}'));
    assert.equal(published.parentSpanId, leg.spanId, 'its events are published below the leg');
  });

  test('a call that came in is below the edge’s span, which is told for the edge: the trace has a root', async () => {
    const seconds = Math.floor(Date.now() / 1000) - 1;
    const phone = await world.calls([
      ['X-Traceparent', EDGE],
      ['X-Ringback-Received', `${seconds}.000250`],
      ['X-Ringback-Trunk', 't1'],
      ['X-Ringback-Trusted', '1'],
      ['X-Ringback-Country', 'PL'],
      ['X-Ringback-Access-Number', '+48223000000'],
      ['X-Ringback-Caller', NUMBER],
      ['X-Ringback-Mode', 'callback'],
      ['X-Ringback-Ring-Time', '1'],
      ['X-Ringback-Reject', 'USER_BUSY'],
    ]);
    phone.call.on('failed', () => undefined);
    const trigger = await spanOf((span) => span.traceId === traceIdOf(EDGE) && span.attributes['sip.hop'] === 'switch');
    const root = await spanOf((span) => span.spanId === spanIdOf(EDGE));
    assert.deepEqual([root.parentSpanId, root.attributes['sip.hop'], root.kind], [undefined, 'edge', 'server']);
    assert.equal(root.startUs, seconds * 1_000_000 + 250, 'since the edge had the INVITE');
    assert.equal(trigger.parentSpanId, root.spanId);
    assert.equal(trigger.name, 'sip INVITE trigger');
    assert.equal(trigger.attributes['call.cause'], 'USER_BUSY');
    const [offered] = world.told('offered');
    assert.equal(spanIdOf(offered?.traceparent ?? ''), trigger.spanId);
  });

  test('a leg whose agent was killed has its span all the same, with the same id', async () => {
    const { a, phone } = await world.parked('+48601000009');
    const invite = phone.call.request.headers.get('X-Traceparent') ?? '';
    await world.killAgent();
    await world.startAgent();
    phone.call.hangup();
    await world.event('ended', a);
    const leg = await spanOf((span) => span.spanId === spanIdOf(invite));
    assert.ok(inLeg(a)(leg));
    assert.ok(leg.events?.some(({ name }) => name === 'answered'));
  });

  test('nothing that is told is outside of the conventions, and no number is in it', async () => {
    assert.ok(spans.length > 20);
    for (const { name, attributes } of spans) {
      assert.doesNotMatch(name, /\d{4}/);
      for (const [attribute, value] of Object.entries(attributes)) {
        assert.equal(attributeProblem(attribute, value), undefined, name);
      }
    }
    assert.ok(!JSON.stringify(spans).includes('60100000'));
  });
});
