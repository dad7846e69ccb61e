import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MARKERS, PromptLibrary } from '@ringback/dev-telephone';
import { Prompts } from '@ringback/prompts';
import { espeak, makeSounds, textHash } from '@ringback/prompts/sounds';

const CACHE = join(import.meta.dirname, '../../.cache');

let library: Promise<PromptLibrary> | undefined;

/**
 * What the prompts should sound like: spoken anew from the catalogue of texts, once for these texts, voices and speech
 * program. The files that the platform plays are not looked at: two of them exchanged are heard as what they say, and
 * the test fails.
 */
export function referencePrompts(): Promise<PromptLibrary> {
  library ??= (async () => {
    const prompts = new Prompts();
    const directory = join(CACHE, `reference-prompts-${key(prompts)}`);
    if (!existsSync(directory)) await speak(prompts, directory);
    return PromptLibrary.load(directory, { notchHz: MARKERS });
  })();
  return library;
}

function key(prompts: Prompts): string {
  const hash = createHash('sha256').update(execFileSync('espeak-ng', ['--version']));
  for (const lang of prompts.languages()) {
    const language = prompts.language(lang);
    for (const [id, entry] of language.catalogue) hash.update(`${lang}/${id} ${textHash(entry, language)}\n`);
  }
  return hash.digest('hex').slice(0, 16);
}

/** Complete under its name or not there at all: other test processes may look for it, or make it, at the same time. */
async function speak(prompts: Prompts, directory: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const making = mkdtempSync(`${directory}-`);
  try {
    await Promise.all(prompts.languages().map((lang) => makeSounds(making, prompts.language(lang), espeak)));
    renameSync(making, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
