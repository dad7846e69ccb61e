import { FRAME_SAMPLES, type FrameInfo, type ReceivedDtmf, type RtpStats, SAMPLE_RATE } from './api.ts';
import { codecs } from './codec.ts';
import { digitOfEvent } from './dtmf.ts';
import type { RtpPacket } from './rtp-packet.ts';

/** Packets held back for a missing one: at most so many, and at most so long. */
const REORDER_PACKETS = 3;
const REORDER_MS = 60;
/** A larger jump of the sequence is a restarted stream. */
const RESTART_JUMP = 100;
const MAX_CONCEALED_FRAMES = 10;
/** An event whose end packets were all lost ends so long after its last update. */
const EVENT_SILENCE_MS = 200;

export interface ReceiverEvents {
  frame(frame: Int16Array, info: FrameInfo): void;
  dtmfStart(digit: string): void;
  dtmf(digit: ReceivedDtmf): void;
}

/** Puts the packets of one direction in order, and takes audio and telephone-events out of them. */
export class RtpReceiver {
  dtmfPayloadType: number | undefined;
  readonly #events: ReceiverEvents;
  readonly #stats: RtpStats;
  readonly #conceal: boolean;
  #ssrc: number | undefined;
  #expected = 0;
  #nextTimestamp: number | undefined;
  readonly #held = new Map<number, { packet: RtpPacket; atMs: number }>();
  #lost = 0;
  readonly #decoded = new Int16Array(4096);
  readonly #frame = new Int16Array(FRAME_SAMPLES);
  #filled = 0;
  #event: { timestamp: number; digit: string; duration: number; lastMs: number; ended: boolean } | undefined;

  constructor(options: {
    dtmfPayloadType: number | undefined;
    conceal: boolean;
    stats: RtpStats;
    events: ReceiverEvents;
  }) {
    this.dtmfPayloadType = options.dtmfPayloadType;
    this.#conceal = options.conceal;
    this.#stats = options.stats;
    this.#events = options.events;
  }

