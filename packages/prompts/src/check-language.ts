import type { Catalogue } from './catalogue.ts';
import type { Element, Forms, LanguageFile, MessagesFile, NumbersFile, TextsFile, UnitsFile } from './language-data.ts';
import { MESSAGES } from './messages.ts';
import { isInvariable } from './numbers.ts';

export interface LanguageFiles {
  language: LanguageFile;
  texts: TextsFile;
  numbers: NumbersFile;
  units: UnitsFile;
  messages: MessagesFile;
}

const UNITS = ['second', 'minute', 'hour'];
const SYMBOLS = ['star', 'hash', 'plus', ...[...'abcdefghijklmnopqrstuvwxyz'].map((letter) => `letter_${letter}`)];
/** Whole numbers among which every plural category of whole numbers occurs. */
const SAMPLE = [...Array(1001).keys(), 1_000_000, 2_000_000];

/**
 * Is the language complete? Once it is loaded nothing that is said can miss a sound's id.
 * @throws {Error} saying which file lacks what.
 */
export function checkLanguage(files: LanguageFiles, catalogue: Catalogue): void {
  checkNumbers(files);
  checkUnits(files);
  checkTexts(files, catalogue);
  checkMessages(files, catalogue);
}

function checkForms(where: string, forms: Forms, { language }: LanguageFiles): void {
  if (isInvariable(forms)) return;
  const plural = new Intl.PluralRules(language.locale);
  for (const category of new Set(SAMPLE.map((n) => plural.select(n)))) {
    if (!(category in (forms as object))) throw new Error(`${where} has no form "${category}"`);
  }
}

function checkNumbers(files: LanguageFiles): void {
  const { words, scales, genders } = files.numbers;
  const needed = [...Array(100).keys(), ...[1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => n * 100)];
  for (const n of needed) if (words[n] === undefined) throw new Error(`numbers.json: no word for ${n}`);
  for (const [index, { id, value, forms, gender = '' }] of scales.entries()) {
    const where = `numbers.json: scale "${id}"`;
    if (value !== 1000 ** (index + 1)) throw new Error(`${where} must be ${1000 ** (index + 1)}`);
    if (gender !== '' && !genders[gender]) throw new Error(`${where} has an unknown gender "${gender}"`);
    checkForms(where, forms, files);
  }
  if (scales.length < 4) throw new Error('numbers.json: four scales are needed: an amount may have 13 digits');
}

function checkUnits(files: LanguageFiles): void {
  const { units, currencies } = files.units;
  const named = Object.values(currencies).flatMap(({ major, minor }) =>
    minor === undefined ? [major] : [major, minor],
  );
  for (const id of [...UNITS, ...named]) if (!units[id]) throw new Error(`units.json: no unit "${id}"`);
  for (const [id, { gender = '', forms }] of Object.entries(units)) {
    const where = `units.json: unit "${id}"`;
    if (gender !== '' && !files.numbers.genders[gender]) throw new Error(`${where} has an unknown gender "${gender}"`);
    checkForms(where, forms, files);
  }
}

function checkTexts({ language, numbers }: LanguageFiles, catalogue: Catalogue): void {
  const { quantity, money, duration } = language.compose;
  const composed = [quantity, ...Object.values(money), duration.hours, duration.hoursAndMinutes].flat();
  const used = composed.filter((part) => !part.startsWith('$'));
  for (const id of [...used, ...SYMBOLS, ...(numbers.joiner === undefined ? [] : [numbers.joiner])]) {
    if (!catalogue.has(id)) throw new Error(`texts.json: no text "${id}"`);
  }
}

function checkMessages({ messages }: LanguageFiles, catalogue: Catalogue): void {
  for (const [id, kinds] of Object.entries(MESSAGES)) {
    if (!messages[id]) throw new Error(`messages.json: no message "${id}"`);
    checkElements(id, messages[id], kinds, catalogue);
  }
  for (const id of Object.keys(messages)) {
    if (!(id in MESSAGES)) throw new Error(`messages.json: there is no message "${id}"`);
  }
}

function checkElements(
  id: string,
  elements: readonly Element[],
  kinds: Readonly<Record<string, string>>,
  catalogue: Catalogue,
): void {
  const where = `messages.json: "${id}"`;
  for (const element of elements) {
    if (typeof element === 'string') {
      if (!catalogue.has(element)) throw new Error(`${where} uses a text that is not there: "${element}"`);
      continue;
    }
    const name = 'arg' in element ? element.arg : element.select;
    if (!kinds[name]) throw new Error(`${where} has no argument "${name}"`);
    if ('arg' in element) continue;
    if (kinds[name] !== 'count') throw new Error(`${where} cannot select by "${name}": it is not a count`);
    if (!element.cases.other) throw new Error(`${where} selects without a case "other"`);
    for (const cased of Object.values(element.cases)) checkElements(id, cased, kinds, catalogue);
  }
}
