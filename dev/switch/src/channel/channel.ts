import type { Cause } from '../causes.ts';
import { causeQ850 } from '../causes.ts';
import type { EventBus } from '../events/bus.ts';
import type { SwitchEvent } from '../events/event.ts';
import { type CallerProfile, type ChannelTimes, noTimes, profileHeaders } from './caller-profile.ts';
import { reportVariables } from './report.ts';

/** CS_* in FreeSWITCH's numbering: the index is Channel-State-Number. */
export const CHANNEL_STATES = [
  'CS_NEW',
  'CS_INIT',
  'CS_ROUTING',
  'CS_SOFT_EXECUTE',
  'CS_EXECUTE',
  'CS_EXCHANGE_MEDIA',
  'CS_PARK',
  'CS_CONSUME_MEDIA',
  'CS_HIBERNATE',
  'CS_RESET',
  'CS_HANGUP',
  'CS_REPORTING',
  'CS_DESTROY',
  'CS_NONE',
] as const;
export type ChannelState = (typeof CHANNEL_STATES)[number];

/** CCS_*: the index is Channel-Call-State-Number. */
const CALL_STATES = ['DOWN', 'DIALING', 'RINGING', 'EARLY', 'ACTIVE', 'HELD', 'RING_WAIT', 'HANGUP', 'UNHELD'] as const;
export type CallState = (typeof CALL_STATES)[number];
export type AnswerState = 'ringing' | 'early' | 'answered' | 'hangup';

/** Events that carry the channel's variables (the others say only what the channel is). */
const WITH_VARIABLES = new Set(
  (
    'CALL_UPDATE CHANNEL_ANSWER CHANNEL_BRIDGE CHANNEL_CREATE CHANNEL_DATA CHANNEL_DESTROY CHANNEL_EXECUTE ' +
    'CHANNEL_EXECUTE_COMPLETE CHANNEL_HANGUP CHANNEL_HANGUP_COMPLETE CHANNEL_HOLD CHANNEL_ORIGINATE CHANNEL_PARK ' +
    'CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_UNBRIDGE CHANNEL_UNHOLD CHANNEL_UNPARK MEDIA_BUG_START ' +
    'CUSTOM MEDIA_BUG_STOP PLAYBACK_START PLAYBACK_STOP RECORD_START RECORD_STOP'
  ).split(' '),
);
/** Events whose own headers come before the channel's. */
const OWN_HEADERS_FIRST = new Set(
  'CHANNEL_CALLSTATE CHANNEL_HANGUP_COMPLETE CALL_UPDATE CHANNEL_BRIDGE CHANNEL_UNBRIDGE CHANNEL_APPLICATION CUSTOM RECV_INFO PRIVATE_COMMAND'.split(
    ' ',
  ),
);

export interface ChannelInit {
  uuid: string;
  direction: 'inbound' | 'outbound';
  name: string;
  sessionId: number;
  profile?: CallerProfile;
  globals: ReadonlyMap<string, string>;
}

/** switch_channel_t: states, caller profile and variables of one call leg, and the events that tell of them. */
export class Channel {
  readonly uuid: string;
  readonly direction: 'inbound' | 'outbound';
  readonly name: string;
  readonly variables = new Map<string, string>();
  readonly times: ChannelTimes = noTimes();
  readonly bus: EventBus;
  state: ChannelState;
  runningState: ChannelState;
  callState: CallState = 'DOWN';
  answerState: AnswerState = 'ringing';
  hangupCause: Cause | undefined;
  profile: CallerProfile | undefined;
  callUuid: string;
  hitDialplan: boolean;
  /** Codec name once media is set up. */
  codec: string | undefined;
  otherLeg: { type: 'originator' | 'originatee'; profile: CallerProfile; times: ChannelTimes } | undefined;
  lastApp: string | undefined;
  lastArg = '';
  digitsDialed = '';
  readonly #globals: ReadonlyMap<string, string>;

  constructor(bus: EventBus, init: ChannelInit) {
    this.bus = bus;
    this.uuid = init.uuid;
    this.callUuid = init.uuid;
    this.direction = init.direction;
    this.name = init.name;
    this.profile = init.profile;
    this.#globals = init.globals;
    this.hitDialplan = init.direction === 'inbound';
    this.state = init.direction === 'inbound' ? 'CS_NEW' : 'CS_INIT';
    this.runningState = init.direction === 'inbound' ? 'CS_NEW' : 'CS_NONE';
    this.times.created = bus.now();
    this.variables.set('direction', init.direction);
    if (init.direction === 'outbound') this.variables.set('is_outbound', 'true');
    this.variables.set('uuid', init.uuid);
    this.variables.set('call_uuid', init.uuid);
    this.variables.set('session_id', String(init.sessionId));
  }

