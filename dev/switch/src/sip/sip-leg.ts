import {
  answerOffer,
  formatOffer,
  type InboundCall,
  type LocalAudio,
  type Negotiated,
  type OutboundCall,
  parseNameAddr,
  readAnswer,
} from '@ringback/dev-sip';
import { type Cause, causeToSip, reasonHeader, sipToCause } from '../causes.ts';
import type { AudioSource } from '../media/sources.ts';
import type { Frame, Leg } from '../session/leg.ts';
import type { Session } from '../session/session.ts';
import { MediaPath } from './media-path.ts';
import type { Sofia } from './sofia.ts';

/** The SIP dialog and RTP session of one channel: mod_sofia's private_object_t. */
export abstract class SipLeg implements Leg {
  protected readonly sofia: Sofia;
  protected readonly session: Session;
  protected media: MediaPath | undefined;
  protected localSdp = '';
  #negotiated: Negotiated | undefined;
  #onFrame: ((frame: Frame) => void) | undefined;
  #inband = false;
  #mediaWatch: NodeJS.Timeout | undefined;

  constructor(sofia: Sofia, session: Session) {
    this.sofia = sofia;
    this.session = session;
  }

  protected abstract get call(): InboundCall | OutboundCall | undefined;
  abstract prepare(): Promise<void>;
  abstract ringReady(): void;
  abstract preAnswer(): Promise<boolean>;
  abstract answer(): Promise<boolean>;
  abstract respond(status: number, phrase: string): void;

  get mediaReady(): boolean {
    return this.#negotiated !== undefined;
  }

  get onFrame(): ((frame: Frame) => void) | undefined {
    return this.#onFrame;
  }

  set onFrame(fn: ((frame: Frame) => void) | undefined) {
    this.#onFrame = fn;
    if (this.media !== undefined) this.media.onFrame = fn;
  }

  protected async openMedia(): Promise<void> {
    if (this.media !== undefined) return;
    const { channel, core } = this.session;
    this.media = await MediaPath.open(core.config.rtp.host, this.sofia.ports, {
      onDigit: (digit, durationMs, source) => this.receiveDigit(digit, durationMs, source),
    });
    this.media.onFrame = this.#onFrame;
    const host = core.config.rtp.host;
    channel.setAll({
      local_media_ip: host,
      local_media_port: this.media.rtp.port,
      advertised_media_ip: host,
      audio_media_flow: 'sendrecv',
    });
  }

  protected localAudio(): LocalAudio {
    const { config } = this.session.core;
    const now = Math.floor(this.session.channel.times.created / 1_000_000);
    return {
      host: config.rtp.host,
      port: this.media?.rtp.port ?? 0,
      codecs: config.codecs,
      sessionId: String(now),
      version: now + 1,
      name: 'FreeSWITCH',
    };
  }

  protected offer(): string {
    this.localSdp = formatOffer(this.localAudio());
    this.session.channel.set('rtp_local_sdp_str', this.localSdp);
    return this.localSdp;
  }

  /** Takes the answer to our offer; false when nothing is common. */
  protected takeAnswer(sdp: string): boolean {
    const negotiated = readAnswer(sdp);
    if (negotiated === undefined) return false;
    this.activate(negotiated, sdp);
    return true;
  }

  /** Answers an offer; undefined when nothing is common. */
  protected answerFor(offer: string): string | undefined {
    const result = answerOffer(offer, this.localAudio());
    if (result === undefined) return undefined;
    this.localSdp = result.sdp;
    this.session.channel.set('rtp_local_sdp_str', result.sdp);
    this.activate(result.negotiated, offer);
    return result.sdp;
  }

