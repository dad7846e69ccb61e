import type { EslEvent } from '@ringback/esl';
import { q850Of } from '../core/causes.ts';
import { END_CODE_SUBCLASS } from '../core/dial.ts';
import type { EndData, SwitchFact } from '../core/facts.ts';
import { readOffer } from '../core/offered.ts';

/** The events the agent needs, and no more: half of all there are would be states nobody reads. */
export const EVENTS = [
  'CHANNEL_OUTGOING',
  'CHANNEL_CREATE',
  'CHANNEL_PROGRESS',
  'CHANNEL_PROGRESS_MEDIA',
  'CHANNEL_ANSWER',
  'CHANNEL_PARK',
  'CHANNEL_HANGUP_COMPLETE',
  'CHANNEL_EXECUTE_COMPLETE',
  'DTMF',
  'ADD_SCHEDULE',
  'DEL_SCHEDULE',
  'HEARTBEAT',
  END_CODE_SUBCLASS,
] as const;

const HANGUP_TASK = 'switch_ivr_schedule_hangup';

/** Reads a header or a variable; empty when there is none. */
export type Reader = (name: string) => string;

const micros = (text: string): number => (/^\d{1,17}$/.test(text) ? Number(text) : 0);

/** One event in the words of the core; undefined when it says nothing that matters. `held` corrects a jumping clock. */
export function toFact(event: EslEvent, held: (us: number) => number): SwitchFact | undefined {
  const read: Reader = (name) => event.get(name);
  const legId = event.channel;
  const atUs = held(micros(read('Event-Date-Timestamp')));
  switch (event.name) {
    case 'CHANNEL_OUTGOING':
    case 'CHANNEL_CREATE':
      return {
        is: 'created',
        legId,
        atUs: held(micros(read('Caller-Channel-Created-Time'))) || atUs,
        core: read('Core-UUID'),
      };
    case 'CHANNEL_PROGRESS':
      return { is: 'progress', legId, atUs, earlyMedia: false };
    case 'CHANNEL_PROGRESS_MEDIA':
      return { is: 'progress', legId, atUs, earlyMedia: true };
    case 'CHANNEL_ANSWER':
      return {
        is: 'answered',
        legId,
        atUs: micros(read('Caller-Channel-Answered-Time')) ? answeredAt(read, held) : atUs,
        // FreeSWITCH falls back to INFO where the far end offers no telephone-event (recording x13).
        ...(read('variable_dtmf_type') === 'info' ? { tones: true } : {}),
      };
    case 'CHANNEL_PARK':
      return { is: 'parked', legId, atUs, offer: offerOf(read, held) };
    case 'CHANNEL_HANGUP_COMPLETE':
      return { is: 'ended', legId, atUs, end: endOf(read, held) };
    case 'CHANNEL_EXECUTE_COMPLETE':
      return executed(read, legId, atUs, held);
    case 'DTMF':
      return { is: 'digit', legId, atUs, digit: read('DTMF-Digit'), source: read('DTMF-Source') || 'RTP' };
    case 'CUSTOM':
      return event.subclass === END_CODE_SUBCLASS ? { is: 'end_code', legId, atUs } : undefined;
    case 'ADD_SCHEDULE':
      if (read('Task-Desc') !== HANGUP_TASK) return undefined;
      return {
        is: 'task_added',
        legId: read('Task-Group'),
        atUs,
        taskId: read('Task-ID'),
        runtime: Number(read('Task-Runtime')),
      };
    case 'DEL_SCHEDULE':
      if (read('Task-Desc') !== HANGUP_TASK) return undefined;
      return { is: 'task_gone', legId: read('Task-Group'), atUs, taskId: read('Task-ID') };
    default:
      return undefined;
  }
}

const answeredAt = (read: Reader, held: (us: number) => number): number =>
  held(micros(read('Caller-Channel-Answered-Time')));

/** An application that was executed by sendmsg carries the command's id. */
function executed(
  read: Reader,
  legId: string,
  atUs: number,
  held: (us: number) => number,
): Extract<SwitchFact, { is: 'executed' }> | undefined {
  const app = read('Application');
  if (app !== 'playback' && app !== 'bridge') return undefined;
  return {
    is: 'executed',
    legId,
    atUs,
    app,
    commandId: read('Application-UUID'),
    played: read('Application-Response') === 'FILE PLAYED',
    alive: read('Answer-State') !== 'hangup' && !/^CS_(HANGUP|REPORTING|DESTROY)$/.test(read('Channel-State')),
    end: bridgeEnd(read, atUs, held),
  };
}

/** What A's variables say of a B that never had a channel. */
function bridgeEnd(read: Reader, atUs: number, _held: (us: number) => number): EndData {
  const disposition = read('variable_originate_disposition');
  const cause =
    disposition !== '' && disposition !== 'SUCCESS'
      ? disposition
      : read('variable_last_bridge_hangup_cause') || 'NORMAL_CLEARING';
  return {
    cause,
    q850: q850Of(cause),
    sipStatus: Number(read('variable_sip_invite_failure_status')) || 0,
    disposition: '',
    createdUs: 0,
    progressUs: 0,
    answeredUs: 0,
    endedUs: atUs,
  };
}

/** Of CHANNEL_HANGUP_COMPLETE, whose headers a CDR file's variables and times can stand in for. */
export function endOf(read: Reader, held: (us: number) => number): EndData {
  const cause = read('Hangup-Cause') || read('variable_hangup_cause') || 'NORMAL_UNSPECIFIED';
  const disposition = read('variable_sip_hangup_disposition');
  const time = (name: string, variable: string): number => {
    const us = micros(read(`Caller-Channel-${name}-Time`)) || micros(read(`variable_${variable}_uepoch`));
    return us === 0 ? 0 : held(us);
  };
  const status = Number(read('variable_sip_term_status') || read('variable_sip_invite_failure_status')) || 0;
  return {
    cause,
    q850: Number(read('variable_hangup_cause_q850')) || q850Of(cause),
    // A CANCEL's 487 and a BYE's 200 did not end the attempt; they answered its end.
    sipStatus: /_(cancel|bye)$/.test(disposition) || status < 300 ? 0 : status,
    disposition,
    createdUs: time('Created', 'start'),
    progressUs: time('Progress', 'progress') || time('Progress-Media', 'progress_media'),
    answeredUs: time('Answered', 'answer'),
    endedUs: time('Hangup', 'end'),
  };
}

/** A call that came in, rings, and carries the edge's headers. */
export function offerOf(
  read: Reader,
  held: (us: number) => number = (us) => us,
): Extract<SwitchFact, { is: 'parked' }>['offer'] {
  if (read('Call-Direction') !== 'inbound' && read('variable_direction') !== 'inbound') return undefined;
  const trigger = readOffer((name) => read(`variable_sip_h_${name}`));
  if (trigger.accessNumber === '') return undefined;
  const traceparent = read('variable_sip_h_X-Traceparent');
  const [, seconds = '', fraction = ''] = RECEIVED.exec(read('variable_sip_h_X-Ringback-Received')) ?? [];
  return {
    trigger,
    traceparent: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/.test(traceparent) ? traceparent : '',
    createdUs: held(micros(read('Caller-Channel-Created-Time')) || micros(read('variable_start_uepoch'))),
    ...(seconds === '' ? {} : { receivedUs: micros(seconds + fraction) }),
  };
}

/** Epoch seconds with microseconds. */
const RECEIVED = /^(\d{10})\.(\d{6})$/;
