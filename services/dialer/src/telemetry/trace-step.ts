import type { Step } from '@ringback/durable';
import { type AttributeValue, type RecordedSpan, SpanKind } from '@ringback/service-kit';
import type { SessionEvent } from '../domain/events.ts';
import type { Effect, Session } from '../domain/model.ts';
import { causeOf, sameTrace } from '../domain/session-machine.ts';

/**
 * One committed step as a span: from the moment the batch was begun until PostgreSQL had it. A step moved by a message is
 * below the span that published it. The effects it owes stand beside it, as spans of their own.
 */
export function stepSpan(
  { sessionId, state, entry, trigger }: Step<Session, SessionEvent, Effect>,
  batch: { startUs: number; endUs: number; steps: number },
): RecordedSpan {
  const cause = causeOf(trigger, state);
  const published = trigger.type === 'event' && 'publishedIn' in trigger.event ? trigger.event.publishedIn : undefined;
  return {
    name: `session ${entry.event}`,
    traceparent: '',
    parent: published && sameTrace(published, cause) ? published : cause,
    startUs: batch.startUs,
    endUs: batch.endUs,
    kind: published === undefined ? SpanKind.INTERNAL : SpanKind.CONSUMER,
    attributes: {
      'call.session_id': sessionId,
      'call.step': entry.event,
      'call.phase_from': entry.from as AttributeValue<'call.phase_from'>,
      'call.phase_to': entry.to as AttributeValue<'call.phase_to'>,
      'db.system.name': 'postgresql',
      'db.namespace': 'dialer',
      'db.operation.name': 'commit',
      'db.operation.batch.size': batch.steps,
      ...(entry.legId ? { 'call.leg_id': entry.legId } : {}),
    },
  };
}
