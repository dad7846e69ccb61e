import type { Step } from '@ringback/durable';
import { nowUs, recordSpan } from '@ringback/service-kit';
import type { Session } from './domain/model.ts';

/**
 * One committed step as a span of its session's trace: from the moment the batch was begun until PostgreSQL had it. The
 * effects it owes follow as spans of their own.
 */
export function traceStep({ sessionId, state, entry }: Step<Session>, startedUs: number): void {
  recordSpan({
    name: `session ${entry.event}`,
    traceparent: '',
    parent: state.traceparent,
    startUs: startedUs,
    endUs: Number(nowUs()),
    attributes: {
      'call.session_id': sessionId,
      'call.step': entry.event,
      'db.system.name': 'postgresql',
      ...(entry.legId ? { 'call.leg_id': entry.legId } : {}),
    },
  });
}
