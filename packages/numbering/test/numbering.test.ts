import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatForTrunk, isE164, mask, normaliseCallerId, parseDestination, prefixSet } from '@ringback/numbering';
import fc from 'fast-check';
import { getCountries, getExampleNumber } from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';

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
    ['4915123456789', 'DE', '+4915123456789'],
    ['015123456789', 'DE', '+4915123456789'],
    ['3931234567', 'IT', '+393931234567'],
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
    ['01148601000002', 'JM', '+48601000002'],
    ['001148601000002', 'AU', '+48601000002'],
    ['81048601000002', 'RU', '+48601000002'],
    ['01048601000002', 'JP', '+48601000002'],
    ['+48601000002', 'GB', '+48601000002'],
    ['601-000-002', 'PL', '+48601000002'],
    ['0048601000002', '??', '+48601000002'],
  ] as const) {
    test(`${digits} in ${country}`, () =>
      assert.deepEqual(parseDestination(digits, country), { is: 'number', e164: want }));
  }
  for (const digits of '112 911 999 997 998 000 110 113 118 119 211 311 411 511 611 711 811'.split(' ')) {
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

test('a mobile number of every country is read from each form in which its people and trunks write it', () => {
  const countries = getCountries().filter((country) => getExampleNumber(country, examples));
  assert.ok(countries.length > 200);
  for (const country of countries) {
    const number = getExampleNumber(country, examples)!;
    const want = { is: 'number', e164: number.number };
    for (const format of ['e164plus', 'e164', '00'] as const) {
      assert.deepEqual(normaliseCallerId(formatForTrunk(number.number, format), country), want, `${country} ${format}`);
    }
    assert.deepEqual(normaliseCallerId(number.formatNational(), country), want, country);
    assert.deepEqual(parseDestination(formatForTrunk(number.number, '00'), country), want, country);
    assert.deepEqual(parseDestination(number.formatNational(), country), want, country);
  }
});

test('reading keyed digits never throws, and what is a number is one', () => {
  const digits = fc.array(fc.constantFrom(...'0123456789*#'), { maxLength: 24 }).map((keys) => keys.join(''));
  fc.assert(
    fc.property(digits, fc.constantFrom('PL', 'GB', 'US', 'RU', 'JP', 'XX'), (keyed, country) => {
      const read = parseDestination(keyed, country);
      assert.ok(read.is !== 'number' || isE164(read.e164));
      assert.ok(read.is === 'invalid' || /^\d+$/.test(keyed));
    }),
  );
});

test('ten thousand ranges are matched in no time worth telling', () => {
  const ranges = Array.from({ length: 20_000 }, (_, index) => `+${String(1_000_000 + index * 37)}`);
  const set = prefixSet(ranges);
  const begun = performance.now();
  let hits = 0;
  for (let index = 0; index < 100_000; index += 1) if (set.has(`+${1_000_000 + index}55555`)) hits += 1;
  const each = (performance.now() - begun) / 100_000;
  assert.equal(hits, ranges.filter((range) => Number(range) < 1_100_000).length);
  assert.ok(each < 0.05, `${each} ms each`);
});

test('a masked number shows where it is from and not whose it is', () => {
  assert.equal(mask('+48601000001'), '+48601••••••');
  assert.equal(mask('12345'), '•••••');
  fc.assert(fc.property(fc.stringMatching(/^\+[1-9]\d{6,14}$/), (number) => !mask(number).endsWith(number.slice(-1))));
});
