import { type Codec, type DtmfSendOptions, FRAME_SAMPLES, type Frame, type FrameSource, SAMPLE_RATE } from './api.ts';
import { dtmfTone, eventOfDigit } from './dtmf.ts';
import { rtpBuffer } from './rtp-packet.ts';

/** RFC 4733 section 2.5.1.4: the packet that ends an event is sent three times. */
const END_PACKETS = 3;
/** So many ticks with nothing to send are a pause: 200 ms. */
const PAUSE_FRAMES = 10;
/** -10 dBm0 (RFC 4733 section 2.3.3: the power level without its sign). */
const VOLUME = 10;

interface QueuedDigit {
  digit: string;
  /** Samples. */
  duration: number;
  gap: number;
  done: () => void;
}

interface RunningEvent extends QueuedDigit {
  event: number;
  timestamp: number;
  elapsed: number;
  endsSent: number;
}

/** Makes the packets of one direction: one a tick. */
export class RtpSender {
  codec: Codec;
  dtmfPayloadType: number | undefined;
  source: FrameSource | undefined;
  readonly #silenceWhenIdle: boolean;
  readonly #ssrc: number;
  #sequence: number;
  #timestamp: number;
  #talking = false;
  readonly #digits: QueuedDigit[] = [];
  #event: RunningEvent | undefined;
  #tone: { samples: Int16Array; at: number; done: () => void } | undefined;
  #pause = 0;
  #idle = 0;

  constructor(options: {
    codec: Codec;
    dtmfPayloadType: number | undefined;
    silenceWhenIdle: boolean;
    randomUint32: () => number;
  }) {
    this.codec = options.codec;
    this.dtmfPayloadType = options.dtmfPayloadType;
    this.#silenceWhenIdle = options.silenceWhenIdle;
    this.#ssrc = options.randomUint32() >>> 0;
    this.#sequence = options.randomUint32() & 0xffff;
    this.#timestamp = options.randomUint32() >>> 0;
  }

  /** Queues digits. Throws RangeError for anything but 0-9 * # A-D. */
  dial(digits: string, options: DtmfSendOptions): Promise<void> {
    for (const digit of digits) {
      if (eventOfDigit(digit) === undefined) throw new RangeError('not a DTMF digit');
    }
    if (digits === '') return Promise.resolve();
    // An event lasts at most 0xffff timestamp units (RFC 4733 section 2.3.5).
    const duration = Math.min(
      0xffff,
      Math.max(FRAME_SAMPLES, Math.round(((options.durationMs ?? 100) * SAMPLE_RATE) / 1000)),
    );
    const gap = Math.round(((options.gapMs ?? 60) * SAMPLE_RATE) / 1000);
    return new Promise((resolve) => {
      [...digits].forEach((digit, index) => {
        this.#digits.push({ digit, duration, gap, done: index === digits.length - 1 ? resolve : () => undefined });
      });
    });
  }

  /**
   * The datagram due now, if any. The time of the stream goes on either way: but in a pause only once it is one. On a
   * busy machine who writes the audio comes late; what he writes then follows what he wrote before, with no hole.
   * `late`: the tick makes up for one that was missed; who writes has missed it as well.
   */
  tick(late: boolean): Buffer | undefined {
    const packet = this.#packet();
    if (packet) {
      this.#idle = 0;
      this.#pass(1);
    } else if (!late) {
      this.#idle += 1;
      if (this.#idle > PAUSE_FRAMES) this.#pass(1);
      else if (this.#idle === PAUSE_FRAMES) {
        this.#talking = false;
        this.#pass(PAUSE_FRAMES);
      }
    }
    return packet;
  }

  #pass(frames: number): void {
    this.#timestamp = (this.#timestamp + frames * FRAME_SAMPLES) >>> 0;
  }

  close(): void {
    const waiting = [
      ...this.#digits.splice(0),
      ...(this.#event ? [this.#event] : []),
      ...(this.#tone ? [this.#tone] : []),
    ];
    this.#event = undefined;
    this.#tone = undefined;
    for (const { done } of waiting) done();
  }

  #packet(): Buffer | undefined {
    if (!this.#event && !this.#tone && this.#pause <= 0) this.#nextDigit();
    if (this.#event) return this.#eventPacket(this.#event);
    if (this.#tone) return this.#audio(this.#toneFrame(this.#tone));
    if (this.#pause > 0) this.#pause -= FRAME_SAMPLES;
    const frame = this.source?.pull();
    if (frame) return this.#audio(frame);
    return this.#silenceWhenIdle ? this.#audio(undefined) : undefined;
  }

  #nextDigit(): void {
    const next = this.#digits.shift();
    const event = eventOfDigit(next?.digit ?? '');
    if (!next || event === undefined) return;
    if (this.dtmfPayloadType === undefined) {
      this.#tone = { samples: dtmfTone(next.digit, (next.duration * 1000) / SAMPLE_RATE), at: 0, done: next.done };
      this.#pause = next.gap;
    } else this.#event = { ...next, event, timestamp: this.#timestamp, elapsed: 0, endsSent: 0 };
  }

  #eventPacket(running: RunningEvent): Buffer {
    const first = running.elapsed === 0;
    running.elapsed = Math.min(running.duration, running.elapsed + FRAME_SAMPLES);
    const ended = running.elapsed >= running.duration;
    const packet = rtpBuffer(this.#header(this.dtmfPayloadType ?? 101, first, running.timestamp), 4);
    packet[12] = running.event;
    packet[13] = (ended ? 0x80 : 0) | VOLUME;
    packet.writeUInt16BE(running.elapsed, 14);
    if (ended) {
      running.endsSent += 1;
      if (running.endsSent === END_PACKETS) {
        this.#event = undefined;
        this.#pause = Math.max(0, running.gap - (END_PACKETS - 1) * FRAME_SAMPLES);
        this.#talking = false;
        running.done();
      }
    }
    return packet;
  }

  #toneFrame(tone: { samples: Int16Array; at: number; done: () => void }): Frame {
    const frame = new Int16Array(FRAME_SAMPLES);
    frame.set(tone.samples.subarray(tone.at, tone.at + FRAME_SAMPLES));
    tone.at += FRAME_SAMPLES;
    if (tone.at >= tone.samples.length) {
      this.#tone = undefined;
      tone.done();
    }
    return frame;
  }

  #audio(frame: Frame | undefined): Buffer {
    const packet = rtpBuffer(this.#header(this.codec.payloadType, !this.#talking, this.#timestamp), FRAME_SAMPLES);
    this.#talking = true;
    const payload = packet.subarray(12);
    if (frame) this.codec.encode(frame, payload);
    else payload.fill(this.codec.silence);
    return packet;
  }

  #header(payloadType: number, marker: boolean, timestamp: number) {
    const sequence = this.#sequence;
    this.#sequence = (this.#sequence + 1) & 0xffff;
    return { payloadType, marker, sequence, timestamp, ssrc: this.#ssrc };
  }
}
