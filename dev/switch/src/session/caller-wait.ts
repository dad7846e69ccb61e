import type { Cause } from '../causes.ts';
import type { CallerProfile } from '../channel/caller-profile.ts';
import type { AudioSource } from '../media/sources.ts';
import { openSource } from '../media/sources.ts';
import type { Session } from './session.ts';
import { SilenceFiller } from './silence.ts';

/** DIALSTATUS; any other cause stands for itself (switch_ivr_originate). */
const DIAL_STATUS: Partial<Record<Cause, string>> = {
  USER_BUSY: 'BUSY',
  NO_ANSWER: 'NOANSWER',
  ORIGINATOR_CANCEL: 'CANCEL',
  CALL_REJECTED: 'DONTCALL',
  DESTINATION_OUT_OF_ORDER: 'INVALIDARGS',
  INVALID_PROFILE: 'INVALIDARGS',
};

/** What the calling leg does and hears while `bridge` waits for the far end, and which variables tell how that went. */
export class CallerWait {
  readonly #caller: Session;
  readonly #silence: SilenceFiller;
  #ringback: AudioSource | undefined;
  #ringbackTried = false;
  #wasRinging = false;

  constructor(caller: Session) {
    this.#caller = caller;
    this.#silence = new SilenceFiller(caller);
  }

  get up(): boolean {
    return this.#caller.up;
  }

  begin(): void {
    const { channel } = this.#caller;
    if (this.#caller.answered) channel.setCallState('RING_WAIT');
    channel.setAll({ originate_disposition: 'failure', DIALSTATUS: 'INVALIDARGS' });
  }

  /** One beat: pass the far end's progress on, play ringback, look after the caller's digits. */
  async round(legs: Session[]): Promise<void> {
    const caller = this.#caller;
    // Digits wait in their queue: only a bound sequence is acted upon while the far end rings (switch_ivr_originate).
    await caller.runInline();
    await caller.messages.parseAll();
    if (!caller.up) return;
    const ringing = legs.find((leg) => leg.channel.times.progress > 0);
    const early = legs.find((leg) => leg.channel.answerState === 'early');
    if (ringing !== undefined && !this.#wasRinging) {
      this.#wasRinging = true;
      this.#passCalleeId(ringing);
      if (caller.channel.answerState === 'ringing' && caller.channel.direction === 'inbound') caller.leg.ringReady();
    }
    if (early !== undefined) {
      if (caller.channel.times.progressMedia === 0)
        caller.channel.times.progressMedia = early.channel.times.progressMedia;
      // Early media of a leg that is being ignored for the answer is not heard either.
      return;
    }
    if (this.#wasRinging || caller.channel.isTrue('instant_ringback')) await this.#playRingback();
    else if (caller.leg.mediaReady) this.#silence.fill();
  }

  /** `transfer_ringback` for an answered caller, else `ringback` (which passes early media on to a caller that has none). */
  async #playRingback(): Promise<void> {
    const channel = this.#caller.channel;
    if (!this.#ringbackTried) {
      this.#ringbackTried = true;
      const spec = (this.#caller.answered ? channel.get('transfer_ringback') : undefined) ?? channel.get('ringback');
      if (spec !== undefined) {
        if (!this.#caller.leg.mediaReady) await this.#caller.leg.preAnswer();
        const name = spec.startsWith('%(') || spec.startsWith('v=') ? `tone_stream://${spec}` : spec;
        this.#ringback = openSource(
          this.#caller.core.sounds,
          name.startsWith('tone_stream://') && !name.includes(';loops=') ? `${name};loops=-1` : name,
        );
      }
    }
    const frame = this.#ringback?.read();
    if (frame !== undefined) this.#caller.leg.write(frame);
    else if (this.#caller.leg.mediaReady) this.#silence.fill();
  }

  /** A refused leg's SIP status is told on the caller as well, and stays there for the next bridge (recordings x08d). */
  legEnded(leg: Session): void {
    const { channel } = leg;
    if (channel.get('sip_term_status') === undefined) return;
    this.#caller.channel.setAll({
      last_bridge_proto_specific_hangup_cause: channel.get('proto_specific_hangup_cause'),
      sip_invite_failure_status: channel.get('sip_invite_failure_status'),
      sip_invite_failure_phrase: channel.get('sip_invite_failure_phrase'),
    });
  }

  async succeed(peer: Session, causes: string[]): Promise<void> {
    const channel = this.#caller.channel;
    // The caller follows the far end: answered with it, or given its early media.
    if (this.#caller.up && !this.#caller.answered)
      await (peer.answered ? this.#caller.leg.answer() : this.#caller.leg.preAnswer());
    const p = peer.channel.profile as CallerProfile;
    this.#passCalleeId(peer);
    channel.otherLeg = { type: 'originatee', profile: { ...p }, times: peer.channel.times };
    if (channel.times.progress === 0) channel.times.progress = peer.channel.times.progress;
    if (channel.times.progressMedia === 0) channel.times.progressMedia = peer.channel.times.progressMedia;
    this.#end();
    channel.setAll({
      originated_legs: `${peer.uuid};${p.calleeIdName ?? ''};${p.calleeIdNumber ?? ''}`,
      originate_disposition: 'SUCCESS',
      DIALSTATUS: 'SUCCESS',
      originate_causes: causes.length > 1 ? `ARRAY::${causes.join('|:')}` : causes[0],
    });
  }

  fail(cause: Cause, disposition: Cause, causes: string[]): void {
    const channel = this.#caller.channel;
    this.#end();
    channel.setAll({
      // A caller who hangs up keeps no trace of a failed bridge but the disposition (recording s06f).
      ...(cause === 'ORIGINATOR_CANCEL' ? {} : { last_bridge_hangup_cause: cause }),
      originate_disposition: disposition,
      DIALSTATUS: DIAL_STATUS[disposition] ?? disposition,
      originate_causes: causes.length > 1 ? `ARRAY::${causes.join('|:')}` : causes[0],
      originate_failed_cause: cause,
    });
  }

  /** The caller learns whom it reached. */
  #passCalleeId(peer: Session): void {
    const own = this.#caller.channel.profile;
    const theirs = peer.channel.profile;
    if (own === undefined || theirs === undefined) return;
    own.calleeIdName = theirs.calleeIdName ?? '';
    own.calleeIdNumber = theirs.calleeIdNumber ?? '';
  }

  #end(): void {
    if (this.#caller.up && this.#caller.channel.callState === 'RING_WAIT') this.#caller.channel.setCallState('ACTIVE');
  }
}
