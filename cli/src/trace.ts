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

/** A trace as a tree, each span with its beginning (ms since the first), duration, and who did it. */
export function renderTrace(spans: FinishedSpan[]): string {
  if (spans.length === 0) return 'no spans of this trace are kept (any more)';
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) =>
    parentSpanId && ids.has(parentSpanId) ? parentSpanId : '',
  );
  const [first] = spans;
  const lines: string[] = [`trace ${first!.traceId}: ${spans.length} spans`];
  const add = (parent: string, indent: string): void => {
    const list = children.get(parent) ?? [];
    list.forEach((span, index) => {
      const last = index === list.length - 1;
      const begun = ((span.startUs - first!.startUs) / 1000).toFixed(1).padStart(10);
      const took = ((span.endUs - span.startUs) / 1000).toFixed(1);
      const failed = span.error === undefined ? '' : `  FAILED: ${span.error}`;
      lines.push(`${begun} ms  ${indent}${last ? '└─' : '├─'} ${span.name}  [${span.service}] ${took} ms${failed}`);
      add(span.spanId, `${indent}${last ? '   ' : '│  '}`);
    });
  };
  add('', '');
  return lines.join('\n');
}
