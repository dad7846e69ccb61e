import { FRAME_SAMPLES } from '@ringback/dev-media';
import type { Prompt } from './prompt-library.ts';
import { correlation, type SampleRing } from './sample-ring.ts';

const GOOD_BLOCK = 0.7;
/** Audible blocks in a row that do not fit: the prompt has stopped (or another one is playing). */
const LOST_AFTER = 5;
/** Share of a prompt's energy that must have been heard to call it complete. */
const COMPLETE = 0.8;
const RESYNC_SAMPLES = 2 * FRAME_SAMPLES;
const RESYNC_SHIFT = 480;
const RESYNC_STEP = 80;
const SEARCH = new Int16Array(RESYNC_SAMPLES + 2 * RESYNC_SHIFT);

/** One prompt followed block by block through the stream, from where it may have begun. */
export class PromptTrack {
  readonly prompt: Prompt;
  /** Position in the stream of the prompt's first sample. */
  readonly start: number;
  /** Correlation of the beginning. */
  readonly proposed: number;
  /** Position in the stream after the last block that fitted. */
  end: number;
  good = 0;
  /** All blocks have been looked at. */
  complete = false;
  over = false;
  #offset: number;
  #block = 0;
  #weight = 0;
  #bad = 0;
  #resynced = false;
  #xy = 0;
  #xx = 0;
  #yy = 0;
  readonly #heard = new Int16Array(FRAME_SAMPLES);

  constructor(prompt: Prompt, start: number, proposed: number) {
    this.proposed = proposed;
    this.prompt = prompt;
    this.start = start;
    this.#offset = start;
    this.end = start + prompt.onset;
  }

  /** Correlation over all that fitted. */
  get score(): number {
    return this.#xx === 0 || this.#yy === 0 ? 0 : this.#xy / Math.sqrt(this.#xx * this.#yy);
  }

  get heardMs(): number {
    return ((this.end - this.start - this.prompt.onset) * 1000) / 8000;
  }

  advance(stream: SampleRing): void {
    const { prompt } = this;
    while (!this.over) {
      if (this.#block >= prompt.audible.length) {
        this.over = true;
        this.complete = this.#weight >= COMPLETE;
        if (this.complete) this.end = Math.max(this.end, this.#offset + prompt.end);
        return;
      }
      const from = prompt.onset + this.#block * FRAME_SAMPLES;
      const at = this.#offset + from;
      // A resynchronisation looks a little ahead of the block.
      if (at + RESYNC_SAMPLES + RESYNC_SHIFT > stream.length && this.#bad >= 2 && !this.#resynced) return;
      if (at + FRAME_SAMPLES > stream.length) return;
      if (this.#bad >= 2 && !this.#resynced && prompt.audible[this.#block] === 1) {
        this.#resynced = true;
        this.#resync(stream, from);
        continue;
      }
      this.#judge(stream, from, at);
      this.#block += 1;
    }
  }

  #judge(stream: SampleRing, from: number, at: number): void {
    const { prompt } = this;
    if (prompt.audible[this.#block] !== 1) return;
    stream.copy(at, this.#heard);
    let xy = 0;
    let xx = 0;
    let yy = 0;
    for (let i = 0; i < FRAME_SAMPLES; i += 1) {
      const x = prompt.samples[from + i] as number;
      const y = this.#heard[i] as number;
      xy += x * y;
      xx += x * x;
      yy += y * y;
    }
    if (yy > 0 && xy / Math.sqrt(xx * yy) >= GOOD_BLOCK) {
      this.good += 1;
      this.#weight += this.prompt.weight[this.#block] ?? 0;
      this.#bad = 0;
      this.#resynced = false;
      this.end = at + FRAME_SAMPLES;
      this.#xy += xy;
      this.#xx += xx;
      this.#yy += yy;
      return;
    }
    this.#bad += 1;
    if (this.#bad >= LOST_AFTER) this.over = true;
  }

  /** Lost or doubled packets move the rest of the prompt by some frames. */
  #resync(stream: SampleRing, from: number): void {
    stream.copy(this.#offset + from - RESYNC_SHIFT, SEARCH);
    let best = 0.9;
    let shift = 0;
    for (let each = -RESYNC_SHIFT; each <= RESYNC_SHIFT; each += RESYNC_STEP) {
      const r = correlation(this.prompt.samples, from, SEARCH, RESYNC_SHIFT + each, RESYNC_SAMPLES);
      if (r > best) {
        best = r;
        shift = each;
      }
    }
    this.#offset += shift;
  }
}
