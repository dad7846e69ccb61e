import { SpanKind, SpanStatusCode } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/** A finished span as it is told on `span.<trace id>` (JSON lists, newest last). */
export interface FinishedSpan {
  traceId: string;
  spanId: string;
  parentSpanId: string | undefined;
  name: string;
  service: string;
  kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  startUs: number;
  endUs: number;
  attributes: Readonly<Record<string, unknown>>;
  /** What happened within, in order; left out where nothing did. */
  events?: { name: string; atUs: number }[];
  /** Class of the error with which it failed. */
  error: string | undefined;
}

export type SpanSink = (traceId: string, spans: FinishedSpan[]) => Promise<void>;

const KINDS: Record<SpanKind, FinishedSpan['kind']> = {
  [SpanKind.INTERNAL]: 'internal',
  [SpanKind.SERVER]: 'server',
  [SpanKind.CLIENT]: 'client',
  [SpanKind.PRODUCER]: 'producer',
  [SpanKind.CONSUMER]: 'consumer',
};

const toUs = ([seconds, nanos]: readonly [number, number]): number => seconds * 1_000_000 + Math.round(nanos / 1000);

/** Hands finished spans, grouped by trace, to a sink that may be set later (the NATS connection). */
export class SinkExporter implements SpanExporter {
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
    const events = span.events.map(({ name, time }) => ({ name, atUs: toUs(time) }));
    return {
      traceId,
      spanId,
      parentSpanId: span.parentSpanContext?.spanId,
      name: span.name,
      service: this.#service,
      kind: KINDS[span.kind],
      startUs: toUs(span.startTime),
      endUs: toUs(span.endTime),
      attributes: span.attributes,
      ...(events.length > 0 ? { events } : {}),
      error: span.status.code === SpanStatusCode.ERROR ? (span.status.message ?? 'error') : undefined,
    };
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
