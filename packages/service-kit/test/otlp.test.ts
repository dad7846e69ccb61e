import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Server, ServerCredentials, type UntypedHandleCall } from '@grpc/grpc-js';
import { counter, startTelemetry, withSpan } from '@ringback/service-kit';

/** A collector that takes everything: messages as they came over the wire (OTLP/gRPC), by signal. */
const received: Record<'trace' | 'metrics', Buffer[]> = { trace: [], metrics: [] };
let arrived: () => void = () => undefined;
const collector = new Server();

function take(signal: 'trace' | 'metrics', service: string): void {
  const bytes = (value: Buffer): Buffer => value;
  const handler: UntypedHandleCall = (
    call: { request: Buffer },
    callback: (error: null, value: Buffer) => void,
  ): void => {
    received[signal].push(call.request);
    callback(null, Buffer.alloc(0));
    arrived();
  };
  collector.addService(
    {
      export: {
        path: `/opentelemetry.proto.collector.${signal}.v1.${service}/Export`,
        requestStream: false,
        responseStream: false,
        requestSerialize: bytes,
        requestDeserialize: bytes,
        responseSerialize: bytes,
        responseDeserialize: bytes,
      },
    },
    { export: handler },
  );
}

let endpoint = '';
before(async () => {
  take('trace', 'TraceService');
  take('metrics', 'MetricsService');
  const port = await new Promise<number>((resolve, reject) =>
    collector.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  endpoint = `http://127.0.0.1:${port}`;
});
after(() => collector.forceShutdown());

test('with an endpoint, spans and metrics go out over OTLP, with service and region', async () => {
  const telemetry = startTelemetry({ service: 'exporting', otlpEndpoint: endpoint, region: 'eu-1' });
  counter('ringback.dialer.parked_events').add(3);
  await withSpan('sip INVITE a', '', { 'call.leg_role': 'a' }, () => undefined);
  const both = new Promise<void>((resolve) => {
    arrived = () => received.trace.length > 0 && received.metrics.length > 0 && resolve();
  });
  await telemetry.shutdown();
  await both;
  const [trace, metrics] = [Buffer.concat(received.trace), Buffer.concat(received.metrics)];
  for (const words of ['sip INVITE a', 'call.leg_role', 'exporting', 'eu-1']) assert.ok(trace.includes(words), words);
  for (const words of ['ringback.dialer.parked_events', 'exporting', 'eu-1']) assert.ok(metrics.includes(words), words);
});
