import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Language } from '../language.ts';
import {
  type Manifest,
  manifestFile,
  readManifest,
  soundFile,
  soundHash,
  soundStates,
  type State,
  textHash,
} from './manifest.ts';
import { shape } from './shape.ts';
import type { Speak } from './speak.ts';
import { encodeWav } from './wav.ts';

/** Speech programs at work at once. */
const AT_ONCE = 4;

/** The sound of one id, as it is written to its file. @throws {Error} naming the id. */
export async function renderSound(language: Language, id: string, speak: Speak): Promise<Buffer> {
  const entry = language.catalogue.get(id);
  if (!entry) throw new Error(`${language.id}/${id} is not in the catalogue`);
  try {
    return encodeWav(shape(await speak(entry.spoken, language.file.voice), entry.ends));
  } catch (error) {
    throw new Error(`${language.id}/${id} cannot be made: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Makes what is missing or stale and removes orphans; leaves everybody's own recordings alone. Answers the states found
 * before.
 */
export async function makeSounds(soundsDir: string, language: Language, speak: Speak): Promise<Map<string, State>> {
  const states = soundStates(soundsDir, language);
  const manifest = readManifest(soundsDir, language.id);
  mkdirSync(dirname(manifestFile(soundsDir, language.id)), { recursive: true });
  for (const [id, state] of states) if (state === 'orphan') removeOrphan(soundsDir, language.id, id, manifest);
  const todo = [...states].filter(([, state]) => state === 'missing' || state === 'stale').map(([id]) => id);
  const makeNext = async (): Promise<void> => {
    for (let id = todo.pop(); id !== undefined; id = todo.pop()) {
      const wav = await renderSound(language, id, speak);
      replaceFile(soundFile(soundsDir, language.id, id), wav);
      manifest[id] = { text: textHash(language.catalogue.get(id)!, language), sound: soundHash(wav) };
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: AT_ONCE }, makeNext));
  // Also after a failure: a sound that was made but not listed would pass for somebody's recording.
  const sorted = Object.fromEntries(Object.entries(manifest).toSorted(([a], [b]) => (a < b ? -1 : 1)));
  replaceFile(manifestFile(soundsDir, language.id), `${JSON.stringify(sorted, null, 2)}\n`);
  for (const worker of workers) if (worker.status === 'rejected') throw worker.reason;
  return states;
}

function removeOrphan(soundsDir: string, lang: string, id: string, manifest: Manifest): void {
  const file = soundFile(soundsDir, lang, id);
  if (existsSync(file) && soundHash(readFileSync(file)) === manifest[id]?.sound) rmSync(file);
  delete manifest[id];
}

function replaceFile(file: string, content: Buffer | string): void {
  writeFileSync(`${file}.new`, content);
  renameSync(`${file}.new`, file);
}
