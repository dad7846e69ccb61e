import { DeliverPolicy, jetstream } from '@nats-io/jetstream';
import { SPAN_STREAM, spanSubject } from '@ringback/contracts';
import { connectNats, type FinishedSpan } from '@ringback/service-kit';

/** Finished spans of one trace, as the services told them; they are kept for some hours. */
export async function readSpans(natsUrl: string, traceId: string): Promise<FinishedSpan[]> {
  const connection = await connectNats({ url: natsUrl, name: 'ringback-cli', waitOnFirstConnect: false });
  try {
    const consumer = await jetstream(connection).consumers.get(SPAN_STREAM, {
      filter_subjects: spanSubject(traceId),
      deliver_policy: DeliverPolicy.All,
    });
    const { num_pending } = await consumer.info();
    const spans: FinishedSpan[] = [];
    if (num_pending === 0) return spans;
    let left = num_pending;
    for await (const message of await consumer.consume()) {
      spans.push(...message.json<FinishedSpan[]>());
      left -= 1;
      if (left === 0) break;
    }
    return spans.sort((one, two) => one.startUs - two.startUs);
  } finally {
    await connection.close();
  }
}

const ms = (us: number): string => (us / 1000).toFixed(1);

/** What is worth a word beside a span's name: where it led, how it ended, what happened within, that it failed. */
function remarks({ attributes, events = [], startUs, error }: FinishedSpan): string[] {
  const {
    'sip.status_code': status,
    'call.cause': cause,
    'billing.outcome': outcome,
    'call.phase_from': from,
    'call.phase_to': to,
  } = attributes;
  return [
    ...events.map(({ name, atUs }) => `${name} +${ms(atUs - startUs)}`),
    ...(status ? [String(status)] : []),
    ...(cause ? [String(cause)] : []),
    ...(outcome ? [String(outcome)] : []),
    ...(from === to ? [] : [`${String(from)} → ${String(to)}`]),
    ...(error === undefined ? [] : [`FAILED: ${error}`]),
  ];
}

/** Whom a span speaks to or comes from, besides the service that tells it. */
function systemOf({ attributes }: FinishedSpan): string {
  const named = ['db.system.name', 'messaging.system', 'rpc.system.name'].map((name) => attributes[name]).find(Boolean);
  return String(named ?? (attributes['sip.method'] ? 'sip' : attributes['esl.command'] ? 'esl' : ''));
}

/** One line of the tree. */
interface Node {
  id: string;
  startUs: number;
  text: string;
}

function nodeOf(span: FinishedSpan): Node {
  const said = [`${ms(span.endUs - span.startUs)} ms`, ...remarks(span)].join(', ');
  const who = [span.service, systemOf(span)].filter(Boolean).join(', ');
  return { id: span.spanId, startUs: span.startUs, text: `${span.name}  [${who}] ${said}` };
}

/**
 * A trace as a tree, each span with its beginning (ms since the first), duration, and who did it. A span that was not told
 * (a leg that goes on; or its process was killed) but has others below it stands at the top, without a name.
 */
export function renderTrace(spans: FinishedSpan[]): string {
  const [first] = spans;
  if (!first) return 'no spans of this trace are kept (any more)';
  const told = new Set(spans.map(({ spanId }) => spanId));
  const children = new Map<string, Node[]>();
  const put = (parent: string, node: Node): void => {
    const list = children.get(parent);
    if (list) list.push(node);
    else children.set(parent, [node]);
  };
  for (const span of spans) {
    const { parentSpanId: parent = '', startUs } = span;
    if (parent !== '' && !told.has(parent) && !children.has(parent)) {
      put('', { id: parent, startUs, text: '… (goes on, or was not told)' });
    }
    put(parent, nodeOf(span));
  }
  const services = [...new Set(spans.map(({ service }) => service))].sort();
  const lines: string[] = [`trace ${first.traceId}: ${spans.length} spans of ${services.join(', ')}`];
  const add = (parent: string, indent: string): void => {
    const list = children.get(parent) ?? [];
    list.forEach(({ id, startUs, text }, index) => {
      const last = index === list.length - 1;
      const begun = ms(startUs - first.startUs).padStart(10);
      lines.push(`${begun} ms  ${indent}${last ? '└─' : '├─'} ${text}`);
      add(id, `${indent}${last ? '   ' : '│  '}`);
    });
  };
  add('', '');
  return lines.join('\n');
}
