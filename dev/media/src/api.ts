/** One 20 ms frame: 160 samples of PCM16 at 8 kHz. A frame handed to a listener is valid only during the call: copy to keep. */
export type Frame = Int16Array;

export const SAMPLE_RATE = 8000;
export const FRAME_MS = 20;
export const FRAME_SAMPLES = 160;

/** Pulled once every 20 ms by whoever sends; `undefined` means nothing to say now (silence, or no packet). */
export interface FrameSource {
  pull(): Frame | undefined;
}

/** Gets each received frame. */
export interface FrameSink {
  push(frame: Frame): void;
}

export interface Endpoint {
  host: string;
  port: number;
}

/** Calls every subscriber every 20 ms from ONE timer a process, without drift; it rests while nobody is subscribed. */
export interface MediaClock {
  /** `late`: true when this tick makes up for one that a stall has delayed. Returns the unsubscribe function. */
  subscribe(tick: (late: boolean) => void): () => void;
}

export type CodecName = 'PCMA' | 'PCMU';

export interface Codec {
  readonly name: CodecName;
  readonly payloadType: number;
  /** The payload byte of silence. */
  readonly silence: number;
  encode(pcm: Int16Array, into?: Uint8Array): Uint8Array;
  decode(payload: Uint8Array, into?: Int16Array): Int16Array;
}

export interface ReceivedDtmf {
  /** 0-9 * # A-D */
  digit: string;
  durationMs: number;
  /** Monotonic ms of the packet that reported it. */
  atMs: number;
}

export interface FrameInfo {
  /** RTP timestamp of the first sample. */
  timestamp: number;
  /** Frames missing just before this one (their place is filled with silence by the session when `concealLoss`). */
  lost: number;
  /** Monotonic ms of arrival. */
  atMs: number;
}

export interface RtpSessionOptions {
  /** Local address. */
  host: string;
  /** Where ports come from; `release` is done by `close`. */
  ports: PortSource;
  codec?: CodecName;
  /** Payload type of telephone-event to send (RFC 4733); `undefined`: peer has none, digits go in-band. Default 101. */
  dtmfPayloadType?: number | undefined;
  remote?: Endpoint;
  /** Follow the source of received packets when it differs from `remote` (symmetric RTP). Default true. */
  latch?: boolean;
  /** Send silence packets while the source has nothing. Default true. */
  sendSilenceWhenIdle?: boolean;
  /** Frames of silence in the place of lost packets, at most 10 in a row. Default true. */
  concealLoss?: boolean;
  clock?: MediaClock;
  randomUint32?: () => number;
}

export interface PortSource {
  /** An even port whose odd neighbour is reserved with it. Throws `NoFreePort`. */
  take(): number;
  release(port: number): void;
}

export interface RtpStats {
  sentPackets: number;
  receivedPackets: number;
  lostPackets: number;
  reorderedPackets: number;
  duplicatePackets: number;
  malformedPackets: number;
  /** Packets of a foreign source, ignored. */
  foreignPackets: number;
  /** Monotonic ms of the last received packet; undefined before the first. */
  lastReceivedMs: number | undefined;
}

export interface DtmfSendOptions {
  /** Default 100. */
  durationMs?: number;
  /** Pause between digits. Default 60. */
  gapMs?: number;
}

export interface RtpSession {
  readonly host: string;
  readonly port: number;
  readonly remote: Endpoint | undefined;
  readonly codec: Codec;
  readonly stats: Readonly<RtpStats>;
  /** Pulled every 20 ms; `undefined`: idle. */
  source: FrameSource | undefined;
  /** Each received 20 ms frame, in order. */
  onFrame: ((frame: Frame, info: FrameInfo) => void) | undefined;
  /** Each RFC 4733 digit once, at the first packet that says it ended (or 200 ms after the last update, when all end packets are lost). */
  onDtmf: ((digit: ReceivedDtmf) => void) | undefined;
  /** Each RFC 4733 digit once, at its first packet. */
  onDtmfStart: ((digit: string) => void) | undefined;
  /** Applies what was negotiated; unknown keys stay as they are. `sending`/`receiving` false: hold. */
  configure(change: {
    remote?: Endpoint;
    codec?: CodecName;
    dtmfPayloadType?: number | undefined;
    sending?: boolean;
    receiving?: boolean;
  }): void;
  /** Queues digits (RFC 4733, or in-band tones when there is no telephone-event); resolves when the last has ended or the session closed. */
  sendDtmf(digits: string, options?: DtmfSendOptions): Promise<void>;
  /** Idempotent. The port goes back to the pool after `lingerMs` so that a new call cannot inherit late media (default 500). */
  close(lingerMs?: number): void;
}

/** One thing to play: samples, or an endless or bounded source. */
export interface PlayItem {
  /** Samples at 8 kHz, or a source (ends when `pull` returns undefined, unless `idleIsSilence`). */
  audio: Int16Array | FrameSource;
  /** Start at this sample. Default 0. */
  offset?: number;
  /** Called once, when it played to its end or was stopped, with the samples played of it. */
  onEnd?: (how: 'done' | 'stopped', samples: number) => void;
  onStart?: () => void;
}
