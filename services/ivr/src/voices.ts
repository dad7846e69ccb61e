import { LanguageError, Prompts } from '@ringback/prompts';
import { ConfigError } from '@ringback/service-kit';
import type { Voices } from './dialogue/step.ts';

/** Reads the languages. @throws {ConfigError} naming the knob by which they cannot be had. */
export function loadVoices(directory: string, fallback: string): Voices {
  let prompts: Prompts;
  try {
    prompts = new Prompts(directory);
  } catch (error) {
    if (error instanceof LanguageError || (error as NodeJS.ErrnoException).code !== undefined) {
      throw new ConfigError('LANGUAGES_DIR', (error as Error).message);
    }
    throw error;
  }
  if (!prompts.languages().includes(fallback)) {
    throw new ConfigError('DEFAULT_LANGUAGE', `"${fallback}" is none of ${prompts.languages().join(', ')}`);
  }
  return {
    fallback,
    match: (tag) => prompts.match(tag),
    languages: () => prompts.languages(),
    say: (lang, message) => prompts.say(lang, message),
  };
}
