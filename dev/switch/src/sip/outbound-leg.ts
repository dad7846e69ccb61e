import { type Answered, type Failed, formatNameAddr, type OutboundCall, type Provisional } from '@ringback/dev-sip';
import { sipToCause } from '../causes.ts';
import type { SofiaEndpoint } from '../dial-string.ts';
import type { Session } from '../session/session.ts';
import { SipLeg } from './sip-leg.ts';
import type { Sofia } from './sofia.ts';
import { outgoingHeaders, replyVariables } from './variables.ts';

const NOT_TAKEN = { status: 904, phrase: 'Operation has no matching challenge', reason: undefined };

/** A leg this switch calls. */
export class OutboundLeg extends SipLeg {
  readonly #endpoint: SofiaEndpoint;
  #call: OutboundCall | undefined;
  #proves = false;

  constructor(sofia: Sofia, session: Session, endpoint: SofiaEndpoint) {
    super(sofia, session);
    this.#endpoint = endpoint;
  }

  protected get call(): OutboundCall | undefined {
    return this.#call;
  }

  async prepare(): Promise<void> {
    const { channel } = this.session;
    try {
      await this.openMedia();
    } catch (error) {
      this.session.core.log.error('no RTP port', { uuid: this.session.uuid, error: String(error) });
      this.session.hangup('NORMAL_TEMPORARY_FAILURE');
      return;
    }
    if (!this.session.up) return;
    const { user, host, path } = this.#endpoint;
    const { address, profile } = this.sofia;
    const target = user === '' ? host : `${user}@${host}`;
    const contact = `sip:mod_sofia@${address.host}:${address.port}`;
    const fromHost = channel.get('sip_from_host') ?? channel.get('sip_invite_domain') ?? address.host;
    const sdp = this.offer();
    channel.setAll({
      sip_local_network_addr: address.host,
      rtp_use_codec_string: this.session.core.config.codecs.join(','),
      sip_outgoing_contact_uri: `<${contact}>`,
      sip_req_uri: target,
      sip_to_host: host,
      sip_from_host: fromHost,
      sofia_profile_name: profile,
      recovery_profile_name: profile,
      sofia_profile_url: contact,
    });
    const p = channel.profile;
    const number = p?.callerIdNumber ?? '0000000000';
    const credentials = this.session.core.gateways.credentials(channel.get('sip_use_gateway') ?? '');
    const call = this.sofia.ua.invite({
      uri: `sip:${target}`,
      from:
        channel.get('sip_from_uri') ??
        formatNameAddr({ display: p?.callerIdName || number, uri: `sip:${number}@${fromHost}`, params: new Map() }),
      sdp,
      ...(credentials && { credentials }),
      ...(path === undefined ? {} : { route: path }),
      headers: [...this.#identity(number, fromHost), ...outgoingHeaders(channel)],
    });
    this.#call = call;
    this.#proves = credentials !== undefined;
    channel.set('sip_call_id', call.callId);
    call.on('provisional', (event) => this.#provisional(event));
    call.on('answered', (event) => void this.#answered(event));
    call.on('failed', (event) => this.#failed(event));
    call.on('ended', (event) => this.ended(event.by, event.reason?.value));
    call.on('info', (event) => this.receiveInfo(event));
    call.on('reoffer', (event) => this.takeReoffer(event));
  }

  /** `sip_cid_type` pid (the profile's caller-id-type), rpid or none. */
  #identity(number: string, host: string): [string, string][] {
    const { channel } = this.session;
    const type = channel.get('sip_cid_type') ?? 'pid';
    const name = channel.profile?.callerIdName ?? number;
    if (type === 'pid') {
      return [
        ['P-Asserted-Identity', `"${name}" <sip:${number}@${host}>`],
        ['Privacy', 'none'],
      ];
    }
    if (type === 'none') return [];
    return [['Remote-Party-ID', `"${name}" <sip:${number}@${host}>;party=calling;screen=yes;privacy=off`]];
  }

  #provisional(event: Provisional): void {
    const { session } = this;
    const { channel } = session;
    if (!session.up || this.#call === undefined) return;
    if (channel.profile !== undefined) channel.profile.networkAddr = this.#call.remote.host;
    replyVariables(channel, event.response, this.#call.remote);
    const now = session.core.bus.now();
    if (event.sdp !== undefined && channel.answerState === 'ringing') {
      channel.answerState = 'early';
      channel.times.progressMedia = now;
      channel.set('endpoint_disposition', 'EARLY MEDIA');
      channel.emit('CHANNEL_PROGRESS_MEDIA');
      channel.setCallState('EARLY');
      if (!this.takeAnswer(event.sdp)) session.hangup('INCOMPATIBLE_DESTINATION');
      session.onSignal?.();
    } else if (
      event.sdp === undefined &&
      event.status >= 180 &&
      channel.times.progress === 0 &&
      channel.answerState === 'ringing'
    ) {
      channel.times.progress = now;
      channel.emit('CHANNEL_PROGRESS');
      channel.setCallState('RINGING');
      session.onSignal?.();
    }
  }

  async #answered(event: Answered): Promise<void> {
    const { session } = this;
    const { channel } = session;
    if (!session.up || this.#call === undefined) return;
    if (channel.profile !== undefined) channel.profile.networkAddr = this.#call.remote.host;
    replyVariables(channel, event.response, this.#call.remote);
    if (event.sdp !== undefined && !this.takeAnswer(event.sdp)) {
      session.hangup('INCOMPATIBLE_DESTINATION');
      return;
    }
    channel.answerState = 'answered';
    channel.times.answered = session.core.bus.now();
    channel.emit('CHANNEL_ANSWER');
    channel.set('endpoint_disposition', 'ANSWER');
    await this.sofia.executeOn(session, 'answer');
    if (session.up) channel.setCallState('ACTIVE');
    session.onSignal?.();
  }

  #failed(failed: Failed): void {
    const { session } = this;
    const { channel } = session;
    // Credentials that were not taken: sofia has a status of its own for it, and no disposition.
    const unproved = this.#proves && (failed.status === 401 || failed.status === 407);
    const event = unproved ? { ...failed, ...NOT_TAKEN } : failed;
    const cause = sipToCause(event.status, event.reason?.value);
    const remote = event.by === 'response' ? this.#call?.remote : undefined;
    if (channel.profile !== undefined && remote !== undefined) channel.profile.networkAddr = remote.host;
    channel.setAll({
      sip_call_id: this.#call?.callId,
      sip_reply_host: remote?.host,
      sip_reply_port: remote?.port,
      sip_network_ip: remote?.host,
      sip_network_port: remote?.port,
      sip_hangup_disposition: unproved ? undefined : 'recv_refuse',
      sip_invite_failure_status: event.status,
      sip_invite_failure_phrase: event.phrase,
      sip_term_status: event.status,
      proto_specific_hangup_cause: `sip:${event.status}`,
    });
    channel.set('sip_term_cause', String(this.sofia.causeNumber(cause)));
    session.hangup(cause);
  }

  ringReady(): void {
    // An outbound leg is rung by its callee.
  }

  async preAnswer(): Promise<boolean> {
    return this.mediaReady;
  }

  async answer(): Promise<boolean> {
    return this.session.answered;
  }

  respond(): void {
    // Only received INVITEs are responded to.
  }
}
