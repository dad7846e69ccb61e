import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatForTrunk, isE164, normaliseCallerId, parseDestination, prefixSet } from '@ringback/numbering';
import fc from 'fast-check';

describe('caller IDs', () => {
  for (const [raw, country, want] of [
    ['+48601000001', 'PL', '+48601000001'],
    ['0048601000001', 'PL', '+48601000001'],
    ['48601000001', 'PL', '+48601000001'],
    ['601000001', 'PL', '+48601000001'],
    ['601 000 001', 'PL', '+48601000001'],
    ['sip:+48601000001@carrier.example;user=phone', 'PL', '+48601000001'],
    ['020 7946 0000', 'GB', '+442079460000'],
    ['02079460000', 'GB', '+442079460000'],
    ['2079460000', 'GB', '+442079460000'],
    ['12125550123', 'US', '+12125550123'],
    ['2125550123', 'US', '+12125550123'],
    ['+442079460000', 'PL', '+442079460000'],
  ] as const) {
    test(`${raw} in ${country}`, () => assert.deepEqual(normaliseCallerId(raw, country), { is: 'number', e164: want }));
  }
  for (const raw of ['', 'anonymous', 'Anonymous@anonymous.invalid', 'restricted', 'unavailable']) {
    test(`hidden: "${raw}"`, () => assert.deepEqual(normaliseCallerId(raw, 'PL'), { is: 'hidden' }));
  }
  for (const raw of ['alice', '12', '+0', '999999999999999999', '0', '*31#']) {
    test(`no number: "${raw}"`, () => assert.deepEqual(normaliseCallerId(raw, 'PL'), { is: 'unreadable' }));
  }
  test('never throws, and what it takes for a number is one', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), fc.constantFrom('PL', 'GB', 'US', 'XX', ''), (raw, country) => {
        const read = normaliseCallerId(raw, country);
        assert.ok(read.is !== 'number' || isE164(read.e164));
      }),
    );
  });
});

describe('destinations', () => {
  for (const [digits, country, want] of [
    ['00442079460000', 'PL', '+442079460000'],
    ['601000002', 'PL', '+48601000002'],
    ['0048601000002', 'PL', '+48601000002'],
    ['02079460000', 'GB', '+442079460000'],
    ['01148601000002', 'US', '+48601000002'],
    ['2125550123', 'US', '+12125550123'],
  ] as const) {
    test(`${digits} in ${country}`, () =>
      assert.deepEqual(parseDestination(digits, country), { is: 'number', e164: want }));
  }
  for (const digits of ['112', '911', '999', '997', '411', '110']) {
    test(`never dialled: ${digits}`, () => assert.deepEqual(parseDestination(digits, 'PL'), { is: 'emergency' }));
  }
  for (const digits of ['', '1', '00', '0044', '12345', '*1#', '00999999999999', 'x']) {
    test(`invalid: "${digits}"`, () => assert.deepEqual(parseDestination(digits, 'PL'), { is: 'invalid' }));
  }
});

test('a number in a trunk’s format reads back as itself', () => {
  const e164 = '+442079460000';
  for (const format of ['e164plus', 'e164', '00'] as const) {
    assert.deepEqual(normaliseCallerId(formatForTrunk(e164, format), 'GB'), { is: 'number', e164 });
  }
});

test('prefix sets find exactly what a scan finds', () => {
  const digits = fc
    .array(fc.constantFrom('1', '2', '3'), { minLength: 1, maxLength: 5 })
    .map((each) => `+${each.join('')}`);
  fc.assert(
    fc.property(fc.array(digits, { maxLength: 20 }), digits, (prefixes, number) => {
      const set = prefixSet(prefixes);
      assert.equal(
        set.has(number),
        prefixes.some((prefix) => number.startsWith(prefix)),
      );
      const longest = prefixes
        .filter((prefix) => number.startsWith(prefix))
        .sort((one, two) => two.length - one.length)[0];
      assert.equal(set.match(number), longest);
    }),
  );
});
