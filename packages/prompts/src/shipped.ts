import type { Message } from './messages.ts';
import { Prompts, SOUNDS_DIR } from './prompts.ts';

/** Spoken where a language is not there. */
const FALLBACK = 'en';

let read: Prompts | undefined;
const shipped = (): Prompts => (read ??= new Prompts());

/** Directory of the sounds: `<lang>/<id>.wav`. */
export const soundsDir = SOUNDS_DIR;

/** Languages that come with Ringback, in alphabetical order. */
export const languages = (): string[] => shipped().languages();

/**
 * Sounds to play in a row, relative to {@link soundsDir} and without extension. A BCP 47 tag finds its nearest language; one
 * that is not there is answered in English.
 * @throws {RangeError} for an argument that is not what its kind says.
 */
export const say = (lang: string, message: Message): string[] =>
  shipped().say(shipped().match(lang) ?? FALLBACK, message);

/**
 * What is heard when these sounds are played, in words. An id without a language belongs to `lang`.
 * @throws {RangeError} for a sound that is not there.
 */
export function spokenText(lang: string, ids: readonly string[]): string {
  const own = shipped().match(lang) ?? FALLBACK;
  const texts = ids.map((id) => {
    const [prefix, name] = id.includes('/') ? (id.split('/', 2) as [string, string]) : [own, id];
    const entry = shipped().language(prefix).catalogue.get(name);
    if (!entry) throw new RangeError(`there is no sound "${id}"`);
    return entry.text;
  });
  return texts.join(' ');
}
