import { DtmfDetector, mixInto, openRtpSession, type PortSource, type RtpSession } from '@ringback/dev-media';
import type { Negotiated } from '@ringback/dev-sip';
import type { AudioSource } from '../media/sources.ts';
import { FRAME_SAMPLES, type Frame } from '../session/leg.ts';

/** Frames written but not yet sent: more than this (200 ms) and the oldest go. */
const MAX_QUEUED = 10;

const SILENCE = new Int16Array(FRAME_SAMPLES);

export interface MediaEvents {
  onDigit(digit: string, durationMs: number, source: 'RTP' | 'INBAND_AUDIO'): void;
}

/** The RTP session of a leg: what the core writes goes out at the beat of the media clock, with displaced audio on top. */
export class MediaPath {
  readonly rtp: RtpSession;
  onFrame: ((frame: Frame) => void) | undefined;
  #out: Int16Array[] = [];
  #displaced: { source: AudioSource; mux: boolean; onEnd: () => void } | undefined;
  #detector: DtmfDetector | undefined;
  readonly #events: MediaEvents;

  private constructor(rtp: RtpSession, events: MediaEvents) {
    this.rtp = rtp;
    this.#events = events;
    rtp.source = { pull: () => this.#pull() };
    rtp.onFrame = (frame) => {
      this.#detector?.push(frame);
      // A file that replaces what the leg hears silences what it says, too (recording x01).
      this.onFrame?.(this.#displaced?.mux === false ? SILENCE : frame);
    };
    rtp.onDtmf = (digit) => events.onDigit(digit.digit, digit.durationMs, 'RTP');
  }

  static async open(host: string, ports: PortSource, events: MediaEvents): Promise<MediaPath> {
    // The core decides about silence (send_silence_when_idle), so the session itself sends none.
    return new MediaPath(await openRtpSession({ host, ports, sendSilenceWhenIdle: false }), events);
  }

  apply(negotiated: Negotiated): void {
    const sending = negotiated.direction === 'sendrecv' || negotiated.direction === 'sendonly';
    this.rtp.configure({
      remote: negotiated.remote,
      codec: negotiated.codec,
      dtmfPayloadType: negotiated.dtmfPayloadType,
      sending,
      receiving: true,
    });
  }

  write(frame: Frame): void {
    this.#out.push(Int16Array.from(frame));
    if (this.#out.length > MAX_QUEUED) this.#out.shift();
  }

  get backlog(): number {
    return this.#out.length;
  }

  sendDtmf(digits: string, durationMs?: number): void {
    void this.rtp.sendDtmf(digits, durationMs === undefined ? {} : { durationMs });
  }

  startInbandDtmf(): void {
    this.#detector ??= new DtmfDetector((digit, durationMs) => this.#events.onDigit(digit, durationMs, 'INBAND_AUDIO'));
  }

  displace(source: AudioSource | undefined, mux: boolean, onEnd: () => void): void {
    this.#displaced = source === undefined ? undefined : { source, mux, onEnd };
  }

  close(): void {
    this.rtp.close();
  }

  #pull(): Frame | undefined {
    const frame = this.#out.shift();
    const displaced = this.#displaced;
    if (displaced === undefined) return frame;
    const over = displaced.source.read();
    if (over === undefined) {
      this.#displaced = undefined;
      displaced.onEnd();
      return frame;
    }
    const mixed = displaced.mux && frame !== undefined ? frame : new Int16Array(FRAME_SAMPLES);
    mixInto(mixed, over);
    return mixed;
  }
}
