import { urlDecode } from '@ringback/esl';
import type { SwitchFact } from '../core/facts.ts';
import { offerOf, type Reader } from './translate.ts';

/** What `uuid_dump` says of a channel. */
export interface Truth {
  answered: boolean;
  answeredUs: number;
  createdUs: number;
  /** It hangs up at this moment: its end will be told. */
  ending: boolean;
  /**
   * The channel it is, or was last, bridged to. FreeSWITCH leaves both this and the name of the application behind when a
   * bridge is over (switch_ivr_bridge.c, switch_core_session_exec): only whether that channel lives tells.
   */
  bond: string;
  /** Not known of a leg that has been in a bridge. */
  parked: boolean;
  core: string;
  offer: Extract<SwitchFact, { is: 'parked' }>['offer'];
}

/** Undefined when there is no such channel. */
export function readTruth(dump: string): Truth | undefined {
  if (/^-(ERR|USAGE)/.test(dump)) return undefined;
  const read = dumpReader(dump);
  const answeredUs = Number(read('Caller-Channel-Answered-Time')) || 0;
  const state = read('Answer-State');
  const app = read('variable_current_application');
  return {
    answered: state === 'answered' || answeredUs > 0,
    answeredUs,
    createdUs: Number(read('Caller-Channel-Created-Time')) || 0,
    ending: state === 'hangup' || /^CS_(HANGUP|REPORTING|DESTROY)$/.test(read('Channel-State')),
    bond: read('variable_signal_bond'),
    parked: app === 'park' || app === 'playback' || read('Channel-State') === 'CS_PARK',
    core: read('Core-UUID'),
    offer: offerOf(read),
  };
}

/** `uuid_dump` writes values as they are, SDP with its line breaks included: lines, not a header block. */
function dumpReader(dump: string): Reader {
  const values = new Map<string, string>();
  for (const line of dump.split(/\r?\n/)) {
    const colon = line.indexOf(': ');
    if (colon > 0 && !values.has(line.slice(0, colon))) values.set(line.slice(0, colon), line.slice(colon + 2));
  }
  return (name) => urlDecode(values.get(name) ?? '');
}
