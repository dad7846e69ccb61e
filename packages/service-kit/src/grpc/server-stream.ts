import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import type { Logger } from '../log.ts';
import { toGrpcError, toServiceError } from './errors.ts';
import { server as servedBy } from './served.ts';
import { refuseNul } from './server.ts';

/** An async generator as a server-streaming handler: goes on as fast as the client reads, and ends when the client does. */
export function serverStream<Request, Response>(
  log: Logger,
  produce: (request: Request) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  const served = servedBy();
  return (call: ServerWritableStream<Request, Response>) => {
    const method = call.getPath().slice(1);
    // Not `once` of node:events: it would reject when we answer with an error ourselves.
    const event = (name: string) => new Promise<void>((resolve) => call.once(name, resolve));
    const gone = event('cancelled');
    const parent = call.metadata.get('traceparent')[0];
    const traceparent = typeof parent === 'string' ? parent : '';
    served({ method, name: method, traceparent }, async () => {
      refuseNul(call.request);
      for await (const message of produce(call.request)) {
        if (call.cancelled) return;
        if (!call.write(message)) await Promise.race([event('drain'), gone]);
      }
    }).then(
      () => call.end(),
      (error: unknown) => {
        if (toGrpcError(error).code === 'INTERNAL') log.error({ err: error, method }, 'request failed');
        call.emit('error', toServiceError(error));
      },
    );
  };
}
