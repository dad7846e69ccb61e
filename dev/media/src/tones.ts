import { FRAME_SAMPLES, type Frame, type FrameSource, SAMPLE_RATE } from './api.ts';

export interface ToneStep {
  /** Hz; none: silence. */
  frequencies: readonly number[];
  ms: number;
}

/** A cadence of tones. */
export interface Tone {
  steps: readonly ToneStep[];
  /** Repeat the steps for ever. Default true. */
  loop?: boolean;
  /** Peak of each frequency, 0..1 of full scale. Default 0.15 (about −16.5 dBFS). */
  level?: number;
}

/** Ringback and busy by ISO country (ITU-T E.180 annex); `DEFAULT` for all others. */
const RINGBACK: Readonly<Record<string, readonly ToneStep[]>> = {
  DEFAULT: [
    { frequencies: [425], ms: 1000 },
    { frequencies: [], ms: 4000 },
  ],
  US: [
    { frequencies: [440, 480], ms: 2000 },
    { frequencies: [], ms: 4000 },
  ],
  GB: [
    { frequencies: [400, 450], ms: 400 },
    { frequencies: [], ms: 200 },
    { frequencies: [400, 450], ms: 400 },
    { frequencies: [], ms: 2000 },
  ],
  FR: [
    { frequencies: [440], ms: 1500 },
    { frequencies: [], ms: 3500 },
  ],
};
const BUSY: Readonly<Record<string, readonly ToneStep[]>> = {
  DEFAULT: [
    { frequencies: [425], ms: 500 },
    { frequencies: [], ms: 500 },
  ],
  US: [
    { frequencies: [480, 620], ms: 500 },
    { frequencies: [], ms: 500 },
  ],
  GB: [
    { frequencies: [400], ms: 375 },
    { frequencies: [], ms: 375 },
  ],
};

export function ringbackTone(country = 'DEFAULT'): Tone {
  return { steps: RINGBACK[country] ?? RINGBACK.DEFAULT ?? [] };
}

export function busyTone(country = 'DEFAULT'): Tone {
  return { steps: BUSY[country] ?? BUSY.DEFAULT ?? [] };
}

/** One frequency, for `ms` or without end: proves who hears whom. */
export function steadyTone(frequency: number, ms?: number): Tone {
  return { steps: [{ frequencies: [frequency], ms: ms ?? 1000 }], loop: ms === undefined };
}

/**
 * FreeSWITCH's tone_stream / TGML `%(on,off,f1[,f2…])`, several joined by `;`, with `loops=N` (−1: for ever); `v=` and others are
 * ignored. Undefined when it cannot be read.
 */
export function parseTgml(text: string): { tone: Tone; loops: number } | undefined {
  const steps: ToneStep[] = [];
  let loops = 1;
  for (const part of text.split(';')) {
    const item = part.trim();
    if (item === '') continue;
    const loop = /^(?:loops|L)\s*=\s*(-?\d+)$/i.exec(item);
    if (loop) {
      loops = Number(loop[1]);
      continue;
    }
    if (/^[a-z]+\s*=/i.test(item)) continue;
    const tone = /^%\(\s*(\d+)\s*,\s*(\d+)\s*((?:,\s*\d+(?:\.\d+)?\s*)*)\)$/.exec(item);
    if (!tone) return undefined;
    const frequencies = (tone[3] ?? '')
      .split(',')
      .map((hz) => Number(hz.trim()))
      .filter((hz) => hz > 0);
    steps.push({ frequencies, ms: Number(tone[1]) });
    if (Number(tone[2]) > 0) steps.push({ frequencies: [], ms: Number(tone[2]) });
  }
  return steps.length === 0 ? undefined : { tone: { steps, loop: false }, loops };
}

/** Renders steps to samples, once through. */
export function renderTone(tone: Tone): Int16Array {
  const level = (tone.level ?? 0.15) * 32_767;
  const total = tone.steps.reduce((sum, step) => sum + samplesOfMs(step.ms), 0);
  const out = new Int16Array(total);
  let at = 0;
  for (const { frequencies, ms } of tone.steps) {
    const length = samplesOfMs(ms);
    for (const hz of frequencies) {
      // Continuous phase over the repetitions of a loop where a whole number of periods fits (all national tones): no clicks.
      const step = (2 * Math.PI * hz) / SAMPLE_RATE;
      for (let i = 0; i < length; i += 1) out[at + i] = (out[at + i] ?? 0) + Math.round(level * Math.sin(step * i));
    }
    at += length;
  }
  return out;
}

function samplesOfMs(ms: number): number {
  return Math.round((ms * SAMPLE_RATE) / 1000);
}

/** Plays a tone; a looping one never ends. */
export class ToneSource implements FrameSource {
  readonly #samples: Int16Array;
  #loops: number;
  #at = 0;
  readonly #frame = new Int16Array(FRAME_SAMPLES);

  /** `loops`: how often a tone that does not loop is played (−1: for ever). */
  constructor(tone: Tone, loops = 1) {
    this.#samples = renderTone(tone);
    this.#loops = tone.loop === false ? loops : -1;
  }

  pull(): Frame | undefined {
    if (this.#loops === 0 || this.#samples.length === 0) return undefined;
    this.#frame.fill(0);
    for (let filled = 0; filled < FRAME_SAMPLES && this.#loops !== 0; ) {
      const part = this.#samples.subarray(this.#at, this.#at + FRAME_SAMPLES - filled);
      this.#frame.set(part, filled);
      filled += part.length;
      this.#at += part.length;
      if (this.#at >= this.#samples.length) {
        this.#at = 0;
        if (this.#loops > 0) this.#loops -= 1;
      }
    }
    return this.#frame;
  }
}
