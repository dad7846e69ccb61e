import type { Cause } from '../causes.ts';
import type { AudioSource } from '../media/sources.ts';

/** 20 ms of 8 kHz linear audio. */
export type Frame = Int16Array;
export const FRAME_SAMPLES = 160;

/** The SIP and RTP side of a channel, as the session core drives it (mod_sofia's part). */
export interface Leg {
  /** RTP is set up in at least one direction. */
  readonly mediaReady: boolean;
  /** 180 without a body. */
  ringReady(): void;
  /** Takes what the leg needs before CHANNEL_CREATE (the RTP port of an outbound call). */
  prepare(): Promise<void>;
  /** Sets media up and sends 183 with SDP; false when codecs do not match (the call is then refused). */
  preAnswer(): Promise<boolean>;
  /** Sets media up if it is not and sends 200. */
  answer(): Promise<boolean>;
  /** Refuses with this exact status. */
  respond(status: number, phrase: string): void;
  /** Sends BYE, CANCEL or a final failure, as the dialog's state asks, and tells the channel's variables which. */
  hangup(cause: Cause): void;
  /** Writes one frame to RTP (20 ms later than the one before it). */
  write(frame: Frame): void;
  /** Frames written and not yet sent. */
  readonly backlog: number;
  /** Receives every frame from RTP; one consumer at a time. */
  onFrame: ((frame: Frame) => void) | undefined;
  /** Queues RFC 4733 digits (in-band tones where no telephone-event was negotiated). */
  sendDtmf(digits: string, durationMs?: number): void;
  /** Plays a source into what this leg hears, alone or mixed with the rest (uuid_displace); undefined ends it. */
  displace(source: AudioSource | undefined, mux: boolean, onEnd: () => void): void;
  /** Starts looking for in-band tones in received audio. */
  startInbandDtmf(): void;
  /** Frees sockets; called once, when the channel is destroyed. */
  close(): void;
}

/** A leg whose endpoint was never created (nothing to signal). */
export const NO_LEG: Leg = {
  mediaReady: false,
  ringReady: () => undefined,
  prepare: async () => undefined,
  preAnswer: async () => false,
  answer: async () => false,
  respond: () => undefined,
  hangup: () => undefined,
  write: () => undefined,
  backlog: 0,
  onFrame: undefined,
  sendDtmf: () => undefined,
  displace: () => undefined,
  startInbandDtmf: () => undefined,
  close: () => undefined,
};
