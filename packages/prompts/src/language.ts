import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildCatalogue, type Catalogue } from './catalogue.ts';
import { Composer } from './composer.ts';
import type { LanguageFile, MessagesFile, NumbersFile, TextsFile, UnitsFile } from './language-data.ts';
import { checkLanguage } from './check-language.ts';
import type { Message } from './messages.ts';
import { Numbers } from './numbers.ts';

/** A language's data are not what they have to be; the message names the file and what is wrong in it. */
export class LanguageError extends Error {
  override readonly name = 'LanguageError';
}

/** One language, read from its directory. */
export class Language {
  readonly id: string;
  readonly file: LanguageFile;
  readonly catalogue: Catalogue;
  readonly #composer: Composer;

  /** @throws {LanguageError} */
  constructor(directory: string, id: string) {
    const read = <T>(name: string): T => {
      try {
        return JSON.parse(readFileSync(join(directory, id, name), 'utf8')) as T;
      } catch (error) {
        throw new LanguageError(`${id}/${name}: ${(error as Error).message}`, { cause: error });
      }
    };
    const language = read<LanguageFile>('language.json');
    const texts = read<TextsFile>('texts.json');
    const numbers = read<NumbersFile>('numbers.json');
    const units = read<UnitsFile>('units.json');
    const messages = read<MessagesFile>('messages.json');
    try {
      this.catalogue = buildCatalogue({ texts, numbers, units });
      checkLanguage({ language, texts, numbers, units, messages }, this.catalogue);
    } catch (error) {
      throw new LanguageError(`${id}: ${(error as Error).message}`, { cause: error });
    }
    this.id = id;
    this.file = language;
    this.#composer = new Composer(new Numbers(numbers, language.locale), units, language.compose, messages);
  }

  /** Ids of the sounds that make the message, in order. */
  say(message: Message): string[] {
    return this.#composer.say(message);
  }

  /** What is heard when these sounds are played, in words. */
  text(ids: readonly string[]): string {
    return ids.map((id) => this.catalogue.get(id)?.text ?? `<${id}>`).join(' ');
  }
}
