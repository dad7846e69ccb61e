import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Language } from './language.ts';
import type { Message } from './messages.ts';

/** The languages that come with Ringback: one directory each. */
export const LANGUAGES_DIR = fileURLToPath(new URL('../languages/', import.meta.url));
/** Their sounds: `<lang>/<id>.wav`, 8 kHz, mono, PCM16. */
export const SOUNDS_DIR = fileURLToPath(new URL('../sounds/', import.meta.url));

/** The languages of a directory, all read and checked at once. */
export class Prompts {
  readonly #languages: ReadonlyMap<string, Language>;

  /** @throws {LanguageError} naming the file. */
  constructor(directory: string = LANGUAGES_DIR) {
    const ids = readdirSync(directory, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    this.#languages = new Map(ids.map(({ name }) => [name, new Language(directory, name)] as const).toSorted());
  }

  /** Ids, in alphabetical order: ["en", "pl"]. */
  languages(): string[] {
    return [...this.#languages.keys()];
  }

  /** @throws {RangeError} for a language that is not there. */
  language(id: string): Language {
    const language = this.#languages.get(id);
    if (!language) throw new RangeError(`there is no language "${id}"`);
    return language;
  }

  /** The language that serves a BCP 47 tag best, by RFC 4647 lookup: "pl-PL" → "pl". */
  match(tag: string): string | undefined {
    const parts = tag.toLowerCase().split('-');
    for (let length = parts.length; length > 0; length -= 1) {
      const wanted = parts.slice(0, length).join('-');
      const found = this.languages().find((id) => id.toLowerCase() === wanted);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * Sounds to play in a row, relative to the directory of sounds and without extension: ["en/your_balance_is", "en/n5", "en/euro_other"].
   * @throws {RangeError} for an unknown language, or an argument that is not what its kind says.
   */
  say(lang: string, message: Message): string[] {
    return this.language(lang)
      .say(message)
      .map((id) => `${lang}/${id}`);
  }

  /** The sentence that is heard. */
  text(lang: string, message: Message): string {
    const language = this.language(lang);
    return language.text(language.say(message));
  }
}
