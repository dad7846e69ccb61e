import { FRAME_SAMPLES, SAMPLE_RATE } from '@ringback/dev-media';
import type { Prompt, PromptLibrary, Template } from './prompt-library.ts';
import { PromptTrack } from './prompt-track.ts';
import { correlation, SampleRing } from './sample-ring.ts';
import { notch } from './notch.ts';
import { BANDS, bandEnergies, type FrameShape, shapeDistance, WINDOW } from './spectrum.ts';

/** Mean differences in dB up to which the loudest frame, then the whole beginning, may be a prompt's. */
const GATE_DB = 2;
const BEGINNING_DB = 1.2;
const AUDIBLE = 40;
/** Samples to either side of a proposed start that the correlation looks at. */
const SEARCH = 48;
const MIN_CORRELATION = 0.6;
const PROBE = 320;
/** What a truncated prompt must have shown to be named. */
const MIN_HEARD_MS = 500;
const MIN_SCORE = 0.75;
const RING = 1 << 16;
const HISTORY = 64;

export interface Recognised {
  id: string;
  lang: string;
  /** In the stream: of the first sample of the prompt's file, and of the last that was heard of it. */
  startMs: number;
  endMs: number;
  /** Correlation over all that fitted, up to 1. */
  score: number;
  /** Played to its end. */
  complete: boolean;
  /** Prompts that fit as well (same recording, or cut off where they do not yet differ). */
  alternatives: string[];
}

/**
 * Finds prompts in a stream of PCM: the spectrum's shape proposes beginnings (cheap), correlation of the samples decides (certain, as the
 * path is nearly lossless), every candidate is followed block by block, and among those that overlap the one that explains most wins.
 */
export class PromptRecogniser {
  readonly #library: PromptLibrary;
  readonly #notches: ((samples: Int16Array) => Int16Array)[];
  readonly #stream = new SampleRing(RING);
  readonly #window = new Int16Array(WINDOW);
  readonly #heard = new Int16Array(4096);
  /** Band energies of the last frames, by number modulo HISTORY. */
  readonly #energies = new Float32Array(HISTORY * BANDS);
  /** Templates whose gate was passed, by the number (modulo HISTORY) of the frame with which they can be compared whole. */
  readonly #proposed = Array.from({ length: HISTORY }, () => new Set<Template>());
  #frames = 0;
  #running: PromptTrack[] = [];
  #finished: PromptTrack[] = [];
  /** Starts looked at lately, so that the four phases and neighbouring frames do not ask again. */
  #looked: { prompt: Prompt; start: number }[] = [];
  /** Tracks already announced as begun. */
  readonly #announced = new WeakSet<PromptTrack>();
  #explainedTo = 0;
  /** A prompt has ended. */
  onPrompt: ((prompt: Recognised) => void) | undefined;
  /** A prompt is playing: half a second of it was heard (or all of a shorter one) and nothing else fits as well. */
  onBegin: ((prompt: Recognised) => void) | undefined;

  constructor(library: PromptLibrary) {
    this.#library = library;
    this.#notches = library.notchHz.map(notch);
  }

