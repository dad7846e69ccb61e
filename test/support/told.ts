import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { dialer } from '@ringback/contracts';
import { attributeProblem, ATTRIBUTES, type FinishedSpan, METRICS, type MetricName } from '@ringback/service-kit';
import { ringback } from './hostile-cli.ts';
import { until, type World } from './world.ts';

/** What a platform that carried calls has told of them: traces, log lines, metrics. */

const SERVICES = ['auth', 'billing', 'dialer', 'ivr', 'agent-1', 'agent-2', 'edge-agent'];

/** Sessions whose caller was called back and talked to somebody: in which everything had a part. */
export async function connectedSessions(world: World): Promise<dialer.SessionView[]> {
  const done = (role: string) => (leg: dialer.LegView) => leg.role === role && leg.answeredAtUs > 0n;
  return (await world.sessions()).filter(
    ({ state, legs }) =>
      state === 'ended' &&
      legs.some(({ role }) => role === 'trigger') &&
      ['a', 'b'].every((role) => legs.some(done(role))),
  );
}

/** Spans of a session as the command line reads them. */
async function spansOf(world: World, id: string): Promise<FinishedSpan[]> {
  const { status, stdout, stderr } = await ringback(
    join(world.runDir, 'endpoints.json'),
    '--json',
    'session',
    'show',
    id,
    '--trace',
  );
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as FinishedSpan[];
}

const orphans = (spans: FinishedSpan[]): FinishedSpan[] => {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => parentSpanId !== undefined && !ids.has(parentSpanId));
};

/** What the trace of a callback with a conversation consists of: name, and who tells it. */
const PARTS: [RegExp, string, FinishedSpan['kind']][] = [
  [/^sip INVITE trigger at the edge$/, 'switch-agent', 'server'],
  [/^sip INVITE trigger$/, 'switch-agent', 'server'],
  [/^sip INVITE a$/, 'switch-agent', 'client'],
  [/^sip INVITE b$/, 'switch-agent', 'client'],
  [/^publish event\./, 'switch-agent', 'producer'],
  [/^session leg:answered$/, 'dialer', 'consumer'],
  [/^session timer:callback$/, 'dialer', 'internal'],
  [/^publish fact\./, 'dialer', 'producer'],
  [/^identify$/, 'dialer', 'client'],
  [/^auth identify$/, 'auth', 'server'],
  [/^SELECT auth$/, 'auth', 'client'],
  [/^reserve leg_b$/, 'dialer', 'client'],
  [/^billing reserve$/, 'billing', 'server'],
  [/^ledger reserve$/, 'billing', 'client'],
  [/^ledger settle$/, 'billing', 'client'],
  [/^ivr step$/, 'ivr', 'server'],
  [/^command originate$/, 'dialer', 'producer'],
  [/^process switch\./, 'switch-agent', 'consumer'],
  [/^switch bridge$/, 'switch-agent', 'internal'],
  [/^esl originate$/, 'switch-agent', 'client'],
  [/^esl bridge$/, 'switch-agent', 'client'],
  [/^esl playback$/, 'switch-agent', 'client'],
];

/** The session's trace is one tree, from the trigger to the ledger, of all parts, with nothing outside of the conventions. */
export async function isOneTree(world: World, session: dialer.SessionView): Promise<void> {
  let spans: FinishedSpan[] = [];
  // Spans are told twice a second by each process, the last of a session after its end.
  await until('the trace is whole', async () => {
    spans = await spansOf(world, session.id);
    return spans.some(({ name }) => name === 'session settled') && orphans(spans).length === 0;
  }).catch((error: Error) => {
    const lost = orphans(spans).map(({ name, service }) => `${name} [${service}]`);
    throw new Error(`${error.message}; without a parent: ${lost.join(', ') || 'none'}`);
  });
  const roots = spans.filter(({ parentSpanId }) => parentSpanId === undefined);
  assert.deepEqual(
    roots.map(({ name }) => name),
    ['sip INVITE trigger at the edge'],
    'one root: the trigger at the edge',
  );
  assert.ok(spans.every(({ traceId }) => traceId === session.traceId));
  for (const [name, service, kind] of PARTS) {
    const found = spans.some((span) => name.test(span.name) && span.service === service && span.kind === kind);
    assert.ok(found, `no ${kind} span ${String(name)} of ${service}`);
  }
  for (const { name, attributes } of spans) {
    assert.doesNotMatch(name, /\d{4}/);
    for (const [attribute, value] of Object.entries(attributes)) {
      assert.equal(attributeProblem(attribute, value), undefined, name);
    }
    const { 'call.session_id': of } = attributes;
    assert.ok(of === undefined || of === session.id, `${name} is of another session`);
  }
  // What waits below a leg lies within it, or was caused by its end.
  const b = spans.find(({ name }) => name === 'sip INVITE b');
  const below = spans.filter(({ parentSpanId }) => parentSpanId === b?.spanId);
  assert.ok(b && below.length > 0 && below.every(({ startUs }) => startUs >= b.startUs));
}

interface Line {
  msg?: string;
  level?: string;
  time?: string;
  session_id?: string;
  trace_id?: string;
  leg_id?: string;
  command_id?: string;
}

