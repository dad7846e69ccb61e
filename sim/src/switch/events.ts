import { EslEvent } from '@ringback/esl';
import type { Channel } from './channel.ts';

export type Headers = Record<string, string | number>;

/** An event as the switch tells it: of all its headers those that matter to anybody. */
export function eventOf(name: string, headers: Headers): EslEvent {
  const raw = new Map<string, string>([['Event-Name', name]]);
  for (const [key, value] of Object.entries(headers)) {
    if (value !== '' && value !== 0) raw.set(key, encode(String(value)));
  }
  return new EslEvent(raw, '');
}

const encode = (text: string): string => (text.includes('%') ? encodeURIComponent(text) : text);

/** Headers that events of a channel have in common. */
export const aboutChannel = (channel: Channel): Headers => ({
  'Unique-ID': channel.id,
  'Call-Direction': channel.direction,
  'Caller-Channel-Created-Time': channel.createdUs,
  'Caller-Channel-Progress-Time': channel.progressUs,
  'Caller-Channel-Answered-Time': channel.answeredUs,
  'Caller-Channel-Hangup-Time': channel.endedUs,
  'Answer-State': channel.endedUs > 0 ? 'hangup' : channel.answeredUs > 0 ? 'answered' : 'ringing',
  'Channel-State': channel.endedUs > 0 ? 'CS_HANGUP' : 'CS_EXECUTE',
});

/** Variables of a call that came in, as the edge's headers make them. */
export const offerVariables = (channel: Channel): Headers =>
  Object.fromEntries(Object.entries(channel.offer ?? {}).map(([name, value]) => [`variable_sip_h_${name}`, value]));

/** Variables of a channel that has ended. */
export const endVariables = (channel: Channel): Headers => ({
  variable_hangup_cause: channel.cause,
  variable_hangup_cause_q850: channel.q850,
  variable_sip_hangup_disposition: channel.disposition,
  variable_sip_term_status: channel.sipStatus,
});

/** The file that mod_json_cdr writes at a channel's end. */
export function cdrFileOf(channel: Channel, core: string): string {
  const variables: Headers = {
    uuid: channel.id,
    direction: channel.direction,
    hangup_cause: channel.cause,
    hangup_cause_q850: channel.q850,
    sip_hangup_disposition: channel.disposition,
    sip_term_status: channel.sipStatus,
    start_uepoch: channel.createdUs,
    progress_uepoch: channel.progressUs,
    answer_uepoch: channel.answeredUs,
    end_uepoch: channel.endedUs,
  };
  for (const [name, value] of Object.entries(channel.offer ?? {})) variables[`sip_h_${name}`] = value;
  return JSON.stringify({
    'core-uuid': core,
    channel_data: { direction: channel.direction },
    variables: Object.fromEntries(
      Object.entries(variables).map(([name, value]) => [name, encodeURIComponent(String(value))]),
    ),
  });
}

/** What `uuid_dump` answers. */
export function dumpOf(channel: Channel, core: string): string {
  const headers: Headers = {
    ...aboutChannel(channel),
    ...offerVariables(channel),
    'Core-UUID': core,
    variable_direction: channel.direction,
    variable_current_application: channel.bridge ? 'bridge' : channel.app,
  };
  const text = Object.entries(headers).filter(([, value]) => value !== '' && value !== 0);
  return text.map(([name, value]) => `${name}: ${encode(String(value))}`).join('\n');
}
