import type { Forms, NumbersFile, Text, TextsFile, UnitsFile } from './language-data.ts';
import { formId, isInvariable } from './numbers.ts';

export interface Entry {
  /** For people. */
  readonly text: string;
  /** For a speech program. */
  readonly spoken: string;
  /** What follows it: the end of a sentence, of a phrase ("… minutes"), or the next word. */
  readonly ends: 'sentence' | 'phrase' | 'word';
}

export type Catalogue = ReadonlyMap<string, Entry>;

/**
 * Every sound of a language by its id.
 * @throws {Error} when an id is given twice.
 */
export function buildCatalogue(files: { texts: TextsFile; numbers: NumbersFile; units: UnitsFile }): Catalogue {
  const entries = new Map<string, Entry>();
  const put = (id: string, text: Text, ends?: Entry['ends']): void => {
    if (entries.has(id)) throw new Error(`"${id}" is there twice`);
    const both = typeof text === 'string' ? { text, spoken: text } : text;
    entries.set(id, { ...both, ends: ends ?? (/[.?!]$/.test(both.text) ? 'sentence' : 'word') });
  };
  const putForms = (id: string, forms: Forms, ends: Entry['ends']): void => {
    if (isInvariable(forms)) return put(id, forms as Text, ends);
    for (const [category, text] of Object.entries(forms)) put(formId(id, forms, category), text as Text, ends);
  };
  for (const [id, text] of Object.entries(files.texts)) put(id, text);
  for (const [n, text] of Object.entries(files.numbers.words)) put(`n${n}`, text);
  for (const [gender, { whole, last }] of Object.entries(files.numbers.genders)) {
    for (const [n, text] of Object.entries({ ...last, ...whole })) put(`n${n}_${gender}`, text);
  }
  for (const { id, forms } of files.numbers.scales) putForms(id, forms, 'word');
  for (const [id, { forms }] of Object.entries(files.units.units)) putForms(id, forms, 'phrase');
  return entries;
}
