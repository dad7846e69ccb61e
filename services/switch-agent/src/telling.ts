import type { MsgHdrs } from '@nats-io/transport-node';
import { nowUs, recordSpan, sending, type SpanAttributes, SpanKind } from '@ringback/service-kit';
import type { TraceOfBatch } from './publisher.ts';

const TEMPLATE = 'event.{shard}.{switch}';

export const ofSession = (sessionId: string): SpanAttributes =>
  sessionId === '' ? {} : { 'call.session_id': sessionId };

/**
 * Publishes one message of events. Idle, they are of one call: the message's headers carry its trace. A message of several
 * calls can carry none (each event names its own); every call's trace then has a span of the publishing all the same.
 */
export async function publishEvents(
  subject: string,
  traces: readonly TraceOfBatch[],
  publish: (headers?: MsgHdrs) => Promise<unknown>,
): Promise<void> {
  const [only] = traces;
  if (traces.length === 1 && only) {
    const attributes = { ...ofSession(only.sessionId), 'messaging.batch.message_count': only.events };
    const { traceparent } = only;
    await sending({ subject, template: TEMPLATE, operation: 'publish', traceparent, attributes }, publish);
    return;
  }
  const startUs = Number(nowUs());
  await publish();
  const endUs = Number(nowUs());
  for (const { traceparent, sessionId, events } of traces) {
    recordSpan({
      name: `publish ${TEMPLATE}`,
      traceparent: '',
      parent: traceparent,
      startUs,
      endUs,
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'nats',
        'messaging.operation.name': 'publish',
        'messaging.operation.type': 'send',
        'messaging.destination.name': subject,
        'messaging.destination.template': TEMPLATE,
        'messaging.batch.message_count': events,
        ...ofSession(sessionId),
      },
    });
  }
}
