import type { HeaderList, SipRequest, SipResponse } from '@ringback/dev-sip';
import { parseNameAddr, parseUri, parseVia } from '@ringback/dev-sip';
import type { Channel } from '../channel/channel.ts';

/** sip_from_*, sip_to_*, sip_contact_*: user, host, port and URI of an address header. */
export function addressVariables(channel: Channel, prefix: string, value: string | undefined): void {
  const address = value === undefined ? undefined : parseNameAddr(value);
  const uri = address === undefined ? undefined : parseUri(address.uri);
  if (uri === undefined) return;
  const hostPort = `${uri.host}${uri.port === undefined ? '' : `:${uri.port}`}`;
  channel.setAll({
    [`sip_${prefix}_user`]: uri.user,
    [`sip_${prefix}_port`]: uri.port,
    [`sip_${prefix}_uri`]: uri.user === undefined ? hostPort : `${uri.user}@${hostPort}`,
    [`sip_${prefix}_host`]: uri.host,
  });
}

function tagOf(value: string | undefined): string | undefined {
  return value === undefined ? undefined : parseNameAddr(value)?.params.get('tag');
}

/** What every reply to our INVITE teaches about the dialog. */
export function replyVariables(channel: Channel, response: SipResponse, remote: { host: string; port: number }): void {
  const { headers } = response;
  const via = headers.get('Via');
  const from = headers.get('From');
  channel.setAll({
    sip_reply_host: remote.host,
    sip_reply_port: remote.port,
    sip_network_ip: remote.host,
    sip_network_port: remote.port,
    sip_recover_contact: headers.get('Contact'),
    sip_full_via: via,
    sip_recover_via: via,
    sip_from_display: from === undefined ? undefined : parseNameAddr(from)?.display,
    sip_full_from: from,
    sip_full_to: headers.get('To'),
  });
  addressVariables(channel, 'from', from);
  addressVariables(channel, 'to', headers.get('To'));
  addressVariables(channel, 'contact', headers.get('Contact'));
  channel.setAll({
    sip_to_tag: tagOf(headers.get('To')),
    sip_from_tag: tagOf(from),
    sip_cseq: headers.get('CSeq')?.split(/\s/)[0],
    sip_call_id: headers.get('Call-ID'),
  });
}

/** Headers that become `sip_h_<Name>` (X-, P-) or `sip_<Name>` of an inbound call. */
function copiedHeaders(channel: Channel, headers: HeaderList): void {
  for (const { name, value } of headers) {
    if (/^x-/i.test(name)) channel.set(`sip_h_${name}`, value);
    else if (/^p-asserted-identity$/i.test(name)) channel.set('sip_P-Asserted-Identity', value);
    else if (/^(p-|diversion$|history-info$|identity$)/i.test(name)) channel.set(`sip_h_${name}`, value);
    else if (/^(remote-party-id|privacy)$/i.test(name)) channel.set(`sip_${name}`, value);
  }
}

/** Variables of a received INVITE, as mod_sofia names them. */
export function inviteVariables(
  channel: Channel,
  request: SipRequest,
  source: { host: string; port: number },
  local: { host: string; port: number; profile: string },
): void {
  const { headers } = request;
  const from = headers.get('From');
  const fromUser = parseUri(parseNameAddr(from ?? '')?.uri ?? '')?.user;
  const via = parseVia(headers.get('Via') ?? '');
  addressVariables(channel, 'from', from);
  const url = `sip:mod_sofia@${local.host}:${local.port}`;
  channel.setAll({
    video_media_flow: 'disabled',
    audio_media_flow: 'disabled',
    text_media_flow: 'disabled',
    channel_name: channel.name,
    sip_call_id: headers.get('Call-ID'),
    sip_local_network_addr: local.host,
    sip_network_ip: source.host,
    sip_network_port: source.port,
    sip_invite_stamp: channel.times.created,
    sip_received_ip: source.host,
    sip_received_port: source.port,
    sip_via_protocol: 'udp',
    sip_from_user_stripped: fromUser?.replace(/^\+/, ''),
    sip_from_tag: tagOf(from),
    sofia_profile_name: local.profile,
    sofia_profile_url: url,
    recovery_profile_name: local.profile,
    sip_full_via: headers.get('Via'),
    sip_from_display: from === undefined ? undefined : (parseNameAddr(from)?.display ?? fromUser),
    sip_full_from: from,
    sip_full_to: headers.get('To'),
  });
  addressVariables(channel, 'req', `<${request.uri}>`);
  addressVariables(channel, 'to', headers.get('To'));
  addressVariables(channel, 'contact', headers.get('Contact'));
  channel.setAll({
    sip_user_agent: headers.get('User-Agent'),
    sip_via_host: via?.host,
    sip_via_port: via?.port,
    sip_via_rport: via?.params.get('rport') ?? undefined,
    max_forwards: headers.get('Max-Forwards'),
  });
  copiedHeaders(channel, headers);
}

/** `sip_h_<Name>` variables of a channel as headers of its INVITE. */
export function outgoingHeaders(channel: Channel): [string, string][] {
  const out: [string, string][] = [];
  for (const [name, value] of channel.variables)
    if (name.startsWith('sip_h_')) out.push([name.slice('sip_h_'.length), value]);
  return out;
}
