import type { InboundCall } from '@ringback/dev-sip';
import type { Session } from '../session/session.ts';
import { SipLeg } from './sip-leg.ts';
import type { Sofia } from './sofia.ts';

/** A leg that called this switch. Codecs are negotiated when media is first needed (inbound-late-negotiation). */
export class InboundLeg extends SipLeg {
  readonly #call: InboundCall;
  #early = false;
  #answering: Promise<boolean> | undefined;

  constructor(sofia: Sofia, session: Session, call: InboundCall) {
    super(sofia, session);
    this.#call = call;
    const { channel } = session;
    call.on('cancelled', () => {
      if (!session.up) return;
      channel.setAll({
        sip_hangup_disposition: 'recv_cancel',
        sip_invite_failure_status: 487,
        sip_invite_failure_phrase: 'CANCEL',
        sip_term_status: 487,
        proto_specific_hangup_cause: 'sip:487',
        sip_term_cause: 487,
      });
      session.hangup('ORIGINATOR_CANCEL');
      session.wake();
    });
    call.on('acknowledged', ({ sdp }) => {
      if (sdp !== undefined && !this.mediaReady) this.takeAnswer(sdp);
    });
    call.on('ended', (event) => this.ended(event.by, event.reason?.value));
    call.on('info', (event) => this.receiveInfo(event));
    call.on('reoffer', (event) => this.takeReoffer(event));
  }

  protected get call(): InboundCall {
    return this.#call;
  }

  async prepare(): Promise<void> {
    // Nothing before media is needed.
  }

  ringReady(): void {
    const { channel, core } = this.session;
    if (!this.session.up || this.#call.state !== 'proceeding') return;
    this.#call.ring();
    channel.times.progress = core.bus.now();
    channel.set('sip_to_tag', this.#call.localTag);
    channel.emit('CHANNEL_PROGRESS');
  }

  async preAnswer(): Promise<boolean> {
    if (this.#early || this.session.answered) return true;
    if (!(await this.#setUpMedia())) return false;
    this.#call.progress(this.localSdp);
    this.#markEarly();
    return true;
  }

  answer(): Promise<boolean> {
    this.#answering ??= this.#answer();
    return this.#answering;
  }

  async #answer(): Promise<boolean> {
    const { session } = this;
    const { channel } = session;
    if (session.answered) return true;
    if (!this.mediaReady && !(await this.#setUpMedia())) return false;
    if (!session.up) return false;
    this.#call.answer(this.localSdp);
    // FreeSWITCH passes through early media on the way, which the caller does not see (recording s05d).
    if (!this.#early) this.#markEarly();
    channel.answerState = 'answered';
    channel.times.answered = session.core.bus.now();
    channel.emit('CHANNEL_ANSWER');
    channel.set('endpoint_disposition', 'ANSWER');
    await this.sofia.executeOn(session, 'answer');
    if (session.up) channel.setCallState('ACTIVE');
    channel.set('sip_to_tag', this.#call.localTag);
    return true;
  }

  async #setUpMedia(): Promise<boolean> {
    const { session } = this;
    try {
      await this.openMedia();
    } catch (error) {
      session.core.log.error('no RTP port', { uuid: session.uuid, error: String(error) });
      session.hangup('NORMAL_TEMPORARY_FAILURE');
      return false;
    }
    if (!session.up) return false;
    const offer = this.#call.remoteSdp;
    if (offer === undefined) {
      // A delayed offer: ours goes into the 200, the ACK answers it.
      this.offer();
      return true;
    }
    if (this.answerFor(offer) !== undefined) return true;
    session.hangup('INCOMPATIBLE_DESTINATION');
    return false;
  }

  #markEarly(): void {
    const { channel, core } = this.session;
    this.#early = true;
    channel.answerState = 'early';
    channel.times.progressMedia = core.bus.now();
    channel.set('endpoint_disposition', 'EARLY MEDIA');
    channel.emit('CHANNEL_PROGRESS_MEDIA');
    channel.setCallState('EARLY');
  }

  respond(status: number, phrase: string): void {
    if (status >= 300) this.finalStatus = [status, phrase];
    else if (status === 180) this.ringReady();
    else if (status > 100 && status < 200) this.#call.ring({ status, phrase });
  }
}
