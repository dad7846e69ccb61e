import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../catalogue.ts';
import type { Language } from '../language.ts';

/** Changes when {@link Entry}s are to be spoken anew although their texts are the same. */
const RECIPE = 2;

/** sounds/<lang>/manifest.json: of each sound that was made, what it was made of and what came out. */
export type Manifest = Record<string, { text: string; sound: string }>;

/**
 * What is to be said of one sound. `recording`: somebody's own file, never to be overwritten; `outdated_recording`: the
 * same, and the text has changed since; `orphan`: made for a text that is no more.
 */
export type State = 'current' | 'missing' | 'stale' | 'recording' | 'outdated_recording' | 'orphan';

const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex').slice(0, 16);

export const textHash = (entry: Entry, language: Language): string =>
  hash(JSON.stringify([RECIPE, entry.spoken, entry.ends, language.file.voice]));
export const soundHash = (wav: Buffer): string => hash(wav);

export const soundFile = (soundsDir: string, lang: string, id: string): string => join(soundsDir, lang, `${id}.wav`);
export const manifestFile = (soundsDir: string, lang: string): string => join(soundsDir, lang, 'manifest.json');

export function readManifest(soundsDir: string, lang: string): Manifest {
  const file = manifestFile(soundsDir, lang);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Manifest) : {};
}

/** The state of every sound of a language, by its id. */
export function soundStates(soundsDir: string, language: Language): Map<string, State> {
  const manifest = readManifest(soundsDir, language.id);
  const states = new Map<string, State>();
  for (const [id, entry] of language.catalogue) {
    const file = soundFile(soundsDir, language.id, id);
    const made = manifest[id];
    const current = made?.text === textHash(entry, language);
    if (!existsSync(file)) states.set(id, 'missing');
    else if (made?.sound === soundHash(readFileSync(file))) states.set(id, current ? 'current' : 'stale');
    else states.set(id, made === undefined || current ? 'recording' : 'outdated_recording');
  }
  for (const id of Object.keys(manifest)) if (!language.catalogue.has(id)) states.set(id, 'orphan');
  return states;
}
