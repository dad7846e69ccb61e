import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { LANGUAGES_DIR, LanguageError, Prompts } from '@ringback/prompts';

// biome-ignore lint: any JSON
type Json = any;
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'languages-'));
  cpSync(join(LANGUAGES_DIR, 'en'), join(dir, 'de'), { recursive: true });
});
afterEach(() => rmSync(dir, { recursive: true }));

function edit(name: string, change: (data: Json) => void): void {
  const file = join(dir, 'de', name);
  const data = JSON.parse(readFileSync(file, 'utf8'));
  change(data);
  writeFileSync(file, JSON.stringify(data));
}

const ONES =
  'null eins zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn';
const TENS = 'zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig'.split(' ');

/** Ones before tens, no joiner, "eine Minute", "ein Euro": by data alone. */
function german(): void {
  const ones = [...ONES.split(' '), 'achtzehn', 'neunzehn'];
  edit('language.json', (data) => Object.assign(data, { name: 'Deutsch', locale: 'de-DE' }));
  edit('texts.json', (data) =>
    Object.assign(data, { your_balance_is: 'Ihr Guthaben:', you_can_talk_for: 'Sprechzeit:' }),
  );
  edit('numbers.json', (data) => {
    delete data.joiner;
    for (let n = 0; n < 100; n += 1) {
      const [ten, one] = [TENS[Math.floor(n / 10) - 2], n % 10];
      data.words[n] = n < 20 ? ones[n] : one === 0 ? ten : `${one === 1 ? 'ein' : ones[one]}und${ten}`;
    }
    for (let n = 1; n < 10; n += 1) data.words[n * 100] = `${n === 1 ? 'ein' : ones[n]}hundert`;
    data.genders = { masculine: { whole: { 1: 'ein' }, last: {} }, feminine: { whole: { 1: 'eine' }, last: {} } };
    data.scales[0] = { value: 1000, id: 'thousand', alone: true, forms: 'tausend' };
    data.scales[1] = {
      value: 1_000_000,
      id: 'million',
      alone: false,
      gender: 'feminine',
      forms: { one: 'Million', other: 'Millionen' },
    };
  });
  edit('units.json', (data) => {
    data.units.minute = { gender: 'feminine', forms: { one: 'Minute', other: 'Minuten' } };
    data.units.euro = { gender: 'masculine', forms: 'Euro' };
    data.units.cent = { gender: 'masculine', forms: 'Cent' };
  });
}

test('a language is data: a directory more is a language more', () => {
  german();
  const prompts = new Prompts(dir);
  assert.deepEqual(prompts.languages(), ['de']);
  const talk = (minutes: number) => prompts.text('de', { id: 'max_duration', args: { duration: minutes * 60 } });
  assert.equal(talk(1), 'Sprechzeit: eine Minute');
  assert.equal(talk(21), 'Sprechzeit: einundzwanzig Minuten');
  const balance = (euros: bigint) =>
    prompts.text('de', { id: 'balance', args: { amount: { micros: euros * 1_000_000n, currency: 'EUR' } } });
  assert.equal(balance(1n), 'Ihr Guthaben: ein Euro');
  assert.equal(balance(1_001_017n), 'Ihr Guthaben: eine Million tausend siebzehn Euro');
});

describe('data that lack something are refused, with the file and what it lacks', () => {
  const refusals: [string, () => void, RegExp][] = [
    ['a word', () => edit('numbers.json', (d) => delete d.words[42]), /^de: numbers.json: no word for 42$/],
    ['a scale', () => edit('numbers.json', (d) => d.scales.pop()), /numbers.json: four scales are needed/],
    ['a plural form', () => edit('units.json', (d) => delete d.units.minute.forms.one), /"minute" has no form "one"/],
    ['a gender', () => edit('units.json', (d) => (d.units.hour.gender = 'f')), /"hour" has an unknown gender "f"/],
    ['a unit', () => edit('units.json', (d) => (d.currencies.CHF = { major: 'franc' })), /no unit "franc"/],
    ['a message', () => edit('messages.json', (d) => delete d.goodbye), /messages.json: no message "goodbye"/],
    ['a letter', () => edit('texts.json', (d) => delete d.letter_q), /texts.json: no text "letter_q"/],
    ['a text', () => edit('texts.json', (d) => delete d.ask_pin), /"ask_pin" uses a text that is not there: "ask_pin"/],
    ['an argument', () => edit('messages.json', (d) => (d.goodbye = [{ arg: 'x' }])), /"goodbye" has no argument "x"/],
    ['other', () => edit('messages.json', (d) => delete d.wrong_pin[1].cases.other), /selects without a case "other"/],
    ['a use', () => edit('messages.json', (d) => (d.bye = [])), /there is no message "bye"/],
    ['uniqueness', () => edit('texts.json', (d) => (d.n7 = 'seven')), /"n7" is there twice/],
    ['a file', () => rmSync(join(dir, 'de', 'units.json')), /^de\/units.json: ENOENT/],
    ['JSON', () => writeFileSync(join(dir, 'de', 'units.json'), '{'), /^de\/units.json: .*JSON/],
  ];
  for (const [what, spoil, message] of refusals) {
    test(what, () => {
      spoil();
      assert.throws(
        () => new Prompts(dir),
        (error) => error instanceof LanguageError && message.test(error.message),
      );
    });
  }
});
