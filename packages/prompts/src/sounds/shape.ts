import type { Entry } from '../catalogue.ts';
import { SAMPLE_RATE } from './wav.ts';

const MS = SAMPLE_RATE / 1000;
const BLOCK = 5 * MS;
/** A block this far below the loudest is silence; a final f or s is not far above. */
const SILENCE = 10 ** (-52 / 20);
/** Speech, for the measure of loudness. */
const SPEECH = 10 ** (-26 / 20);
/** Mean loudness of speech: −20 dB of full scale. */
const LOUDNESS = 32_768 * 10 ** (-20 / 20);
/** −1.5 dB of full scale: above it G.711 would clip. */
const PEAK = 32_768 * 10 ** (-1.5 / 20);
const LEAD_MS = 10;
/** Silence after a sound, by what it ends, so that sentences flow. */
const TAIL_MS: Record<Entry['ends'], number> = { word: 25, phrase: 160, sentence: 320 };

/** Trims silence, levels loudness, and gives the pause that belongs after it. @throws {Error} for silence. */
export function shape(samples: Int16Array, ends: Entry['ends']): Int16Array {
  const levels = blockLevels(samples);
  const loudest = Math.max(0, ...levels);
  if (loudest < 10) throw new Error('nothing to be heard');
  const first = levels.findIndex((level) => level > loudest * SILENCE);
  const last = levels.findLastIndex((level) => level > loudest * SILENCE);
  const from = Math.max(0, first * BLOCK - LEAD_MS * MS);
  const to = Math.min(samples.length, (last + 1) * BLOCK + LEAD_MS * MS);
  const gain = gainOf(samples, levels, loudest);
  const shaped = new Int16Array(to - from + TAIL_MS[ends] * MS);
  const fade = LEAD_MS * MS;
  for (let index = from; index < to; index += 1) {
    const edge = Math.min(1, (index - from) / fade, (to - 1 - index) / fade);
    shaped[index - from] = Math.round((samples[index] ?? 0) * gain * edge);
  }
  return shaped;
}

function gainOf(samples: Int16Array, levels: readonly number[], loudest: number): number {
  const speech = levels.filter((level) => level > loudest * SPEECH);
  const mean = Math.sqrt(speech.reduce((sum, level) => sum + level * level, 0) / speech.length);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1);
  return Math.min(LOUDNESS / mean, PEAK / peak);
}

/** Root mean square of each block of 5 ms. */
export function blockLevels(samples: Int16Array): number[] {
  const levels: number[] = [];
  for (let at = 0; at < samples.length; at += BLOCK) {
    const block = samples.subarray(at, at + BLOCK);
    levels.push(Math.sqrt(block.reduce((sum, sample) => sum + sample * sample, 0) / block.length));
  }
  return levels;
}
