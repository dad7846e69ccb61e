import { trace } from '@opentelemetry/api';
import { destination, type Logger as Pino, pino, stdTimeFunctions } from 'pino';

export type Logger = Pino;

/**
 * JSON lines on standard output, one an event, with the trace id of the active span. Never give it phone numbers, PINs,
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
        return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
      },
    },
    destination({ fd: 1, sync: true }),
  );
}
