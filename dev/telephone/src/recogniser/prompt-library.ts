import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { FRAME_SAMPLES, readWav } from '@ringback/dev-media';
import { Gates } from './gates.ts';
import { notch } from './notch.ts';
import { BANDS, bandEnergies, type FrameShape, frameShape, WINDOW } from './spectrum.ts';

/** Templates are made for starts at 0, 5, 10 and 15 ms of the stream's 20 ms grid. */
export const PHASES = 4;
const PHASE_SAMPLES = FRAME_SAMPLES / PHASES;
/** Frames of a prompt's beginning by which it is proposed: about 0.3 s. */
const MAX_FRAMES = 14;
/** Root mean square below which a block says nothing: next to the quantisation steps of G.711, or 45 dB below the prompt's loudest. */
const QUIET = 60;
const QUIET_RATIO = 0.006;

export interface Template {
  prompt: Prompt;
  /** Samples from `prompt.onset` to the first window. */
  phase: number;
  frames: readonly FrameShape[];
  /** Frames looked at first: the loudest, and the loudest that is well apart from it (a packet may be lost). */
  gates: readonly number[];
}

export interface Prompt {
  id: string;
  lang: string;
  samples: Int16Array;
  /** First and last sample (exclusive) that can be heard. */
  onset: number;
  end: number;
  /** For each block of 160 samples from `onset`: is it loud enough to compare? */
  audible: Uint8Array;
  /** For each block: its share of the energy of all audible ones. */
  weight: Float32Array;
  templates: Template[];
  /** Samples from the onset to the loudest block of the first 0.2 s. */
  loudest: number;
}

/** Prompts as they should sound. They have to come from the catalogue of texts, not from the files that are played: else files exchanged
 * with one another would be recognised as what they are named. */
export class PromptLibrary {
  readonly prompts: readonly Prompt[];
  readonly gates: Gates;
  readonly notchHz: readonly number[];

  /** `notchHz`: as the prompts were prepared. */
  constructor(prompts: readonly Prompt[], notchHz: readonly number[] = []) {
    this.prompts = prompts;
    this.notchHz = notchHz;
    this.gates = new Gates(prompts.flatMap((prompt) => prompt.templates));
  }

  /** Reads `<directory>/<lang>/**\/<id>.wav`, the id being the path without `.wav`. `notchHz`: frequencies taken out
   * of prompts and stream alike, so that a marker tone may sound together with a prompt. Throws for a file that cannot be read or is silent. */
  static load(
    directory: string,
    options: { languages?: readonly string[]; notchHz?: readonly number[] } = {},
  ): PromptLibrary {
    const { languages, notchHz = [] } = options;
    const prompts: Prompt[] = [];
    for (const lang of languages ?? readdirSync(directory)) {
      for (const file of readdirSync(join(directory, lang), { recursive: true, encoding: 'utf8' }).sort()) {
        if (!file.endsWith('.wav')) continue;
        const id = file.slice(0, -4);
        prompts.push(preparePrompt(lang, id, readWav(join(directory, lang, file)), notchHz));
      }
    }
    if (prompts.length === 0) throw new Error(`there are no prompt files under ${directory}`);
    return new PromptLibrary(prompts, notchHz);
  }
}

/** Throws when nothing can be heard in the samples. */
export function preparePrompt(lang: string, id: string, original: Int16Array, notchHz: readonly number[] = []): Prompt {
  const samples = notchHz.reduce((filtered, hz) => notch(hz)(filtered), original);
  const loudness = (start: number): number => {
    let sum = 0;
    for (let i = start; i < start + FRAME_SAMPLES; i += 1) sum += (samples[i] ?? 0) ** 2;
    return Math.sqrt(sum / FRAME_SAMPLES);
  };
  let loudest = 0;
  for (let at = 0; at < samples.length; at += FRAME_SAMPLES) loudest = Math.max(loudest, loudness(at));
  const quiet = Math.max(QUIET, loudest * QUIET_RATIO);
  if (loudest <= QUIET) throw new Error(`the prompt ${lang}/${id} is silent`);
  let onset = 0;
  while (loudness(onset) <= quiet) onset += 40;
  let end = samples.length;
  while (end > onset + FRAME_SAMPLES && loudness(end - FRAME_SAMPLES) <= quiet) end -= 40;
  const blocks = Math.floor((end - onset) / FRAME_SAMPLES);
  const audible = Uint8Array.from({ length: blocks }, (_, block) =>
    loudness(onset + block * FRAME_SAMPLES) > quiet ? 1 : 0,
  );
  const energies = Array.from(audible, (heard, block) => heard * loudness(onset + block * FRAME_SAMPLES) ** 2);
  const total = energies.reduce((sum, energy) => sum + energy, 0);
  const weight = Float32Array.from(energies, (energy) => energy / total);
  const prompt: Prompt = { id, lang, samples, onset, end, audible, weight, templates: [], loudest: 0 };
  const beginning = energies.slice(0, 10);
  prompt.loudest = Math.max(0, beginning.indexOf(Math.max(...beginning))) * FRAME_SAMPLES;
  for (let phase = 0; phase < PHASES; phase += 1) prompt.templates.push(template(prompt, phase * PHASE_SAMPLES));
  return prompt;
}

function template(prompt: Prompt, phase: number): Template {
  const usable = Math.floor((prompt.end - prompt.onset - phase - WINDOW) / FRAME_SAMPLES) + 1;
  const energies = new Float32Array(BANDS);
  const loudness: number[] = [];
  const frames = Array.from({ length: Math.max(1, Math.min(MAX_FRAMES, usable)) }, (_, frame) => {
    loudness.push(bandEnergies(prompt.samples, prompt.onset + phase + frame * FRAME_SAMPLES, energies, 0));
    return frameShape(energies, 0);
  });
  const byLoudness = frames.map((_, frame) => frame).sort((a, b) => (loudness[b] ?? 0) - (loudness[a] ?? 0));
  const [first = 0] = byLoudness;
  const second = byLoudness.find((frame) => Math.abs(frame - first) > 3);
  return { prompt, phase, frames, gates: second === undefined ? [first] : [first, second] };
}
