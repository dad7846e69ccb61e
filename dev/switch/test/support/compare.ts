import { type EslEvent, eventHeader } from './esl-client.ts';
import { header, type RecordedItem, type Recording, uniqueId } from './recording.ts';
import type { Replayed } from './replay.ts';

/** Headers a consumer builds on: each must be as recorded, present or absent. */
const KEY_HEADERS = [
  ...'Channel-State Channel-Call-State Original-Channel-Call-State Answer-State Hangup-Cause Call-Direction Channel-Name Channel-HIT-Dialplan'.split(
    ' ',
  ),
  ...'Channel-Call-UUID Caller-Direction Caller-Username Caller-Dialplan Caller-Caller-ID-Name Caller-Caller-ID-Number'.split(
    ' ',
  ),
  ...'Caller-Orig-Caller-ID-Number Caller-Callee-ID-Name Caller-Callee-ID-Number Caller-ANI Caller-Destination-Number Caller-Context'.split(
    ' ',
  ),
  ...'Caller-Network-Addr Caller-Source Other-Type Other-Leg-Unique-ID Bridge-A-Unique-ID Bridge-B-Unique-ID Application'.split(
    ' ',
  ),
  ...'Application-Data Application-Response Playback-File-Path Playback-File-Type Playback-Status DTMF-Digit DTMF-Source'.split(
    ' ',
  ),
  ...'Event-Subclass seq Task-Desc Task-Group Job-Command SIP-Content-Type call-command execute-app-name Channel-Read-Codec-Name'.split(
    ' ',
  ),
];
const KEY_VARIABLES = (
  'hangup_cause hangup_cause_q850 sip_hangup_disposition sip_term_status sip_term_cause sip_invite_failure_status ' +
  'sip_invite_failure_phrase proto_specific_hangup_cause originate_disposition DIALSTATUS last_bridge_hangup_cause ' +
  'bridge_hangup_cause last_bridge_proto_specific_hangup_cause endpoint_disposition originate_failed_cause ' +
  'playback_terminator_used last_matching_digits last_non_matching_digits digits_dialed current_application ' +
  'current_application_data current_application_response direction sip_from_user sip_from_host sip_to_user sip_req_user ' +
  'sip_network_ip pagd pagd_invalid read_result read_terminator_used hangup_after_bridge park_after_bridge signal_bond ' +
  'bridge_uuid last_bridge_to bridge_to last_app last_arg caller_id my_var read_codec dtmf_type uuid originator'
)
  .split(' ')
  .map((name) => `variable_${name}`);
/** Times: whether they are set. */
const KEY_TIMES = ['Answered', 'Progress', 'Progress-Media', 'Hangup', 'Bridged'].map(
  (name) => `Caller-Channel-${name}-Time`,
);

/** Not part of what is compared: the recordings' list of left-out events, what tells of the machine, the event
 * without a name that a digit machine emits, PRIVATE_COMMAND, which comes or not as a message meets the park loop, and CODEC (L16 put on and taken off for every ring tone). */
const LEFT_OUT = new Set([
  'HEARTBEAT',
  'RE_SCHEDULE',
  'API',
  'COMMAND',
  'MODULE_LOAD',
  'PRESENCE_IN',
  'PRIVATE_COMMAND',
  'CODEC',
  '',
]);

export interface Difference {
  /** `A CHANNEL_HANGUP#1 Hangup-Cause`, `reply "api …"`, `order of A`. */
  where: string;
  recorded: string;
  actual: string;
}

interface Comparable {
  name: string;
  values: Map<string, string>;
}

/** Events of one leg (or of none: jobs, schedules) in order. */
type ByLeg = Map<string, Comparable[]>;

export function compare(recording: Recording, replayed: Replayed): Difference[] {
  const labels = labelsOf(recording);
  const recorded = group(
    recording.items.filter((item) => item.event !== undefined),
    (item) => uniqueId(item) ?? '',
    (item, name) => header(item, name),
    (item) => item.body,
    blurPaths,
  );
  const actual = group(
    replayed.events,
    (event) => {
      const leg = eventHeader(event, 'Unique-ID') ?? '';
      return replayed.legs.get(leg) ?? leg;
    },
    (event, name) => eventHeader(event, name),
    (event) => (eventHeader(event, 'Content-Length') === undefined ? undefined : event.body),
    (text) => normalise(text, replayed),
  );
  const out: Difference[] = [];
  for (const leg of new Set([...recorded.keys(), ...actual.keys()])) {
    out.push(
      ...compareLeg(labels.get(leg) ?? (leg === '' ? '-' : '?'), recorded.get(leg) ?? [], actual.get(leg) ?? []),
    );
  }
  for (const { command, recorded: was, actual: is } of replayed.replies) {
    const [left, right] = [was, normalise(is, replayed)].map(blurReply) as [string, string];
    if (left !== right && !/^api (show (channels|tasks)|status|uuid_dump)/.test(command))
      out.push({ where: `reply to "${command.split('\n')[0]}"`, recorded: left, actual: right });
  }
  if (replayed.stuck !== undefined) out.push({ where: 'replay', recorded: 'went on', actual: replayed.stuck });
  return merged(out);
}

