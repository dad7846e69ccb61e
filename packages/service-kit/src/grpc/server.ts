import { fileURLToPath } from 'node:url';
import {
  type handleUnaryCall,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { Logger } from '../log.ts';
import { GrpcError, toGrpcError, toServiceError } from './errors.ts';
import { ofRequest, server as servedBy } from './served.ts';

const PROTO_ROOT = fileURLToPath(new URL('../../../../proto/', import.meta.url));

export interface GrpcServerOptions {
  /** host:port; port 0 picks a free one. */
  listen: string;
  services: { definition: ServiceDefinition; handlers: UntypedServiceImplementation }[];
  /** Below proto/, for reflection: "ringback/auth/v1/auth.proto". */
  protoFiles: string[];
  log: Logger;
}

export interface GrpcServer {
  port: number;
  /** Health of all services (grpc.health.v1): what a readiness probe sees. */
  setServing(serving: boolean): void;
  /** Takes no new call, waits for those under way (streams are ended after `graceMs`). */
  stop(graceMs?: number): Promise<void>;
}

/** A gRPC server with health, reflection and bounded messages. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const server = new Server({
    'grpc.max_receive_message_length': 64 << 20,
    'grpc.keepalive_time_ms': 20_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.keepalive_permit_without_calls': 1,
  });
  const names = options.services.map(({ definition }) => serviceName(definition));
  for (const { definition, handlers } of options.services) server.addService(definition, handlers);
  const health = new HealthImplementation(Object.fromEntries(['', ...names].map((name) => [name, 'SERVING' as const])));
  health.addToServer(server);
  new ReflectionService(loadSync(options.protoFiles, { includeDirs: [PROTO_ROOT], keepCase: true })).addToServer(
    server,
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.listen, ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  options.log.info({ port, services: names }, 'gRPC listens');
  return {
    port,
    setServing(serving) {
      for (const name of ['', ...names]) health.setStatus(name, serving ? 'SERVING' : 'NOT_SERVING');
    },
    stop: (graceMs = 2_000) =>
      new Promise((resolve) => {
        for (const name of ['', ...names]) health.setStatus(name, 'NOT_SERVING');
        const force = setTimeout(() => server.forceShutdown(), graceMs);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      }),
  };
}

function serviceName(definition: ServiceDefinition): string {
  const [method] = Object.values(definition);
  return method?.path.split('/')[1] ?? '';
}

/** PostgreSQL takes no NUL in a text: refused here, with the field's name. @throws {GrpcError} */
export function refuseNul(value: unknown, field = ''): void {
  if (typeof value === 'string' && value.includes('\u0000')) {
    throw GrpcError.invalidArgument(field, 'has a NUL character');
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const [name, each] of Object.entries(value)) {
    const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    refuseNul(each, Array.isArray(value) ? `${field}[${name}]` : field === '' ? snake : `${field}.${snake}`);
  }
}

/** An async function as a unary handler: runs in a span below the caller's, errors become typed statuses. */
export function unary<Request, Response>(
  log: Logger,
  work: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  const served = servedBy();
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
    const { requestId, traceparent = '' } = call.request as { requestId?: unknown; traceparent?: unknown };
    const parent = call.metadata.get('traceparent')[0] ?? traceparent;
    const method = call.getPath().slice(1);
    const attributes = typeof requestId === 'string' ? ofRequest(requestId) : {};
    served({ method, name: method, traceparent: typeof parent === 'string' ? parent : '', attributes }, async () => {
      refuseNul(call.request);
      return work(call.request, call).catch((error: unknown) => {
        if (toGrpcError(error).code === 'INTERNAL') log.error({ err: error, method }, 'request failed');
        throw error;
      });
    }).then(
      (response) => callback(null, response),
      (error: unknown) => callback(toServiceError(error)),
    );
  };
}

/** `unary` for a record of async functions. */
export function unaryHandlers(
  log: Logger,
  // biome-ignore lint: the shapes are checked where the record is written, against the generated server interface
  handlers: Record<string, (request: any) => Promise<any>>,
): UntypedServiceImplementation {
  return Object.fromEntries(Object.entries(handlers).map(([name, work]) => [name, unary(log, work)]));
}