  protected activate(negotiated: Negotiated, remoteSdp: string): void {
    const { channel } = this.session;
    const first = this.#negotiated === undefined;
    this.#negotiated = negotiated;
    this.media?.apply(negotiated);
    if (!first) return;
    channel.codec = negotiated.codec;
    channel.emit('CODEC', [
      ['channel-read-codec-name', negotiated.codec],
      ['channel-read-codec-rate', '8000'],
      ['channel-read-codec-bit-rate', '64000'],
    ]);
    channel.emit('CODEC', [
      ['Channel-Write-Codec-Name', negotiated.codec],
      ['Channel-Write-Codec-Rate', '8000'],
      ['Channel-Write-codec-bit-rate', '64000'],
    ]);
    channel.setAll({
      switch_r_sdp: remoteSdp,
      ep_codec_string: `CORE_PCM_MODULE.${negotiated.codec}@8000h@20i@64000b`,
      rtp_use_codec_name: negotiated.codec,
      rtp_use_codec_rate: 8000,
      rtp_use_codec_ptime: 20,
      rtp_last_audio_codec_string: `${negotiated.codec}@8000h@20i@1c`,
      read_codec: negotiated.codec,
      original_read_codec: negotiated.codec,
      read_rate: 8000,
      original_read_rate: 8000,
      write_codec: negotiated.codec,
      write_rate: 8000,
      dtmf_type: negotiated.dtmfPayloadType === undefined ? 'info' : 'rfc2833',
      rtp_use_pt: negotiated.payloadType,
      rtp_2833_send_payload: negotiated.dtmfPayloadType,
      rtp_2833_recv_payload: negotiated.dtmfPayloadType,
      remote_media_ip: negotiated.remote.host,
      remote_media_port: negotiated.remote.port,
    });
    if (this.#inband) this.media?.startInbandDtmf();
    this.#watchMedia();
  }

  write(frame: Frame): void {
    this.media?.write(frame);
  }

  get backlog(): number {
    return this.media?.backlog ?? 0;
  }

  sendDtmf(digits: string, durationMs?: number): void {
    this.media?.sendDtmf(digits, durationMs);
  }

  displace(source: AudioSource | undefined, mux: boolean, onEnd: () => void): void {
    this.media?.displace(source, mux, onEnd);
  }

  startInbandDtmf(): void {
    this.#inband = true;
    this.media?.startInbandDtmf();
  }

  /** A peer that sends a digit by two ways gives it twice, as with FreeSWITCH (recordings x13): the agent's to tell apart. */
  protected receiveDigit(digit: string, durationMs: number, source: 'RTP' | 'INBAND_AUDIO' | 'ENDPOINT'): void {
    this.session.receiveDigit({ digit, duration: Math.round(durationMs * 8), source });
  }

  /** INFO in the dialog: told as RECV_INFO; its digit is taken with liberal-dtmf only. */
  protected receiveInfo(info: {
    contentType: string;
    body: string;
    dtmf: { digit: string; durationMs: number } | undefined;
    request: { headers: { get(name: string): string | undefined } };
  }): void {
    const { channel, core } = this.session;
    const address = (name: string) =>
      /^sips?:(?:([^@]*)@)?([^;:>]+)/.exec(parseNameAddr(info.request.headers.get(name) ?? '')?.uri ?? '') ?? [];
    const [, fromUser = '', fromHost = ''] = address('From');
    const [, toUser = '', toHost = ''] = address('To');
    channel.emit(
      'RECV_INFO',
      [
        ['SIP-Content-Type', info.contentType],
        ['SIP-From-User', fromUser],
        ['SIP-From-Host', fromHost],
        ['SIP-To-User', toUser],
        ['SIP-To-Host', toHost],
      ],
      info.body,
    );
    if (info.dtmf === undefined) return;
    if (core.config.liberalDtmf) this.receiveDigit(info.dtmf.digit, info.dtmf.durationMs, 'ENDPOINT');
  }

  /** re-INVITE and UPDATE: an SDP is answered and followed (hold, new address), without one it is a refresh. */
  protected takeReoffer(reoffer: {
    sdp: string | undefined;
    accept(sdp?: string): void;
    reject(status: number): void;
  }): void {
    if (reoffer.sdp === undefined) {
      reoffer.accept(this.localSdp);
      return;
    }
    const result = answerOffer(reoffer.sdp, this.localAudio());
    if (result === undefined) {
      reoffer.reject(488);
      return;
    }
    this.localSdp = result.sdp;
    this.activate(result.negotiated, reoffer.sdp);
    reoffer.accept(result.sdp);
  }

  /** The far end sent BYE, or the dialog broke. */
  protected ended(by: string, reason: string | undefined): void {
    const { channel } = this.session;
    const cause: Cause =
      by === 'remote'
        ? sipToCause(200, reason)
        : by === 'no-ack'
          ? 'RECOVERY_ON_TIMER_EXPIRE'
          : by === 'expired'
            ? 'RECOVERY_ON_TIMER_EXPIRE'
            : 'NORMAL_UNSPECIFIED';
    if (!this.session.up) return;
    if (by === 'remote') {
      channel.setAll({ sip_term_status: 200, proto_specific_hangup_cause: 'sip:200', sip_term_cause: 16 });
    }
    this.session.hangup(cause);
    this.session.wake();
    if (by === 'remote') channel.set('sip_hangup_disposition', 'recv_bye');
  }

  hangup(cause: Cause): void {
    clearTimeout(this.#mediaWatch);
    const { call } = this;
    const { channel } = this.session;
    if (call === undefined || call.state === 'terminated') return;
    const reason = reasonHeader(cause);
    if (call.state === 'established' || call.state === 'answered') {
      channel.set('sip_hangup_disposition', 'send_bye');
      call.hangup({ reason });
    } else if (call.direction === 'outbound') {
      channel.setAll({
        sip_hangup_disposition: 'send_cancel',
        sip_invite_failure_status: 487,
        sip_invite_failure_phrase: 'CANCEL',
      });
      call.cancel({ reason });
    } else {
      channel.set('sip_hangup_disposition', 'send_refuse');
      const [status, phrase] = this.finalStatus ?? causeToSip(cause);
      call.reject(status, { phrase, reason });
    }
  }

  /** Set by `respond`. */
  protected finalStatus: readonly [number, string] | undefined;

  close(): void {
    clearTimeout(this.#mediaWatch);
    this.media?.close();
    this.media = undefined;
  }

  /** `media_timeout` (ms): no packet for that long ends the call. */
  #watchMedia(): void {
    const limit = Number.parseInt(this.session.channel.get('media_timeout') ?? '0', 10);
    if (!(limit > 0)) return;
    const since = performance.now();
    const look = (): void => {
      const last = this.media?.rtp.stats.lastReceivedMs ?? since;
      const idle = performance.now() - Math.max(last, since);
      if (this.session.answered && idle >= limit) this.session.hangup('MEDIA_TIMEOUT');
      else this.#mediaWatch = setTimeout(look, Math.max(100, limit - idle));
    };
    this.#mediaWatch = setTimeout(look, limit);
  }
}
