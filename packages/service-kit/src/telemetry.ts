import type { ServerResponse } from 'node:http';
import { context, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, type MetricReader, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { PrometheusPage } from './telemetry/prometheus.ts';
import { SinkExporter, type SpanSink } from './telemetry/span-sink.ts';
import { spanIds } from './telemetry/tracing.ts';

export interface Telemetry {
  /** Where finished spans are told besides OTLP. */
  setSpanSink(sink: SpanSink): void;
  /** Answers `GET /metrics`. */
  serveMetrics(response: ServerResponse): Promise<void>;
  /** Tells what is finished, now. */
  flush(): Promise<void>;
  shutdown(): Promise<void>;
}

export interface TelemetryOptions {
  service: string;
  /** OTLP/gRPC endpoint; undefined: no export. Metrics can always be scraped. */
  otlpEndpoint: string | undefined;
  /** Where this process runs; a label of every metric. Empty: none. */
  region: string;
}

/** Finished spans are told so often. What waits is bounded: beyond it, spans are lost, never calls. */
const TELL_MS = 500;
const MOST_WAITING = 8_192;

/** Traces and metrics of this process. */
export function startTelemetry({ service, otlpEndpoint, region }: TelemetryOptions): Telemetry {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const resource = resourceFromAttributes({
    'service.name': service,
    'service.namespace': 'ringback',
    ...(region === '' ? {} : { 'cloud.region': region }),
  });
  const exporter = new SinkExporter(service);
  const processors = [new BatchSpanProcessor({ exporter, scheduledDelayMillis: TELL_MS, maxQueueSize: MOST_WAITING })];
  const page = new PrometheusPage();
  const readers: MetricReader[] = [page.reader];
  if (otlpEndpoint) {
    processors.push(
      new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: otlpEndpoint }), maxQueueSize: MOST_WAITING }),
    );
    readers.push(new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter({ url: otlpEndpoint }) }));
  }
  const tracers = new TracerProvider({ resource, spanProcessors: processors, idGenerator: spanIds });
  const meters = new MeterProvider({ resource, readers });
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  return {
    setSpanSink(sink) {
      exporter.sink = sink;
    },
    serveMetrics: (response) => page.serve(response),
    flush: () => tracers.forceFlush(),
    async shutdown() {
      await tracers.shutdown();
      await meters.shutdown();
    },
  };
}
