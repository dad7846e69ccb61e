import { randomUUID } from 'node:crypto';
import {
  type Attributes,
  type Context,
  context,
  createContextKey,
  ROOT_CONTEXT,
  type Span as OtelSpan,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { RandomIdGenerator } from '@opentelemetry/sdk-trace';
import { type AttributeName, type AttributeValue, errorType, type SpanAttributes } from './conventions.ts';

export { SpanKind };

/** A span that takes attributes of the conventions only. */
export interface Span {
  spanContext(): SpanContext;
  setAttribute<A extends AttributeName>(name: A, value: AttributeValue<A>): unknown;
}

const tracer = trace.getTracer('ringback');
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const SESSION = createContextKey('ringback session id');
const random = new RandomIdGenerator();

/** Random ids, but for a span whose ids were given away before it began to be recorded. */
export const spanIds = {
  next: undefined as { traceId: string; spanId: string } | undefined,
  generateTraceId: (): string => spanIds.next?.traceId ?? random.generateTraceId(),
  generateSpanId: (): string => spanIds.next?.spanId ?? random.generateSpanId(),
};

interface Parsed {
  traceId: string;
  spanId: string;
  traceFlags: number;
}

function parse(traceparent: string): Parsed | undefined {
  const [, version, traceId = '', spanId = '', flags = '00'] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1 };
}

/** Context in which a W3C traceparent is the parent; the root context when it is empty or malformed. */
export function spanContext(traceparent: string): Context {
  const parsed = parse(traceparent);
  return parsed ? trace.setSpanContext(ROOT_CONTEXT, { ...parsed, isRemote: true }) : ROOT_CONTEXT;
}

/** Traceparent of a span, for messages that carry the trace on. */
export function traceparentOf(span: { spanContext(): SpanContext }): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}

/** Traceparent of the span that is active, or empty. */
export function activeTraceparent(): string {
  const span = trace.getActiveSpan();
  return span ? traceparentOf(span) : '';
}

/** Trace id within a traceparent, or empty. */
export const traceIdOf = (traceparent: string): string => parse(traceparent)?.traceId ?? '';

/** Span id within a traceparent, or empty. */
export const spanIdOf = (traceparent: string): string => parse(traceparent)?.spanId ?? '';

const hex = (uuid: string): string => uuid.replaceAll('-', '');

/**
 * Traceparent of a span to come, below `traceparent`; of a new trace where that is none. Ids are made of `newId`'s UUIDs
 * (version 4: their ends are random). With `sampled` false nothing of what is below is recorded, by anybody.
 */
export function childOf(traceparent: string, newId: () => string = randomUUID, sampled = true): string {
  const { traceId, traceFlags } = parse(traceparent) ?? { traceId: hex(newId()), traceFlags: 1 };
  return `00-${traceId}-${hex(newId()).slice(-16)}-0${sampled ? traceFlags : 0}`;
}

/** Whether what is below this traceparent is recorded. */
export const isSampled = (traceparent: string): boolean => parse(traceparent)?.traceFlags === 1;

/** The session that work under way belongs to: its id is on every log line. */
export const activeSession = (): string | undefined => context.active().getValue(SESSION) as string | undefined;

/** Runs `work` as a part of a session (its id may be empty) below a traceparent, with no span of its own. */
export function inSession<T>(sessionId: string, traceparent: string, work: () => T): T {
  const parent = spanContext(traceparent);
  return context.with(sessionId === '' ? parent : parent.setValue(SESSION, sessionId), work);
}

/**
 * Runs `work` in a span below `traceparent` (or below the active span when that is undefined). A throw marks the span
 * as failed, by its class alone, and goes on.
 */
export async function withSpan<T>(
  name: string,
  traceparent: string | undefined,
  attributes: SpanAttributes,
  work: (span: Span) => Promise<T> | T,
  kind: SpanKind = SpanKind.INTERNAL,
): Promise<T> {
  let parent = traceparent === undefined ? context.active() : spanContext(traceparent);
  const session = attributes['call.session_id'] ?? activeSession();
  if (session !== undefined && session !== '') parent = parent.setValue(SESSION, session);
  const span = tracer.startSpan(name, { attributes: attributes as Attributes, kind }, parent);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work(span as Span);
    } catch (error) {
      markFailed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

function markFailed(span: OtelSpan, error: unknown): void {
  const type = errorType(error);
  span.setAttribute('error.type', type);
  span.setStatus({ code: SpanStatusCode.ERROR, message: type });
}

/** Whether work under way belongs to a trace that is recorded. */
export const isTraced = (): boolean => ((trace.getActiveSpan()?.spanContext().traceFlags ?? 0) & 1) === 1;

export interface RecordedSpan {
  name: string;
  /** The span's own; '' makes a new one. */
  traceparent: string;
  /** Traceparent of its parent (of the same trace), or empty: the root of its trace. */
  parent: string;
  startUs: number;
  endUs: number;
  attributes: SpanAttributes;
  kind?: SpanKind;
  /** What happened within, in order. */
  events?: readonly { name: string; atUs: number }[];
  /** It failed: class of the error. */
  failed?: string;
}

/**
 * Tells a span that is over, with the id it was promised to have: its children may have been told long ago, by other
 * processes. Costs no asynchronous context.
 */
export function recordSpan(over: RecordedSpan): void {
  const own = parse(over.traceparent);
  if (own?.traceFlags === 0) return;
  spanIds.next = own;
  const span = tracer.startSpan(
    over.name,
    // Milliseconds, as the API takes numbers.
    { startTime: over.startUs / 1000, attributes: over.attributes as Attributes, kind: over.kind },
    spanContext(over.parent),
  );
  spanIds.next = undefined;
  for (const { name, atUs } of over.events ?? []) span.addEvent(name, {}, atUs / 1000);
  if (over.failed !== undefined) {
    span.setAttribute('error.type', over.failed);
    span.setStatus({ code: SpanStatusCode.ERROR, message: over.failed });
  }
  span.end(Math.max(over.startUs, over.endUs) / 1000);
}
