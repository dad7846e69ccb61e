import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MARKERS, PromptLibrary } from '@ringback/dev-telephone';
import { Prompts } from '@ringback/prompts';
import { espeak, makeSounds } from '@ringback/prompts/sounds';

let library: Promise<PromptLibrary> | undefined;

/**
 * What the prompts should sound like: spoken anew from the catalogue of texts, once a test process. The files that the
 * platform plays are not looked at: two of them exchanged are heard as what they say, and the test fails.
 */
export function referencePrompts(): Promise<PromptLibrary> {
  library ??= (async () => {
    const directory = mkdtempSync(join(tmpdir(), 'reference-prompts-'));
    try {
      const prompts = new Prompts();
      await Promise.all(prompts.languages().map((lang) => makeSounds(directory, prompts.language(lang), espeak)));
      return PromptLibrary.load(directory, { notchHz: MARKERS });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  })();
  return library;
}