  get(name: string): string | undefined {
    return this.variables.get(name) ?? this.#globals.get(name);
  }

  isTrue(name: string): boolean {
    return /^(true|yes|on|enable|enabled|active|1|t)$/i.test(this.get(name) ?? '');
  }

  /** Sets a variable; an empty or missing value removes it. */
  set(name: string, value: string | undefined): void {
    if (value === undefined || value === '') this.variables.delete(name);
    else this.variables.set(name, value);
  }

  setAll(values: Readonly<Record<string, string | number | undefined>>): void {
    for (const [name, value] of Object.entries(values)) this.set(name, value === undefined ? undefined : String(value));
  }

  emit(name: string, own: [string, string][] = [], body = ''): SwitchEvent {
    return this.bus.publish(name, this.#headers(name, own), body === '' ? {} : { body });
  }

  /** CHANNEL_DATA for uuid_dump. */
  dump(): SwitchEvent {
    return this.bus.build('CHANNEL_DATA', this.#headers('CHANNEL_DATA', []));
  }

  setCallState(next: CallState): void {
    if (next === this.callState) return;
    const before = this.callState;
    this.callState = next;
    this.emit('CHANNEL_CALLSTATE', [
      ['Original-Channel-Call-State', before],
      ['Channel-Call-State-Number', String(CALL_STATES.indexOf(next))],
    ]);
  }

  /** The state machine enters `state`; `target` is what its handler has already set next, if it did. */
  enterState(state: ChannelState): void {
    this.runningState = state;
    this.emit('CHANNEL_STATE');
  }

  /** Variables of the final report: they are what the CDR is made of. */
  setReport(): void {
    reportVariables(this);
  }

  setHangupCauseVariables(): void {
    if (this.hangupCause === undefined) return;
    this.set('hangup_cause', this.hangupCause);
    this.set('hangup_cause_q850', String(causeQ850(this.hangupCause)));
  }

  /** switch_channel_flip_cid: after the answer the outbound leg speaks as the party that was called. */
  flipCallerId(): void {
    const p = this.profile;
    if (p === undefined) return;
    this.setAll({
      pre_transfer_caller_id_name: p.callerIdName,
      pre_transfer_caller_id_number: p.callerIdNumber,
      channel_cid_flipped: 'yes',
    });
    [p.callerIdName, p.calleeIdName] = [p.calleeIdName ?? '', p.callerIdName];
    [p.callerIdNumber, p.calleeIdNumber] = [p.calleeIdNumber ?? '', p.callerIdNumber];
    this.hitDialplan = true;
    this.emit('CALL_UPDATE', [['Direction', 'RECV']]);
  }

  #headers(name: string, own: [string, string][]): [string, string][] {
    const out: [string, string][] = OWN_HEADERS_FIRST.has(name) ? [...own] : [];
    const number = CHANNEL_STATES.indexOf(this.state);
    out.push(
      ['Channel-State', this.runningState],
      ['Channel-Call-State', this.callState],
      ['Channel-State-Number', String(number)],
      ['Channel-Name', this.name],
      ['Unique-ID', this.uuid],
      ['Call-Direction', this.direction],
      ['Presence-Call-Direction', this.direction],
      ['Channel-HIT-Dialplan', String(this.hitDialplan)],
      ['Channel-Call-UUID', this.callUuid],
      ['Answer-State', this.answerState],
    );
    if (this.hangupCause !== undefined) out.push(['Hangup-Cause', this.hangupCause]);
    if (this.codec !== undefined) {
      for (const way of ['Read', 'Write']) {
        out.push(
          [`Channel-${way}-Codec-Name`, this.codec],
          [`Channel-${way}-Codec-Rate`, '8000'],
          [`Channel-${way}-Codec-Bit-Rate`, '64000'],
        );
      }
    }
    if (this.profile !== undefined && this.runningState !== 'CS_NEW')
      out.push(...profileHeaders('Caller', this.profile, this.times));
    if (this.otherLeg !== undefined) {
      out.push(
        ['Other-Type', this.otherLeg.type],
        ...profileHeaders('Other-Leg', this.otherLeg.profile, this.otherLeg.times),
      );
    }
    if (WITH_VARIABLES.has(name)) for (const [key, value] of this.variables) out.push([`variable_${key}`, value]);
    if (!OWN_HEADERS_FIRST.has(name)) out.push(...own);
    return out;
  }
}
