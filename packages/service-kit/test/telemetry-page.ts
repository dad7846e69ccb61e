import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { ATTRIBUTES, type AttributeName, METRICS, type MetricName, RESULTS } from '@ringback/service-kit';

export const DOCUMENT = fileURLToPath(new URL('../../../docs/telemetry.md', import.meta.url));

type Spec = {
  type: string;
  means: string;
  values?: readonly string[];
  shape?: string;
  bound?: string;
};

const SHAPES: Record<string, string> = {
  uuid: 'a UUID',
  session: 'shard and UUID',
  name: 'a name: A–Z a–z 0–9 _ . -, never seven digits in a row',
  word: 'a word of the code',
  cause: 'a cause name: A–Z 0–9 _',
  method: 'package.Service/Method',
  subject: 'a NATS subject',
  own_number: 'E.164 of an access number',
};

/** As a scrape shows it. */
export function prometheusName(name: MetricName): string {
  const { kind, unit } = METRICS[name];
  const base = name.replaceAll('.', '_') + (unit === 's' ? '_seconds' : '');
  return kind === 'counter' || kind === 'observed_counter' ? `${base}_total` : base;
}

const label = (name: string): string => name.replaceAll('.', '_');
const cell = (text: string): string => text.replaceAll('|', '\\|');

function holds(spec: Spec): string {
  if (spec.values) return spec.values.map((value) => `\`${value}\``).join(' ');
  if (spec.type !== 'string') return spec.type;
  return SHAPES[spec.shape ?? ''] ?? '';
}

export function render(): string {
  const onMetrics = new Set<AttributeName>(Object.values(METRICS).flatMap(({ attributes }) => [...attributes]));
  const attributes = (Object.keys(ATTRIBUTES) as AttributeName[]).map((name) => {
    const spec: Spec = ATTRIBUTES[name];
    const bound = onMetrics.has(name) ? (spec.values ? 'this list' : (spec.bound ?? '')) : '—';
    return `| \`${name}\` | ${spec.type} | ${cell(spec.means)} | ${holds(spec)} | ${cell(bound)} |`;
  });
  const metrics = (Object.keys(METRICS) as MetricName[]).map((name) => {
    const { kind, means, attributes: labels, by } = METRICS[name];
    const shown = labels.map((each) => `\`${label(each)}\``).join(' ');
    return `| \`${prometheusName(name)}\` | ${kind.replace('observed_', '')} | ${cell(means)} | ${shown} | ${by} |`;
  });
  return `# Telemetry

Made by \`make docs\` from \`packages/service-kit/src/telemetry/conventions.ts\` and \`metric-catalogue.ts\`. How it works stands in
[architecture](architecture.md#telemetry).

No attribute ever holds a caller's or a destination's number, a PIN, digits or a text. What is not listed here cannot be used: names
and values are types in the code, and a test looks at the spans and metrics of real calls.

## Metrics

Names as a scrape of \`/metrics\` shows them; over OTLP they have dots, no suffix for the unit and none for counters. Every metric also has
\`service_name\` and, where the knob REGION is set, \`cloud_region\`.

| metric | kind | meaning | labels | told by |
| --- | --- | --- | --- | --- |
${metrics.join('\n')}

Calls are counted when the facts are committed, from the difference that a committed step makes: what is read again counts nothing, and
a process that dies between commit and count loses that count (counters of a new process begin at 0, as Prometheus expects). Trigger calls
are in no attempt: they are rejected by design. Label values are bounded by what the operator has made (trunks, access numbers,
switches) and by closed lists; results are \`${RESULTS.join('` `')}\`. \`caller_error\` is also what the
platform refused by its rules (unknown caller, no credit, denied range) and what was given up on the caller's side before an answer.

What is made of them, here a trunk's leg B over five minutes:

| measure | PromQL |
| --- | --- |
| calls per second | \`sum by (call_trunk_id) (rate(ringback_call_started_total{call_leg_role="b"}[5m]))\` |
| ASR (ITU-T E.425) | \`sum by (call_trunk_id) (rate(ringback_call_attempts_total{call_leg_role="b",call_result="success"}[5m])) / sum by (call_trunk_id) (rate(ringback_call_attempts_total{call_leg_role="b"}[5m]))\` |
| NER (ITU-T E.425) | \`sum by (call_trunk_id) (rate(ringback_call_attempts_total{call_leg_role="b",call_result=~"success\\|busy\\|no_answer\\|rejected"}[5m])) / sum by (call_trunk_id) (rate(ringback_call_attempts_total{call_leg_role="b",call_result!="caller_error"}[5m]))\` |
| ACD, seconds | \`sum by (call_trunk_id) (rate(ringback_call_answered_time_seconds_total{call_leg_role="b"}[5m])) / sum by (call_trunk_id) (rate(ringback_call_attempts_total{call_leg_role="b",call_result="success"}[5m]))\` |
| SER (RFC 6076) | \`sum by (call_trunk_id) (rate(ringback_sip_final_responses_total{sip_status_code="200"}[5m])) / sum by (call_trunk_id) (rate(ringback_sip_final_responses_total{sip_status_code!~"3.."}[5m]))\` |
| SEER (RFC 6076) | \`sum by (call_trunk_id) (rate(ringback_sip_final_responses_total{sip_status_code=~"200\\|480\\|486\\|600\\|603"}[5m])) / sum by (call_trunk_id) (rate(ringback_sip_final_responses_total{sip_status_code!~"3.."}[5m]))\` |
| post-dial delay, 95 % | \`histogram_quantile(0.95, sum by (le, call_trunk_id) (rate(ringback_call_post_dial_delay_seconds_bucket[5m])))\` |
| callbacks within 1 s of the wanted moment | \`sum(rate(ringback_callback_lateness_seconds_bucket{le="1"}[5m])) / sum(rate(ringback_callback_lateness_seconds_count[5m]))\` |
| errors of a service | \`sum by (service_name, rpc_method) (rate(rpc_server_call_duration_seconds_count{rpc_response_status_code=~"INTERNAL\\|UNAVAILABLE\\|UNKNOWN"}[5m]))\` |

## Attributes

| attribute | type | meaning | holds | as a label bounded by |
| --- | --- | --- | --- | --- |
${attributes.join('\n')}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const document = render();
  const before = await readFile(DOCUMENT, 'utf8').catch(() => '');
  if (document !== before) await writeFile(DOCUMENT, document);
}