  receive(packet: RtpPacket, atMs: number): void {
    if (packet.ssrc !== this.#ssrc) this.#restart(packet);
    let ahead = (packet.sequence - this.#expected) & 0xffff;
    if (ahead >= 0x8000) ahead -= 0x10000;
    if (Math.abs(ahead) > RESTART_JUMP) {
      this.#restart(packet);
      ahead = 0;
    }
    if (ahead < 0 || this.#held.has(packet.sequence)) {
      this.#stats.duplicatePackets += 1;
      return;
    }
    if (ahead > 0) {
      // The buffer of a datagram is not kept by the socket, so that holding the packet needs no copy.
      this.#held.set(packet.sequence, { packet, atMs });
      if (this.#held.size > REORDER_PACKETS) this.#giveUpOnMissing();
      return;
    }
    if (this.#held.size > 0) this.#stats.reorderedPackets += 1;
    this.#take(packet, atMs);
    this.#takeHeld();
  }

  /** Every 20 ms: what waited long enough goes on without the missing. */
  tick(nowMs: number): void {
    if (this.#held.size > 0) {
      for (const { atMs } of this.#held.values()) {
        if (nowMs - atMs >= REORDER_MS) {
          this.#giveUpOnMissing();
          break;
        }
      }
    }
    const event = this.#event;
    if (event && !event.ended && nowMs - event.lastMs >= EVENT_SILENCE_MS) this.#endEvent(nowMs);
  }

  #restart(packet: RtpPacket): void {
    this.#ssrc = packet.ssrc;
    this.#expected = packet.sequence;
    this.#nextTimestamp = undefined;
    this.#held.clear();
    this.#lost = 0;
    this.#filled = 0;
    if (this.#event && !this.#event.ended) this.#endEvent(this.#event.lastMs);
    this.#event = undefined;
  }

  #giveUpOnMissing(): void {
    while (this.#held.size > 0 && !this.#held.has(this.#expected)) {
      this.#expected = (this.#expected + 1) & 0xffff;
      this.#stats.lostPackets += 1;
      this.#lost += 1;
    }
    this.#takeHeld();
  }

  #takeHeld(): void {
    for (let next = this.#held.get(this.#expected); next; next = this.#held.get(this.#expected)) {
      this.#held.delete(this.#expected);
      this.#take(next.packet, next.atMs);
    }
  }

  #take(packet: RtpPacket, atMs: number): void {
    this.#expected = (packet.sequence + 1) & 0xffff;
    const { payloadType, payload } = packet;
    if (payloadType === 0 || payloadType === 8) this.#audio(packet, atMs);
    // Some peers use a number of their own for telephone-event ("liberal"): four bytes on a dynamic type are one.
    else if (payloadType === this.dtmfPayloadType || (payloadType >= 96 && payload.length === 4))
      this.#telephoneEvent(packet, atMs);
    else this.#lost = 0;
  }

  #audio({ payloadType, payload, timestamp }: RtpPacket, atMs: number): void {
    if (payload.length > this.#decoded.length) {
      this.#stats.malformedPackets += 1;
      return;
    }
    const lost = this.#lost;
    this.#lost = 0;
    if (lost > 0 && this.#conceal && this.#nextTimestamp !== undefined) {
      const missing = Math.floor(((timestamp - this.#nextTimestamp) >>> 0) / FRAME_SAMPLES);
      if (missing <= MAX_CONCEALED_FRAMES) {
        for (let i = 0; i < missing * FRAME_SAMPLES; i += FRAME_SAMPLES) {
          this.#pushSamples(SILENT, (this.#nextTimestamp + i) >>> 0, 0, atMs);
        }
      }
    }
    const samples = (payloadType === 8 ? codecs.PCMA : codecs.PCMU).decode(payload, this.#decoded);
    this.#pushSamples(samples.subarray(0, payload.length), timestamp, lost, atMs);
    this.#nextTimestamp = (timestamp + payload.length) >>> 0;
  }

  /** Cuts packets of any length into frames of 20 ms. */
  #pushSamples(samples: Int16Array, timestamp: number, lost: number, atMs: number): void {
    for (let at = 0; at < samples.length; ) {
      const part = samples.subarray(at, at + FRAME_SAMPLES - this.#filled);
      this.#frame.set(part, this.#filled);
      const start = (timestamp + at - this.#filled) >>> 0;
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === FRAME_SAMPLES) {
        this.#filled = 0;
        this.#events.frame(this.#frame, { timestamp: start, lost, atMs });
      }
    }
  }

  /** Packets of one event share its timestamp (RFC 4733 section 2.5.1.1); those of an earlier one, late, are told by it too. */
  #telephoneEvent({ payload, timestamp }: RtpPacket, atMs: number): void {
    this.#lost = 0;
    const digit = payload.length >= 4 ? digitOfEvent(payload[0] as number) : undefined;
    if (digit === undefined) return;
    const duration = ((payload[2] as number) << 8) | (payload[3] as number);
    const last = this.#event;
    if (last?.timestamp !== timestamp) {
      if (last && ((timestamp - last.timestamp) | 0) < 0) return;
      if (last && !last.ended) this.#endEvent(atMs);
      this.#event = { timestamp, digit, duration, lastMs: atMs, ended: false };
      this.#events.dtmfStart(digit);
    } else if (!last.ended) {
      last.duration = Math.max(last.duration, duration);
      last.lastMs = atMs;
    }
    if (((payload[1] as number) & 0x80) !== 0 && this.#event?.ended === false) this.#endEvent(atMs);
  }

  #endEvent(atMs: number): void {
    const event = this.#event;
    if (!event) return;
    event.ended = true;
    this.#events.dtmf({ digit: event.digit, durationMs: Math.round((event.duration * 1000) / SAMPLE_RATE), atMs });
  }
}

const SILENT = new Int16Array(FRAME_SAMPLES);