/** The same difference in event after event is told once, at the first. */
function merged(differences: Difference[]): Difference[] {
  const out = new Map<string, Difference & { more: number }>();
  for (const difference of differences) {
    const [leg, , key] = difference.where.split(' ');
    const id =
      key === undefined || key === '' ? difference.where : `${leg} ${key} ${difference.recorded} ${difference.actual}`;
    const known = out.get(id);
    if (known === undefined) out.set(id, { ...difference, more: 0 });
    else known.more += 1;
  }
  return Array.from(out.values(), ({ more, ...difference }) =>
    more === 0 ? difference : { ...difference, where: `${difference.where} and ${more} more` },
  );
}

function labelsOf(recording: Recording): Map<string, string> {
  const out = new Map<string, string>();
  for (const item of recording.items) {
    const leg = uniqueId(item);
    if (leg !== undefined && !out.has(leg)) out.set(leg, String.fromCharCode(65 + (out.size % 26)));
  }
  return out;
}

function group<T>(
  events: T[],
  legOf: (event: T) => string,
  get: (event: T, name: string) => string | undefined,
  bodyOf: (event: T) => string | undefined,
  clean: (text: string) => string,
): ByLeg {
  const out: ByLeg = new Map();
  for (const event of events) {
    const name = get(event, 'Event-Name') ?? '';
    if (LEFT_OUT.has(name)) continue;
    const leg = legOf(event);
    const list = out.get(leg) ?? [];
    out.set(leg, list);
    const values = new Map<string, string>();
    const withVariables = get(event, 'variable_uuid') !== undefined;
    for (const key of [...KEY_HEADERS, ...(withVariables ? KEY_VARIABLES : [])]) {
      const value = get(event, key);
      if (value !== undefined) values.set(key, clean(value));
    }
    for (const key of KEY_TIMES) {
      const value = get(event, key);
      if (value !== undefined) values.set(key, value === '0' ? 'no' : 'yes');
    }
    const body = bodyOf(event);
    if (body !== undefined) values.set('body', blurReply(clean(body)));
    list.push({ name, values });
  }
  return out;
}

/** On its way into a bridge a leg is in CS_CONSUME_MEDIA for so short that FreeSWITCH tells it only sometimes (s09, s10b). */
function withoutTransit(events: Comparable[]): Comparable[] {
  const state = (event: Comparable | undefined): string | undefined =>
    event?.name === 'CHANNEL_STATE' ? event.values.get('Channel-State') : undefined;
  return events.filter(
    (event, index) => state(event) !== 'CS_CONSUME_MEDIA' || state(events[index + 1]) !== 'CS_EXCHANGE_MEDIA',
  );
}

function compareLeg(label: string, allRecorded: Comparable[], allActual: Comparable[]): Difference[] {
  const [recorded, actual] = [withoutTransit(allRecorded), withoutTransit(allActual)];
  const names = (list: Comparable[]): string[] =>
    list.map(({ name, values }) => (name === 'CHANNEL_STATE' ? `${name}:${values.get('Channel-State')}` : name));
  const [was, is] = [names(recorded), names(actual)];
  if (label === '-') {
    // Jobs and schedules of several legs end in any order.
    const key = ({ name, values }: Comparable): string =>
      `${name} ${values.get('body') ?? values.get('Task-Group') ?? ''}`;
    const [left, right] = [recorded, actual].map((list) => list.map(key).toSorted().join(' | ')) as [string, string];
    return left === right ? [] : [{ where: 'events without a channel', recorded: left, actual: right }];
  }
  if (was.join(' ') !== is.join(' ')) {
    const at = was.findIndex((name, index) => name !== is[index]);
    const from = at < 0 ? was.length : at;
    return [
      {
        where: `order of ${label}, from event ${from + 1}`,
        recorded: was.slice(from, from + 8).join(' ') || '(nothing more)',
        actual: is.slice(from, from + 8).join(' ') || '(nothing more)',
      },
    ];
  }
  const out: Difference[] = [];
  const counts = new Map<string, number>();
  recorded.forEach(({ name, values }, index) => {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    const other = actual[index]?.values ?? new Map<string, string>();
    for (const key of new Set([...values.keys(), ...other.keys()])) {
      const [left, right] = [values.get(key), other.get(key)];
      if (left !== right)
        out.push({
          where: `${label} ${name}#${count} ${key}`,
          recorded: left ?? '(absent)',
          actual: right ?? '(absent)',
        });
    }
  });
  return out;
}

/** Actual ids, ports and paths become the recorded ones. */
function normalise(text: string, replayed: Replayed): string {
  let out = text;
  for (const [actual, recorded] of replayed.legs) out = out.replaceAll(actual, recorded);
  for (const [actual, recorded] of replayed.ports) out = out.replaceAll(`:${actual}`, `:${recorded}`);
  return blurPaths(out.replaceAll('127.0.0.1:9 ', '127.0.0.1:5999 ').replace(/:9$/, ':5999'));
}

/** What differs from run to run. */
function blurReply(text: string): string {
  return text
    .replaceAll(/Job-UUID: \S+/g, 'Job-UUID: …')
    .replaceAll(/^\+OK [0-9a-f]{8}-[0-9a-f-]{27}$/g, '+OK …')
    .replaceAll(/^[0-9a-f]{8}-[0-9a-f-]{27}$/g, '…')
    .replaceAll(/Added: \d+/g, 'Added: …')
    .replace(/^UP [\s\S]*$/, 'UP …');
}

export type { EslEvent, RecordedItem };

/** Folders of audio files differ from machine to machine. */
function blurPaths(text: string): string {
  return text.replaceAll(/\/(?:[\w.-]+\/)+(?=[\w-]+\.wav)/g, '…/');
}
