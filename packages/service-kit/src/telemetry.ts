import {
  type Attributes,
  context,
  metrics,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { type ExportResult, ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter, TracerProvider } from '@opentelemetry/sdk-trace';
import type { IncomingMessage, ServerResponse } from 'node:http';

export type { Span };

const propagator = new W3CTraceContextPropagator();
const carrier = {
  get: (from: { traceparent?: string }, key: string) => (key === 'traceparent' ? from.traceparent : undefined),
  keys: () => ['traceparent'],
};

export const tracer = trace.getTracer('ringback');
/**
 * Unlike tracers, meters of the OpenTelemetry API do not wait for their provider: what is made with this one before
 * `startTelemetry` counts nothing. Make instruments when the service starts, not when a module is loaded.
 */
export let meter = metrics.getMeter('ringback');

/** A finished span as it is told on `span.<trace id>` (JSON lines, newest last). */
export interface FinishedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  service: string;
  startUs: number;
  endUs: number;
  attributes: Attributes;
  error: string | undefined;
}

export type SpanSink = (traceId: string, spans: FinishedSpan[]) => Promise<void>;

const toUs = ([seconds, nanos]: readonly [number, number]): number => seconds * 1_000_000 + Math.round(nanos / 1000);

/** Hands finished spans, grouped by trace, to a sink that may be set later (the NATS connection). */
class SinkExporter implements SpanExporter {
  readonly #service: string;
  sink: SpanSink | undefined;

  constructor(service: string) {
    this.#service = service;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const { sink } = this;
    if (!sink) return done({ code: ExportResultCode.SUCCESS });
    const byTrace = Map.groupBy(spans, (span) => span.spanContext().traceId);
    const sending = [...byTrace].map(([traceId, group]) =>
      sink(
        traceId,
        group.map((span) => this.#finished(span)),
      ),
    );
    Promise.all(sending).then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error: Error) => done({ code: ExportResultCode.FAILED, error }),
    );
  }

  #finished(span: ReadableSpan): FinishedSpan {
    const { traceId, spanId } = span.spanContext();
    return {
      traceId,
      spanId,
      parentSpanId: span.parentSpanContext?.spanId,
      name: span.name,
      service: this.#service,
      startUs: toUs(span.startTime),
      endUs: toUs(span.endTime),
      attributes: span.attributes,
      error: span.status.code === SpanStatusCode.ERROR ? (span.status.message ?? 'error') : undefined,
    };
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

export interface Telemetry {
  /** Where finished spans are told besides OTLP. */
  setSpanSink(sink: SpanSink): void;
  /** Answers `GET /metrics`. */
  serveMetrics(request: IncomingMessage, response: ServerResponse): void;
  shutdown(): Promise<void>;
}

/**
 * Traces and metrics of this process. Export over OTLP/gRPC is on when `OTEL_EXPORTER_OTLP_ENDPOINT` is set; metrics can
 * always be scraped.
 */
export function startTelemetry(service: string, otlpEndpoint: string | undefined): Telemetry {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(propagator);
  const resource = resourceFromAttributes({ 'service.name': service, 'service.namespace': 'ringback' });
  const exporter = new SinkExporter(service);
  const processors = [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 500 })];
  const prometheus = new PrometheusExporter({ preventServerStart: true });
  const readers: (PrometheusExporter | PeriodicExportingMetricReader)[] = [prometheus];
  if (otlpEndpoint) {
    processors.push(new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url: otlpEndpoint }) }));
    readers.push(new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter({ url: otlpEndpoint }) }));
  }
  const tracers = new TracerProvider({ resource, spanProcessors: processors });
  const meters = new MeterProvider({ resource, readers });
  trace.setGlobalTracerProvider(tracers);
  metrics.setGlobalMeterProvider(meters);
  meter = metrics.getMeter('ringback');
  return {
    setSpanSink(sink) {
      exporter.sink = sink;
    },
    serveMetrics: (request, response) => prometheus.getMetricsRequestHandler(request, response),
    async shutdown() {
      await tracers.shutdown();
      await meters.shutdown();
    },
  };
}

/** Context in which a W3C traceparent is the parent; the root context when it is empty or malformed. */
export function spanContext(traceparent: string) {
  return traceparent === '' ? ROOT_CONTEXT : propagator.extract(ROOT_CONTEXT, { traceparent }, carrier);
}

/** Traceparent of a span, for messages that carry the trace on. */
export function traceparentOf(span: { spanContext(): SpanContext }): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}

/** Trace id within a traceparent, or empty. */
export function traceIdOf(traceparent: string): string {
  return /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent)?.[1] ?? '';
}

/**
 * Runs `work` in a span below `traceparent` (or below the active span when that is undefined). A throw marks the span
 * as failed and goes on.
 */
export async function withSpan<T>(
  name: string,
  traceparent: string | undefined,
  attributes: Attributes,
  work: (span: Span) => Promise<T> | T,
  kind: SpanKind = SpanKind.INTERNAL,
): Promise<T> {
  const parent = traceparent === undefined ? context.active() : spanContext(traceparent);
  return tracer.startActiveSpan(name, { attributes, kind }, parent, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}
