import {
  type CallOptions as GrpcCallOptions,
  type ChannelOptions,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { activeTraceparent } from '../telemetry/tracing.ts';
import { GrpcError, type GrpcErrorCode } from './errors.ts';

type Constructor<C> = new (
  address: string,
  creds: ReturnType<typeof credentials.createInsecure>,
  options: ChannelOptions,
) => C;

/** A client whose channel notices a dead peer within seconds and reconnects by itself. */
export function grpcClient<C>(Client: Constructor<C>, address: string): C {
  return new Client(address, credentials.createInsecure(), {
    'grpc.keepalive_time_ms': 5_000,
    'grpc.keepalive_timeout_ms': 3_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.max_receive_message_length': 64 << 20,
    'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  });
}

export interface CallOptions {
  deadlineMs?: number;
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<GrpcCallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/**
 * Calls a unary method: `call(client, client.getBalance, request)`. Carries the active span on.
 * @throws {GrpcError} with the status of the answer; UNAVAILABLE also when the deadline passed.
 */
export function call<Request, Response>(
  client: object,
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: CallOptions = {},
): Promise<Response> {
  const metadata = new Metadata();
  const traceparent = activeTraceparent();
  if (traceparent !== '') metadata.set('traceparent', traceparent);
  const deadline = Date.now() + (options.deadlineMs ?? 5_000);
  return new Promise((resolve, reject) => {
    method.call(client, request, metadata, { deadline }, (error: ServiceError | null, response: Response) =>
      error ? reject(fromServiceError(error)) : resolve(response),
    );
  });
}

type StreamMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<GrpcCallOptions>,
) => ClientReadableStream<Response>;

/**
 * Calls a server-streaming method; messages come as they are read. Leaving the loop early cancels the call.
 * @throws {GrpcError} as `call`; the deadline (default: 10 minutes) is the whole stream's.
 */
export async function* callStream<Request, Response>(
  client: object,
  method: StreamMethod<Request, Response>,
  request: Request,
  options: CallOptions = {},
): AsyncGenerator<Response> {
  const metadata = new Metadata();
  const traceparent = activeTraceparent();
  if (traceparent !== '') metadata.set('traceparent', traceparent);
  const deadline = Date.now() + (options.deadlineMs ?? 600_000);
  const stream = method.call(client, request, metadata, { deadline });
  try {
    for await (const message of stream) yield message as Response;
  } catch (error) {
    throw fromServiceError(error as ServiceError);
  } finally {
    stream.cancel();
  }
}

const KNOWN: ReadonlySet<string> = new Set([
  'INVALID_ARGUMENT',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'FAILED_PRECONDITION',
  'ABORTED',
  'RESOURCE_EXHAUSTED',
]);

export function fromServiceError(error: ServiceError): GrpcError {
  const name = status[error.code] ?? 'INTERNAL';
  const passing = name === 'UNAVAILABLE' || name === 'DEADLINE_EXCEEDED' || name === 'CANCELLED';
  const code = passing ? 'UNAVAILABLE' : KNOWN.has(name) ? (name as GrpcErrorCode) : 'INTERNAL';
  return new GrpcError(code, '', error.details || error.message, { cause: error });
}
