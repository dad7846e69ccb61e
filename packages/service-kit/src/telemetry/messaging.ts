import { context, propagation } from '@opentelemetry/api';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import type { AttributeValue, SpanAttributes } from './conventions.ts';
import { histogram } from './instruments.ts';
import { type Span, SpanKind, traceIdOf, withSpan } from './tracing.ts';

/** The carrier of W3C trace context: headers of a NATS message. */
const carrier = {
  set: (into: MsgHdrs, key: string, value: string) => into.set(key, value),
};

type Template = AttributeValue<'messaging.destination.template'>;

const ABOUT: SpanAttributes = { 'messaging.system': 'nats' };

export interface Sending {
  /** Of the span, where `<operation> <template>` says too little. */
  name?: string;
  subject: string;
  template: Template;
  /** `request`: an answer is waited for. */
  operation: 'publish' | 'request';
  /** The span it is sent in is below this. */
  traceparent: string;
  attributes?: SpanAttributes;
}

/** Sends a message in a PRODUCER span of its own, whose context travels in the message's headers. */
export function sending<T>(
  { name, subject, template, operation, traceparent, attributes }: Sending,
  send: (headers: MsgHdrs, span: Span) => Promise<T>,
): Promise<T> {
  return withSpan(
    name ?? `${operation} ${template}`,
    traceparent,
    {
      ...ABOUT,
      'messaging.operation.name': operation,
      'messaging.operation.type': 'send',
      'messaging.destination.name': subject,
      'messaging.destination.template': template,
      ...attributes,
    },
    (span) => {
      const carried = headers();
      propagation.inject(context.active(), carried, carrier);
      return send(carried, span);
    },
    SpanKind.PRODUCER,
  );
}

/** Traceparent that a message carries in its headers; empty: none that is one. */
export function traceOf({ headers: carried }: { headers?: MsgHdrs }): string {
  const traceparent = carried?.get('traceparent') ?? '';
  return traceIdOf(traceparent) === '' ? '' : traceparent;
}

export interface Processing {
  subject: string;
  template: Template;
  /** Of the message, or what it names as its cause. */
  traceparent: string;
  attributes?: SpanAttributes;
}

/** Takes a message in a CONSUMER span below its sender's. */
export function processing<T>(
  { subject, template, traceparent, attributes }: Processing,
  work: (span: Span) => Promise<T>,
): Promise<T> {
  return withSpan(
    `process ${template}`,
    traceparent,
    {
      ...ABOUT,
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': subject,
      'messaging.destination.template': template,
      ...attributes,
    },
    work,
    SpanKind.CONSUMER,
  );
}

/** Duration of commands taken, by kind and answer; begun here, told when the answer is known. */
export function processTimer(template: Template) {
  const duration = histogram('messaging.process.duration');
  return () => {
    const started = performance.now();
    return (command: AttributeValue<'call.command'>, status: AttributeValue<'call.command_status'>): void =>
      duration.record((performance.now() - started) / 1000, {
        'messaging.system': 'nats',
        'messaging.destination.template': template,
        'call.command': command,
        'call.command_status': status,
      });
  };
}