  /** Milliseconds of audio received. */
  get positionMs(): number {
    return (this.#stream.length * 1000) / SAMPLE_RATE;
  }

  /** Any number of samples. */
  push(samples: Int16Array): void {
    for (let at = 0; at < samples.length; at += FRAME_SAMPLES) {
      this.#stream.push(
        this.#notches.reduce((heard, filter) => filter(heard), samples.subarray(at, at + FRAME_SAMPLES)),
      );
      while (this.#stream.length >= this.#frames * FRAME_SAMPLES + WINDOW) this.#analyse();
      for (const track of this.#running) track.advance(this.#stream);
      this.#settle(false);
    }
  }

  /** The stream is over: names what is still open. */
  end(): void {
    this.push(new Int16Array(FRAME_SAMPLES * 12));
    for (const track of this.#running) track.over = true;
    this.#settle(true);
  }

  #analyse(): void {
    const frame = this.#frames;
    this.#frames += 1;
    this.#stream.copy(frame * FRAME_SAMPLES, this.#window);
    const slot = frame % HISTORY;
    const loudness = bandEnergies(this.#window, 0, this.#energies, slot * BANDS);
    if (loudness >= AUDIBLE) {
      this.#library.gates.open(this.#energies, slot * BANDS, GATE_DB, (template, gate) => {
        const first = frame - gate;
        const due = first + template.frames.length - 1;
        if (first < 0) return;
        const proposed = this.#proposed[due % HISTORY] as Set<Template>;
        proposed.add(template);
      });
    }
    // A gate is at the latest the template's last frame, so what was proposed for this frame is complete now.
    const proposed = this.#proposed[slot] as Set<Template>;
    for (const template of proposed) this.#compare(template, frame - template.frames.length + 1);
    proposed.clear();
  }

  #compare(template: Template, first: number): void {
    const { frames } = template;
    // A lost packet spoils up to three frames: the worst of a long beginning do not count.
    const spare = frames.length >= 9 ? 3 : 0;
    const limit = BEGINNING_DB * (frames.length - spare);
    let sum = 0;
    let worst = 0;
    let second = 0;
    let third = 0;
    for (let i = 0; i < frames.length; i += 1) {
      const distance = shapeDistance(this.#energies, ((first + i) % HISTORY) * BANDS, frames[i] as FrameShape);
      sum += distance;
      if (spare > 0) {
        if (distance > worst) {
          third = second;
          second = worst;
          worst = distance;
        } else if (distance > second) {
          third = second;
          second = distance;
        } else if (distance > third) third = distance;
      }
      if (sum - worst - second - third > limit) return;
    }
    const { prompt } = template;
    this.#verify(prompt, first * FRAME_SAMPLES - template.phase - prompt.onset, frames.length);
  }

  #verify(prompt: Prompt, estimate: number, frames: number): void {
    if (this.#looked.some((each) => each.prompt === prompt && Math.abs(each.start - estimate) <= 30)) return;
    this.#looked.push({ prompt, start: estimate });
    if (this.#looked.length > 200) this.#looked = this.#looked.slice(100);
    const length = Math.min(frames * FRAME_SAMPLES, prompt.end - prompt.onset);
    const heard = this.#stream.copy(estimate + prompt.onset - SEARCH, this.#heard.subarray(0, length + 2 * SEARCH));
    // Every lag on the loudest 40 ms first, then the whole beginning at the best of them.
    const probe = Math.min(PROBE, length);
    const lag = bestLag(prompt.samples, prompt.onset, heard, Math.min(prompt.loudest, length - probe), probe);
    const best = correlation(prompt.samples, prompt.onset, heard, lag, length);
    if (best < MIN_CORRELATION) return;
    const start = estimate + lag - SEARCH;
    const near = (track: PromptTrack): boolean =>
      track.prompt === prompt && Math.abs(track.start - start) < FRAME_SAMPLES;
    // A proposal some milliseconds off correlates a little, one pitch period away: the closest fit is the one to follow.
    if (start + prompt.onset < this.#explainedTo - FRAME_SAMPLES || this.#finished.some(near)) return;
    if (this.#running.some((track) => near(track) && track.proposed >= best)) return;
    this.#running = this.#running.filter((track) => !near(track));
    const track = new PromptTrack(prompt, start, best);
    track.advance(this.#stream);
    this.#running.push(track);
  }

  #settle(all: boolean): void {
    const done = this.#running.filter((track) => track.over);
    if (done.length > 0) {
      this.#running = this.#running.filter((track) => !track.over);
      this.#finished.push(
        ...done.filter((track) => track.complete || (track.heardMs >= MIN_HEARD_MS && track.score >= MIN_SCORE)),
      );
    }
    this.#announce();
    while (this.#finished.length > 0) {
      const best = this.#finished.reduce((a, b) => (better(b, a) ? b : a));
      // Somebody still running may come to explain more.
      if (!all && this.#running.some((track) => overlap(track, best) > 0 && track.good >= best.good / 2)) return;
      if (!all && this.#running.some((track) => overlap(track, best) > 0 && better(track, best))) return;
      const rivals = this.#finished.filter((track) => track !== best && overlap(track, best) > 0.3);
      const alternatives = rivals.filter((track) => asGood(track, best)).map((track) => track.prompt.id);
      this.#finished = this.#finished.filter((track) => track !== best && !rivals.includes(track));
      this.#running = this.#running.filter(
        (track) => overlap(track, best) <= 0.3 || track.start >= best.end - FRAME_SAMPLES,
      );
      this.#explainedTo = Math.max(this.#explainedTo, best.end);
      if (!this.#announced.has(best)) this.onBegin?.(this.#report(best, alternatives));
      this.#announced.add(best);
      this.onPrompt?.(this.#report(best, alternatives));
    }
  }

  #announce(): void {
    for (const track of this.#running) {
      if (this.#announced.has(track) || track.heardMs < MIN_HEARD_MS || track.score < MIN_SCORE) continue;
      const rivals = [...this.#running, ...this.#finished].filter(
        (other) => other !== track && overlap(other, track) > 0.3,
      );
      if (rivals.some((other) => other.good >= track.good - 3)) continue;
      this.#announced.add(track);
      this.onBegin?.(this.#report(track, []));
    }
  }

  #report(track: PromptTrack, alternatives: string[]): Recognised {
    const { prompt } = track;
    return {
      id: prompt.id,
      lang: prompt.lang,
      startMs: (track.start * 1000) / SAMPLE_RATE,
      endMs: (track.end * 1000) / SAMPLE_RATE,
      score: track.score,
      complete: track.complete,
      alternatives,
    };
  }
}

/** Where `length` samples of the prompt, `at` after its onset, fit best into what was heard: 0..2·SEARCH. */
function bestLag(prompt: Int16Array, onset: number, heard: Int16Array, at: number, length: number): number {
  let energy = 1;
  for (let i = 0; i < length; i += 1) energy += (heard[at + i] as number) ** 2;
  let best = -1;
  let lag = 0;
  for (let each = 0; each <= 2 * SEARCH; each += 1) {
    let product = 0;
    for (let i = 0; i < length; i += 1)
      product += (prompt[onset + at + i] as number) * (heard[at + each + i] as number);
    const r = product / Math.sqrt(energy);
    if (r > best) {
      best = r;
      lag = each;
    }
    energy += (heard[at + each + length] ?? 0) ** 2 - (heard[at + each] as number) ** 2;
  }
  return lag;
}

/** Share of the shorter of two tracks that lies within the other. */
function overlap(a: PromptTrack, b: PromptTrack): number {
  const aFrom = a.start + a.prompt.onset;
  const bFrom = b.start + b.prompt.onset;
  const common = Math.min(a.end, b.end) - Math.max(aFrom, bFrom);
  const shorter = Math.min(a.end - aFrom, b.end - bFrom);
  return common <= 0 || shorter <= 0 ? 0 : common / shorter;
}

/** Does `a` explain more than `b`? More blocks; among (nearly) equals one that was complete; then the closer fit. */
function better(a: PromptTrack, b: PromptTrack): boolean {
  if (Math.abs(a.good - b.good) > 2) return a.good > b.good;
  if (a.complete !== b.complete) return a.complete;
  return a.score > b.score;
}

function asGood(a: PromptTrack, b: PromptTrack): boolean {
  return Math.abs(a.good - b.good) <= 2 && a.complete === b.complete && Math.abs(a.score - b.score) < 0.02;
}
