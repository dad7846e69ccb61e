import { status } from '@grpc/grpc-js';
import type { AttributeValue, SpanAttributes } from '../telemetry/conventions.ts';
import { histogram } from '../telemetry/instruments.ts';
import { SpanKind, withSpan } from '../telemetry/tracing.ts';
import { toGrpcError } from './errors.ts';

type StatusName = AttributeValue<'rpc.response.status_code'>;

/** gRPC status by which a thrown value is answered: its own code where it carries one. */
export function statusOf(error: unknown): StatusName {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && code in status ? (code as StatusName) : toGrpcError(error).code;
}

export interface Served {
  /** `ringback.auth.v1.AuthService/Identify`. */
  method: string;
  /** Of the span. */
  name: string;
  /** Of the caller; empty: none. */
  traceparent: string;
  attributes?: SpanAttributes;
}

/** `<session id>:<n>`: the id of an effect, by which sessions ask. */
const EFFECT = /^(\d{2}-[0-9a-f-]{36}):\d+$/;

/** The session that a question belongs to, by its request id; empty: it was asked by somebody else. */
export const sessionOfRequest = (requestId: string): string => EFFECT.exec(requestId)?.[1] ?? '';

/** What a question's span and log lines say of whom it belongs to. */
export function ofRequest(requestId: string): SpanAttributes {
  const session = sessionOfRequest(requestId);
  return session === '' ? {} : { 'call.session_id': session };
}

/**
 * Serves requests, alone or in batches: each in a SERVER span below its caller's, and counted with its duration and
 * status. Made when the service starts.
 */
export function server(): <T>(served: Served, work: () => Promise<T>) => Promise<T> {
  const duration = histogram('rpc.server.call.duration');
  return async ({ method, name, traceparent, attributes }, work) => {
    const started = performance.now();
    let answered: StatusName = 'OK';
    try {
      return await withSpan(
        name,
        traceparent,
        { 'rpc.system.name': 'grpc', 'rpc.method': method, ...attributes },
        async () => work(),
        SpanKind.SERVER,
      );
    } catch (error) {
      answered = statusOf(error);
      throw error;
    } finally {
      duration.record((performance.now() - started) / 1000, {
        'rpc.system.name': 'grpc',
        'rpc.method': method,
        'rpc.response.status_code': answered,
      });
    }
  };
}
