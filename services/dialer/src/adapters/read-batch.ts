import { sw } from '@ringback/contracts';
import type { Sourced } from '@ringback/durable';
import type { Box } from '@ringback/sealing';
import type { SessionEvent } from '../domain/events.ts';

/** Answers that come late in the nature of things: to a session that is closed they mean nothing. */
const MAY_BE_LATE = new Set(['commandFailed', 'legState', 'cutoffSet', 'parked', 'collected', 'endCode']);

/** Names that agents give themselves and their journals; they become keys in the database. */
const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** One JetStream message as the loop's events (`box`: they are sealed); what cannot be read comes back as poison, to be parked. */
export function readBatch(
  subject: string,
  data: Uint8Array,
  streamSeq: number,
  stream: string,
  box?: Box,
  /** Of the message's headers: the span it was published in. */
  publishedIn = '',
): Sourced<SessionEvent>[] {
  const [, shardText = ''] = subject.split('.');
  const shard = Number(shardText);
  const poison = (reason: string, source: string, seq: number, last: boolean): Sourced<SessionEvent> => ({
    shard,
    streamSeq,
    last,
    stream,
    source,
    seq,
    address: { sessionId: '' },
    kind: 'poison',
    opens: false,
    event: { type: 'end_requested', by: 'operator' },
    poison: reason,
  });
  let batch: sw.EventBatch;
  try {
    batch = sw.EventBatch.decode(box ? box.open(data, subject) : data);
  } catch (error) {
    return [poison(`not an EventBatch: ${(error as Error).message}`, subject, 0, true)];
  }
  const { source, run, events } = batch;
  if (events.length === 0 || batch.shard !== shard || !NAME.test(source) || !NAME.test(run)) {
    return [poison('an EventBatch without events, proper source or run, or for another shard', subject, 0, true)];
  }
  return events.map((event, index) => {
    const last = index === events.length - 1;
    const seq = Number(event.seq);
    const from = `${source}/${run}`;
    if (!(seq > 0)) return poison('an event without a number', from, 0, last);
    const read = readEvent(event, source, publishedIn || undefined);
    if (typeof read === 'string') return poison(read, from, seq, last);
    return { shard, streamSeq, last, stream, source: from, seq, kind: event.body!.$case, ...read };
  });
}

function readEvent(
  { body, legId, sessionId, atUs, commandId, traceparent }: sw.Event,
  switchId: string,
  publishedIn: string | undefined,
): Pick<Sourced<SessionEvent>, 'address' | 'event' | 'opens' | 'mayBeLate'> | string {
  if (legId === '') return 'an event without a leg';
  if (!body) return 'an event of a kind that is not known';
  switch (body.$case) {
    case 'switchLost':
    case 'triggerAgain':
      return `an event of a kind that is not used: ${body.$case}`;
    case 'offered': {
      const offered = body.value;
      if (offered.accessNumber === '') return 'a call that was offered without an access number';
      return {
        address: { key: offered.callerE164 || legId },
        opens: true,
        event: { type: 'offered', legId, switchId, atUs: Number(atUs), traceparent, offered, publishedIn },
      };
    }
    default:
      return {
        // A trigger leg's session is found by the leg while the switch does not know of it.
        address: sessionId === '' ? { key: legId } : { sessionId },
        opens: false,
        mayBeLate: MAY_BE_LATE.has(body.$case),
        event: { type: 'leg', legId, switchId, atUs: Number(atUs), commandId, traceparent, publishedIn, body },
      };
  }
}
