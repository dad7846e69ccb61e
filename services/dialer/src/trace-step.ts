import type { Step } from '@ringback/durable';
import { spanContext, tracer } from '@ringback/service-kit';
import type { Session } from './domain/model.ts';

/**
 * One committed step as a span of its session's trace: from the moment the batch was begun until PostgreSQL had it. The
 * effects it owes follow as spans of their own.
 */
export function traceStep({ sessionId, state, entry }: Step<Session>, startedUs: number): void {
  const span = tracer.startSpan(
    `session ${entry.event}`,
    {
      // Milliseconds, as the API takes numbers.
      startTime: startedUs / 1000,
      attributes: {
        'call.session_id': sessionId,
        'call.phase.from': entry.from,
        'call.phase.to': entry.to,
        'db.system': 'postgresql',
        ...(entry.legId ? { 'call.leg_id': entry.legId } : {}),
      },
    },
    spanContext(state.traceparent),
  );
  span.end();
}
