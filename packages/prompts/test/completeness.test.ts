import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Message, MESSAGES, Prompts, SOUNDS_DIR } from '@ringback/prompts';
import { soundFile } from '@ringback/prompts/sounds';

const prompts = new Prompts();
const SEED = 20_260_101;
const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** Arguments that between them need every word. */
const SAMPLES = {
  money: [
    ...['EUR', 'PLN', 'USD', 'GBP'].flatMap((currency) => [
      ...Array.from({ length: 100 }, (_, n) => ({ micros: BigInt(n) * 10_000n, currency })),
      ...[-1n, 1n, 2n, 5n, 101n, ...[1000n, 10n ** 6n, 10n ** 9n, 10n ** 12n].flatMap((s) => [s, 2n * s, 5n * s])].map(
        (major) => ({ micros: major * 1_000_000n, currency }),
      ),
      ...[1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n].map((h) => ({ micros: h * 100_000_000n, currency })),
    ]),
    ...[...LETTERS].map((letter) => ({ micros: 1_500_000n, currency: letter.repeat(3) })),
  ],
  duration: [...Array(7300).keys(), ...Array.from({ length: 100 }, (_, hours) => hours * 3600)],
  count: [0, 1, 2, 3],
  digits: ['0123456789*#+'],
};

function* everyMessage(): Generator<Message> {
  for (const [id, kinds] of Object.entries(MESSAGES)) {
    const [argument] = Object.entries(kinds);
    if (!argument) yield { id } as Message;
    else for (const value of SAMPLES[argument[1]]) yield { id, args: { [argument[0]]: value } } as unknown as Message;
  }
}

for (const lang of prompts.languages()) {
  describe(`${lang}: completeness`, () => {
    const language = prompts.language(lang);

    test('every message is made of sounds that exist, and every sound serves a message', () => {
      const reached = new Set<string>();
      for (const message of everyMessage()) {
        const ids = language.say(message);
        assert.ok(ids.length > 0, `${message.id} says nothing`);
        for (const id of ids) reached.add(id);
      }
      // "One hour" is for languages that count in hours sooner.
      if (language.file.compose.duration.hoursFrom >= 7200) reached.add('hour_one');
      assert.deepEqual([...reached].toSorted(), [...language.catalogue.keys()].toSorted());
      for (const id of reached) assert.ok(existsSync(soundFile(SOUNDS_DIR, lang, id)), `${lang}/${id} has no file`);
    });

    test('any amount of any currency can be said', () => {
      const currency = fc.oneof(
        fc.constantFrom('EUR', 'PLN', 'USD', 'GBP', 'JPY', 'KWD'),
        fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 3, maxLength: 3 }),
      );
      const micros = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-(10n ** 9n), 10n ** 9n));
      fc.assert(
        fc.property(micros, currency, (amount, code) => {
          const ids = language.say({ id: 'balance', args: { amount: { micros: amount, currency: code } } });
          for (const id of ids) assert.ok(language.catalogue.has(id), id);
        }),
        { seed: SEED, numRuns: 2000 },
      );
    });

    test('any duration can be said', () => {
      const seconds = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 20_000 }));
      fc.assert(
        fc.property(seconds, (duration) => {
          const ids = language.say({ id: 'max_duration', args: { duration } });
          for (const id of ids) assert.ok(language.catalogue.has(id), id);
        }),
        { seed: SEED, numRuns: 2000 },
      );
    });

    test('what is heard tells amounts and durations apart', () => {
      const texts = new Set(
        Array.from({ length: 12_000 }, (_, cents) =>
          prompts.text(lang, { id: 'balance', args: { amount: { micros: BigInt(cents) * 10_000n, currency: 'EUR' } } }),
        ),
      );
      assert.equal(texts.size, 12_000);
      const said = Array.from({ length: 1000 }, (_, minutes) =>
        prompts.text(lang, { id: 'max_duration', args: { duration: (minutes + 1) * 60 } }),
      );
      assert.equal(new Set(said).size, 1000);
    });

    test('no two sounds have the same text', () => {
      const texts = [...language.catalogue.values()].map(({ text }) => text);
      assert.deepEqual(
        texts.filter((text, index) => texts.indexOf(text) !== index),
        [],
      );
    });
  });
}
