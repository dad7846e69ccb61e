import { trace } from '@opentelemetry/api';
import { destination, type Logger as Pino, pino, stdSerializers, stdTimeFunctions } from 'pino';
import { activeSession, traceIdOf } from './telemetry/tracing.ts';

export type Logger = Pino;

/** What a line about a session says when no span of it is active: every such line has both. */
export const about = (sessionId: string, traceparent: string): { session_id?: string; trace_id?: string } => ({
  ...(sessionId === '' ? {} : { session_id: sessionId }),
  ...(traceparent === '' ? {} : { trace_id: traceIdOf(traceparent) }),
});

/** Telephone numbers have at least seven digits (E.164); ports of addresses, which help, at most five. */
const NUMBERS = /\d{6,}/g;
const masked = (text: string): string => text.replace(NUMBERS, '…');

/**
 * An error, as it may be logged. PostgreSQL quotes what it refuses (in `detail`, `where`, and the message of a bad
 * value), and that may be somebody's number: of its fields only those that name things of ours are kept.
 */
export function loggable(error: unknown): unknown {
  if (typeof error === 'string') return masked(error);
  if (!(error instanceof Error)) return error;
  const { type, message, stack } = stdSerializers.err(error);
  const { code, table, column, constraint, routine } = error as Error & Record<string, unknown>;
  return { type, message: masked(message), stack: masked(stack), code, table, column, constraint, routine };
}

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
      serializers: { err: loggable },
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
