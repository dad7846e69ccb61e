import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import {
  about,
  attributeProblem,
  childOf,
  counter,
  createPool,
  type FinishedSpan,
  histogram,
  inSession,
  observe,
  recordSpan,
  sending,
  servedRequests,
  spanIdOf,
  startTelemetry,
  type Telemetry,
  traceIdOf,
  traceOf,
  traceparentOf,
  withSpan,
} from '@ringback/service-kit';
import { testDatabase } from '@ringback/service-kit/testing';

const TRACE = 'ab'.repeat(16);
const PARENT = `00-${TRACE}-${'cd'.repeat(8)}-01`;
const SESSION = '07-019c1a2b-0000-7000-8000-0123456789ab';

let telemetry: Telemetry;
let told: FinishedSpan[] = [];
before(() => {
  telemetry = startTelemetry({ service: 'test', otlpEndpoint: undefined, region: 'eu-1' });
  telemetry.setSpanSink((_traceId, spans) => {
    told.push(...spans);
    return Promise.resolve();
  });
});
beforeEach(() => {
  told = [];
});
after(() => telemetry.shutdown());

async function spans(): Promise<FinishedSpan[]> {
  await telemetry.flush();
  for (const { attributes } of told) {
    for (const [name, value] of Object.entries(attributes)) assert.equal(attributeProblem(name, value), undefined);
  }
  return told;
}

async function scrape(): Promise<string> {
  const server = createServer((_request, response) => void telemetry.serveMetrics(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const text = await new Promise<string>((resolve, reject) => {
    get({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString())).on('end', () => resolve(body));
    }).on('error', reject);
  });
  server.close();
  return text;
}

test('a span that is over is told with the id it was promised to have, below its parent', async () => {
  const own = childOf(PARENT);
  assert.equal(traceIdOf(own), TRACE);
  const child = await withSpan('child', own, { 'call.session_id': SESSION }, (span) => traceparentOf(span));
  const atUs = 1_790_000_000_000_000;
  recordSpan({
    name: 'leg',
    traceparent: own,
    parent: PARENT,
    startUs: atUs,
    endUs: atUs + 2_500_000,
    attributes: { 'call.leg_role': 'a' },
    events: [{ name: 'answered', atUs: atUs + 1_000_000 }],
    failed: 'leg_lost',
  });
  recordSpan({ name: 'root', traceparent: PARENT, parent: '', startUs: atUs, endUs: atUs, attributes: {} });
  const [one, leg, root] = await spans();
  assert.equal(one?.spanId, spanIdOf(child));
  assert.equal(one?.parentSpanId, spanIdOf(own));
  assert.deepEqual(
    { ...leg, attributes: undefined },
    {
      traceId: TRACE,
      spanId: spanIdOf(own),
      parentSpanId: spanIdOf(PARENT),
      name: 'leg',
      service: 'test',
      kind: 'internal',
      startUs: atUs,
      endUs: atUs + 2_500_000,
      attributes: undefined,
      events: [{ name: 'answered', atUs: atUs + 1_000_000 }],
      error: 'leg_lost',
    },
  );
  assert.deepEqual([root?.traceId, root?.spanId, root?.parentSpanId], [TRACE, spanIdOf(PARENT), undefined]);
});

