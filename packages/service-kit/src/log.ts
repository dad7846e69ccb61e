import { trace } from '@opentelemetry/api';
import { destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino';
import { activeSession, traceIdOf } from './telemetry/tracing.ts';

export type Logger = Pino;

/** What a line about a session says when no span of it is active: every such line has both. */
export const about = (sessionId: string, traceparent: string): { session_id?: string; trace_id?: string } => ({
  ...(sessionId === '' ? {} : { session_id: sessionId }),
  ...(traceparent === '' ? {} : { trace_id: traceIdOf(traceparent) }),
});

/**
 * JSON lines on standard output, one an event, with the ids of the trace and the session that are worked on. Never give it phone numbers, PINs,
 * digits or message texts: ids only.
 */
export function createLogger(service: string, level = process.env.LOG_LEVEL ?? 'info'): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      messageKey: 'msg',
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const span = trace.getActiveSpan()?.spanContext();
        const session = activeSession();
        return {
          ...(span ? { trace_id: span.traceId, span_id: span.spanId } : {}),
          ...(session === undefined ? {} : { session_id: session }),
        };
      },
    },
    destination({ fd: 1, sync: true }),
  );
}
