import { FRAME_MS, goertzel } from '@ringback/dev-media';

/** Root mean square below which a frame is silence (−60 dBFS). */
const SILENCE = 33;
/** Share of a frame's power that one frequency must have to be called a tone. */
const TONE_SHARE = 0.6;

/** `tone`: one of the frequencies listened for; `sound`: anything else that can be heard. */
export interface Stretch {
  kind: 'silence' | 'sound' | 'tone';
  hz: number | undefined;
  startMs: number;
  endMs: number;
}

/** Says for each 20 ms what kind of sound it was, in stretches. */
export class ToneListener {
  readonly #frequencies: readonly number[];
  readonly stretches: Stretch[] = [];
  #positionMs = 0;

  constructor(frequencies: readonly number[]) {
    this.#frequencies = frequencies;
  }

  push(frame: Int16Array): void {
    const { kind, hz } = this.#classify(frame);
    const last = this.stretches.at(-1);
    const endMs = this.#positionMs + FRAME_MS;
    if (last?.kind === kind && last.hz === hz) last.endMs = endMs;
    else this.stretches.push({ kind, hz, startMs: this.#positionMs, endMs });
    this.#positionMs = endMs;
  }

  /** How many ms of that tone were heard from `fromMs` to `toMs` of the stream. */
  toneMs(hz: number, fromMs = 0, toMs = Infinity): number {
    return this.#total((stretch) => stretch.kind === 'tone' && stretch.hz === hz, fromMs, toMs);
  }

  /** The longest stretch without that tone from `fromMs` to the end of what was heard, in ms. */
  longestGapMs(hz: number, fromMs: number): number {
    let gap = 0;
    let heardTo = fromMs;
    for (const stretch of this.stretches) {
      if (stretch.kind !== 'tone' || stretch.hz !== hz || stretch.endMs <= fromMs) continue;
      gap = Math.max(gap, stretch.startMs - heardTo);
      heardTo = stretch.endMs;
    }
    return Math.max(gap, this.#positionMs - heardTo);
  }

  /** How many ms were not silent. */
  audibleMs(fromMs = 0, toMs = Infinity): number {
    return this.#total((stretch) => stretch.kind !== 'silence', fromMs, toMs);
  }

  /** Stretches of 425 Hz of about a second, four of silence apart (ITU-T E.180's ringback of most of Europe): their starts in ms. */
  ringbacks(fromMs = 0): number[] {
    const bursts = this.stretches.filter(({ kind, hz, startMs, endMs }) => {
      return kind === 'tone' && hz === 425 && startMs >= fromMs && endMs - startMs >= 800 && endMs - startMs <= 1300;
    });
    return bursts.filter((burst) => burst.endMs < this.#positionMs).map(({ startMs }) => startMs);
  }

  #total(wanted: (stretch: Stretch) => boolean, fromMs: number, toMs: number): number {
    let sum = 0;
    for (const stretch of this.stretches) {
      if (wanted(stretch)) sum += Math.max(0, Math.min(stretch.endMs, toMs) - Math.max(stretch.startMs, fromMs));
    }
    return sum;
  }

  #classify(frame: Int16Array): { kind: Stretch['kind']; hz: number | undefined } {
    let power = 0;
    for (const sample of frame) power += sample * sample;
    power /= frame.length;
    if (power < SILENCE * SILENCE) return { kind: 'silence', hz: undefined };
    for (const hz of this.#frequencies) {
      if (goertzel(frame, 0, frame.length, hz) / 2 >= TONE_SHARE * power) return { kind: 'tone', hz };
    }
    return { kind: 'sound', hz: undefined };
  }
}