test('what is not sampled is not told, and a traceparent that is none begins a trace', async () => {
  const unsampled = `00-${TRACE}-${'cd'.repeat(8)}-00`;
  await withSpan('unsampled', unsampled, {}, () => undefined);
  recordSpan({
    name: 'unsampled',
    traceparent: childOf(unsampled),
    parent: unsampled,
    startUs: 1,
    endUs: 2,
    attributes: {},
  });
  await withSpan('orphan', `00-${'0'.repeat(32)}-${'cd'.repeat(8)}-01`, {}, () => undefined);
  const [only, ...more] = await spans();
  assert.deepEqual([only?.name, only?.parentSpanId, more.length], ['orphan', undefined, 0]);
  assert.notEqual(only?.traceId, TRACE);
  assert.match(childOf(''), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  assert.match(childOf(PARENT, randomUUID, false), new RegExp(`^00-${TRACE}-[0-9a-f]{16}-00$`));
});

test('an error marks the span by its class; its text, which may quote a number, is not told', async () => {
  await assert.rejects(
    withSpan('fails', PARENT, {}, () => {
      throw new RangeError('+48601000001 is out of range');
    }),
  );
  const [span] = await spans();
  assert.equal(span?.error, 'RangeError');
  assert.equal(span.attributes['error.type'], 'RangeError');
  assert.ok(!JSON.stringify(span).includes('48601000001'));
});

test('a message carries the context of the span it is sent in', async () => {
  const carried = await sending(
    { subject: 'fact.session.7', template: 'fact.session.{shard}', operation: 'publish', traceparent: PARENT },
    (headers) => Promise.resolve(traceOf({ headers })),
  );
  const [span] = await spans();
  assert.equal(carried, `00-${TRACE}-${span?.spanId}-01`);
  assert.equal(span?.kind, 'producer');
  assert.equal(traceOf({}), '');
});

test('requests are counted by method and status, in a span below the caller’s, and log lines name the session', async () => {
  const served = servedRequests();
  const request = { method: 'ringback.auth.v1.AuthService/Identify', name: 'auth identify', traceparent: PARENT };
  await served({ ...request, attributes: { 'call.session_id': SESSION } }, () => Promise.resolve());
  const refusal = Object.assign(new Error('no'), { code: 'NOT_FOUND' });
  await assert.rejects(served(request, () => Promise.reject(refusal)));
  const [one, other] = await spans();
  assert.deepEqual([one?.kind, one?.parentSpanId, other?.error], ['server', spanIdOf(PARENT), 'NOT_FOUND']);
  const metrics = await scrape();
  const count = (code: string): RegExp =>
    new RegExp(`^rpc_server_call_duration_seconds_count\\{[^}]*rpc_response_status_code="${code}"[^}]*\\} 1$`, 'm');
  assert.match(metrics, count('OK'));
  assert.match(metrics, count('NOT_FOUND'));
  assert.deepEqual(about(SESSION, PARENT), { session_id: SESSION, trace_id: TRACE });
});

test('metrics have their units in their names, their buckets, and where they come from', async () => {
  counter('ringback.call.answered_time').add(2.5, {
    'call.leg_role': 'b',
    'call.trunk_id': 't1',
    'call.access_number': '+48223000000',
  });
  histogram('ringback.callback.lateness').record(0.2, { 'call.access_number': '+48223000000' });
  observe('ringback.dialer.shards', (tell) => tell(64));
  const metrics = await scrape();
  const where = 'service_name="test",cloud_region="eu-1"';
  const labels = 'call_leg_role="b",call_trunk_id="t1",call_access_number="+48223000000"';
  assert.ok(metrics.includes(`ringback_call_answered_time_seconds_total{${labels},${where}} 2.5\n`), metrics);
  assert.match(metrics, /^ringback_callback_lateness_seconds_bucket\{.*le="0\.25"\} 1$/m);
  assert.match(metrics, /^ringback_callback_lateness_seconds_bucket\{.*le="0\.1"\} 0$/m);
  assert.match(metrics, /^# TYPE ringback_callback_lateness_seconds histogram$/m);
  assert.ok(metrics.includes(`ringback_dialer_shards{${where}} 64\n`));
});

test('statements of a question are spans of it; others are none', async () => {
  const database = await testDatabase();
  const pool = createPool(database.url, { traced: 'auth' });
  try {
    await pool.query('SELECT 1');
    await inSession(SESSION, PARENT, async () => {
      await pool.query("SELECT '+48601000001'");
      const client = await pool.connect();
      await client.query('BEGIN');
      await client.query({ text: 'ROLLBACK' });
      client.release();
    });
    const statements = await spans();
    assert.deepEqual(
      statements.map(({ name, kind, parentSpanId }) => [name, kind, parentSpanId]),
      ['SELECT auth', 'BEGIN auth', 'ROLLBACK auth'].map((name) => [name, 'client', spanIdOf(PARENT)]),
    );
    assert.ok(!JSON.stringify(statements).includes('48601000001'));
  } finally {
    await pool.end();
    await database.close();
  }
});
