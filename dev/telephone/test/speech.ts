import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatWav } from '@ringback/dev-media';

/** Speaks a text into 8 kHz samples. espeak-ng speaks at 22050 Hz. */
export function speak(lang: 'en' | 'pl', text: string): Int16Array {
  const wav = execFileSync('espeak-ng', ['-v', lang === 'en' ? 'en-gb' : 'pl', '-s', '150', '--stdout', text], {
    maxBuffer: 1 << 26,
  });
  const data = wav.subarray(wav.indexOf('data', 12, 'latin1') + 8);
  const samples = new Int16Array(Math.floor((data.length / 2) * (8000 / 22_050)) - 2);
  const step = 22_050 / 8000;
  for (let i = 0; i < samples.length; i += 1) {
    // A mean over the step is low-pass enough for a test's prompts.
    const from = Math.floor(i * step);
    const to = Math.floor((i + 1) * step);
    let sum = 0;
    for (let j = from; j < to; j += 1) sum += data.readInt16LE(j * 2);
    samples[i] = Math.round(sum / (to - from));
  }
  return samples;
}

/** Writes `<lang>/<id>.wav` for each text into a new directory, which is removed by `remove`. */
export function speakAll(texts: Readonly<Record<'en' | 'pl', Readonly<Record<string, string>>>>): {
  directory: string;
  remove: () => void;
} {
  const directory = mkdtempSync(join(tmpdir(), 'ringback-prompts-'));
  for (const lang of ['en', 'pl'] as const) {
    mkdirSync(join(directory, lang));
    for (const [id, text] of Object.entries(texts[lang]))
      writeFileSync(join(directory, lang, `${id}.wav`), formatWav(speak(lang, text)));
  }
  return { directory, remove: () => rmSync(directory, { recursive: true }) };
}

/** Exchanges two files of a directory in memory: what is played under each other's name. */
export function readSwapped(directory: string, a: string, b: string): { a: Buffer; b: Buffer } {
  return { a: readFileSync(join(directory, `${b}.wav`)), b: readFileSync(join(directory, `${a}.wav`)) };
}

const ones = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
  'eleven',
  'twelve',
  'thirteen',
  'fourteen',
  'fifteen',
  'sixteen',
  'seventeen',
  'eighteen',
  'nineteen',
];
const tens = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];

export const TEXTS = {
  en: {
    ...Object.fromEntries([...ones, ...tens].map((word) => [word, word])),
    'sixty-six': 'sixty six',
    euro: 'euro',
    euros: 'euros',
    cent: 'cent',
    cents: 'cents',
    minute: 'minute',
    minutes: 'minutes',
    'balance-is': 'Your balance is',
    'balance-is-zero': 'Your balance is zero, please top up.',
    'enter-pin': 'Please enter your PIN, followed by the hash key.',
    'enter-pin-again': 'Please enter your PIN again.',
    'enter-destination': 'Please enter the destination number.',
    'enter-destination-again': 'Please enter the destination number once more.',
    busy: 'The number you have called is busy.',
    'no-answer': 'The number you have called does not answer.',
    unallocated: 'The number you have called does not exist.',
    'one-minute-left': 'You have one minute left.',
    goodbye: 'Goodbye.',
  },
  pl: {
    minuta: 'minuta',
    minuty: 'minuty',
    minut: 'minut',
    zlote: 'złote',
    zlotych: 'złotych',
    piec: 'pięć',
    piecdziesiat: 'pięćdziesiąt',
    szesc: 'sześć',
    szescdziesiat: 'sześćdziesiąt',
    saldo: 'Twoje saldo wynosi',
    zajety: 'Wybrany numer jest zajęty.',
    'nie-odpowiada': 'Wybrany numer nie odpowiada.',
  },
} as const;
