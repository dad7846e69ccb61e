import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  add,
  divideRounded,
  formatDecimal,
  formatMoney,
  isCurrency,
  MoneyError,
  money,
  parseDecimal,
  parseMoney,
  ROUNDING_MODES,
  subtract,
} from '../src/index.ts';

test('amounts are written with the decimals of their currency, and exactly', () => {
  for (const [micros, currency, text] of [
    [5_000_000n, 'EUR', '5.00 EUR'],
    [104_167n, 'EUR', '0.104167 EUR'],
    [-1n, 'PLN', '-0.000001 PLN'],
    [120_000_000n, 'JPY', '120 JPY'],
    [1_500_000n, 'KWD', '1.500 KWD'],
    [0n, 'USD', '0.00 USD'],
  ] as const) {
    assert.equal(formatMoney(money(micros, currency)), text);
    assert.deepEqual(parseMoney(text), { micros, currency });
  }
});

test('what is read is what was written, for any amount', () => {
  fc.assert(
    fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.constantFrom('EUR', 'JPY', 'KWD'), (micros, currency) => {
      assert.deepEqual(parseMoney(formatMoney(money(micros, currency))), { micros, currency });
    }),
  );
});

test('nonsense is refused with a sentence', () => {
  for (const [text, says] of [
    ['5.00', /not an amount like/],
    ['five EUR', /"five" is not a decimal number/],
    ['1e3 EUR', /"1e3" is not a decimal number/],
    ['5,00 EUR', /"5,00" is not a decimal number/],
    ['0.0000001 EUR', /at most 6 decimals/],
    ['5.00 EURO', /"EURO" is not an ISO 4217 currency/],
    ['5.00 eur', /"eur" is not an ISO 4217 currency/],
    ['9223372036854.775808 EUR', /too large/],
    ['', /not an amount/],
  ] as const) {
    assert.throws(
      () => parseMoney(text),
      (error) => error instanceof MoneyError && says.test(error.message),
      text,
    );
  }
});

test('currencies do not mix', () => {
  assert.throws(() => add(money(1n, 'EUR'), money(1n, 'PLN')), /EUR and PLN/);
  assert.deepEqual(subtract(money(1n, 'EUR'), money(3n, 'EUR')), money(-2n, 'EUR'));
  assert.ok(isCurrency('PLN') && !isCurrency('XXX') && !isCurrency(''));
});

test('rounding: the table of ISO halves, and never further than one unit', () => {
  const table: [bigint, Record<(typeof ROUNDING_MODES)[number], bigint>][] = [
    [25n, { up: 3n, half_up: 3n, half_even: 2n, down: 2n }],
    [35n, { up: 4n, half_up: 4n, half_even: 4n, down: 3n }],
    [21n, { up: 3n, half_up: 2n, half_even: 2n, down: 2n }],
    [29n, { up: 3n, half_up: 3n, half_even: 3n, down: 2n }],
    [20n, { up: 2n, half_up: 2n, half_even: 2n, down: 2n }],
    [-25n, { up: -3n, half_up: -3n, half_even: -2n, down: -2n }],
  ];
  for (const [tenths, expected] of table) {
    for (const mode of ROUNDING_MODES)
      assert.equal(divideRounded(tenths, 10n, mode), expected[mode], `${tenths} ${mode}`);
  }
  fc.assert(
    fc.property(fc.bigInt(), fc.bigInt(1n, 10n ** 20n), fc.constantFrom(...ROUNDING_MODES), (n, d, mode) => {
      const off = divideRounded(n, d, mode) * d - n;
      assert.ok((off < 0n ? -off : off) < d);
    }),
  );
  assert.throws(() => divideRounded(1n, 0n, 'up'), RangeError);
});

test('decimals keep every digit', () => {
  assert.equal(parseDecimal('0.0012345', 7), 12345n);
  assert.equal(parseDecimal('0.00123450', 7), 12345n);
  assert.equal(parseDecimal('0.00123456', 7), undefined);
  assert.equal(parseDecimal('.5', 7), undefined);
  assert.equal(formatDecimal(12345n, 7), '0.0012345');
  assert.equal(formatDecimal(10_000_000n, 7, 2), '1.00');
});
