/** What Ringback says: the catalogue of texts, the languages as data, and sentences put together from sounds. */
export type { Catalogue, Entry } from './catalogue.ts';
export { Language, LanguageError } from './language.ts';
export { type Amount, type Message, type MessageId, MESSAGES } from './messages.ts';
export { LANGUAGES_DIR, Prompts, SOUNDS_DIR } from './prompts.ts';
export { languages, say, soundsDir, spokenText } from './shipped.ts';