/** Every line of every service is JSON with a time and a level; one that belongs to a session names it and its trace. */
export async function logsNameTheirSessions(world: World): Promise<void> {
  const traces = new Map((await world.sessions()).map(({ id, traceId }) => [id, traceId]));
  const sessions = new Map([...traces].map(([id, traceId]) => [traceId, id]));
  const began = new Set<string>();
  const ended = new Set<string>();
  for (const service of SERVICES) {
    const lines = (await world.log(service)).split('\n').filter((line) => line !== '');
    assert.ok(lines.length > 0, `${service} logs nothing`);
    for (const text of lines) {
      const line = JSON.parse(text) as Line;
      assert.ok(line.msg && line.level && line.time, text);
      const { session_id: id, trace_id: traceId } = line;
      if (id !== undefined) assert.equal(traceId, traces.get(id), `${service}: another trace: ${text}`);
      if (traceId !== undefined && sessions.has(traceId))
        assert.equal(id, sessions.get(traceId), `${service}: ${text}`);
      if (line.leg_id ?? line.command_id) assert.ok(traceId, `${service}: no trace: ${text}`);
      if (line.msg === 'session began') began.add(id ?? '');
      if (line.msg === 'session ended') ended.add(id ?? '');
    }
  }
  assert.deepEqual([...began].sort(), [...traces.keys()].sort(), 'each session began once');
  assert.deepEqual([...ended].sort(), [...traces.keys()].sort(), 'each session ended once');
}

interface Series {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const LINE = /^([a-z_]+)(?:\{(.*)\})? ([^ ]+)$/;
const SUFFIX = /(_bucket|_count|_sum)$/;
const CONSTANT = new Set(['service_name', 'cloud_region', 'le']);

/** As a scrape shows it. */
function shownAs(name: MetricName): string {
  const { kind, unit } = METRICS[name];
  const base = name.replaceAll('.', '_') + (unit === 's' ? '_seconds' : '');
  return kind === 'counter' || kind === 'observed_counter' ? `${base}_total` : base;
}

async function scrape(address: string): Promise<Series[]> {
  const text = await (await fetch(`http://${address}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith('target_info'))
    .map((line) => {
      const [, name = '', labels = '', value = ''] = LINE.exec(line) ?? [];
      assert.notEqual(name, '', line);
      const pairs = [...labels.matchAll(/([a-z_0-9]+)="([^"]*)"/g)].map(([, key = '', of = '']) => [key, of]);
      return { name, labels: Object.fromEntries(pairs) as Record<string, string>, value: Number(value) };
    });
}

/** Every series is of the catalogue, its labels within the conventions; what they say is what the CDRs say. */
export async function metricsAreTrue(world: World): Promise<void> {
  const known = new Map((Object.keys(METRICS) as MetricName[]).map((name) => [shownAs(name), METRICS[name]]));
  const attributeOf = new Map(Object.keys(ATTRIBUTES).map((name) => [name.replaceAll('.', '_'), name]));
  const all: Series[] = [];
  for (const [service, address] of Object.entries(world.endpoints.http)) {
    const series = await scrape(address);
    assert.ok(series.length > 0, service);
    all.push(...series);
  }
  for (const { name, labels } of all) {
    const spec = known.get(name) ?? known.get(name.replace(SUFFIX, ''));
    assert.ok(spec, `${name} is not in the catalogue`);
    const given = Object.keys(labels).filter((label) => !CONSTANT.has(label));
    assert.deepEqual(given.sort(), spec.attributes.map((each) => each.replaceAll('.', '_')).sort(), name);
    for (const label of given) {
      const attribute = attributeOf.get(label) ?? label;
      const int = (ATTRIBUTES as Record<string, { type: string }>)[attribute]?.type === 'int';
      assert.equal(attributeProblem(attribute, int ? Number(labels[label]) : labels[label]), undefined, name);
    }
  }
  const sum = (name: MetricName, match: Record<string, string> = {}, suffix = ''): number =>
    all
      .filter((series) => series.name === shownAs(name) + suffix)
      .filter(({ labels }) => Object.entries(match).every(([label, value]) => labels[label] === value))
      .reduce((total, { value }) => total + value, 0);

  const cdrs = await world.cdrs();
  const answered = (role: string) => cdrs.filter((cdr) => cdr.role === role && cdr.answeredAtUs > 0n);
  for (const role of ['a', 'b']) {
    const success = sum('ringback.call.attempts', { call_leg_role: role, call_result: 'success' });
    assert.equal(success, answered(role).length, `leg ${role}: answered ones`);
    const seconds = answered(role).reduce((total, cdr) => total + Number(cdr.endedAtUs - cdr.answeredAtUs) / 1e6, 0);
    const told = sum('ringback.call.answered_time', { call_leg_role: role });
    assert.ok(Math.abs(told - seconds) < 0.01, `leg ${role}: ${told} s told, ${seconds} s in the CDRs`);
  }
  const { length: triggers } = cdrs.filter(({ role }) => role === 'trigger');
  assert.equal(sum('ringback.call.started', { call_leg_role: 'trigger' }), triggers);
  assert.equal(sum('ringback.call.attempts', { call_leg_role: 'trigger' }), 0, 'triggers are no attempts');
  assert.equal(sum('ringback.session.ended'), (await world.sessions()).length);
  assert.equal(sum('ringback.call.up'), 0);
  assert.equal(sum('ringback.billing.ledger.imbalance_micros'), 0);
  assert.equal(sum('ringback.dialer.shards'), 64);
  for (const name of [
    'ringback.call.post_dial_delay',
    'ringback.callback.trigger_to_invite',
    'ringback.callback.lateness',
    'ringback.callback.answer_to_prompt',
    'rpc.server.call.duration',
    'messaging.process.duration',
    'ringback.dialer.commit',
  ] as const) {
    assert.ok(sum(name, {}, '_count') > 0, `${name} has measured nothing`);
  }
  for (const name of ['ringback.switch.max_legs', 'ringback.sip.final_responses'] as const) {
    assert.ok(sum(name) > 0, name);
  }
  const observed = new Set(all.map(({ name }) => name));
  for (const name of [
    'ringback.bus.consumer_lag',
    'ringback.switch.draining',
    'ringback.billing.holds.oldest',
  ] as const) {
    assert.ok(observed.has(shownAs(name)), name);
  }
}
