/** The rules one by one, with the mistakes that other systems are known for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { admissionCost, cost, longestCall, parseDeck, rate } from '../src/index.ts';

const at = (text: string): bigint => BigInt(Date.parse(text)) * 1000n;
const NOON = at('2026-07-07T12:00:00Z');
const S = 1_000_000n;

function deckOf(csv: string) {
  const { deck, problems } = parseDeck(csv, 'EUR');
  assert.deepEqual(problems, []);
  return deck!;
}

const one = (columns: string, cells: string, settings = '') => deckOf(`${settings}prefix,${columns}\n44,${cells}\n`);
const costOf = (deck: ReturnType<typeof one>, seconds: number, start = NOON) =>
  cost(deck, '+442079460000', start, BigInt(Math.round(seconds * 1e6)));

describe('increments', () => {
  test('0.10 per minute at 1/1 costs exactly 0.10 for 60 s: a price is never rounded before it is multiplied', () => {
    assert.equal(costOf(one('price,increment', '0.10,1/1'), 60), 100_000n);
    assert.equal(costOf(one('price,increment', '0.0012345,1'), 6000), 123_450n);
    assert.equal(costOf(one('price,increment', '0.0012345,1', '@decimals,6\n'), 60), 1235n); // 1234.5, half up, once
  });
  test('0.05 per minute, 30/6, 45 s is billed as 48 s: 0.04', () => {
    const deck = one('price,increment', '0.05,30/6');
    assert.equal(costOf(deck, 45), 40_000n);
    assert.equal(costOf(deck, 1), 25_000n);
    assert.equal(costOf(deck, 30), 25_000n);
    assert.equal(costOf(deck, 30.000001), 30_000n);
  });
  test('a step counts over the whole call; an increment under way is not cut by it', () => {
    const deck = one('steps', '0:0.60:60; 90:0.06:1');
    assert.equal(costOf(deck, 60), 600_000n);
    assert.equal(costOf(deck, 61), 1_200_000n); // begun before second 90: whole, at the old price
    assert.equal(costOf(deck, 120), 1_200_000n);
    assert.equal(costOf(deck, 121), 1_201_000n);
  });
  test('x/y within a step, and a later step that takes the place of its y', () => {
    assert.equal(costOf(one('steps', '0:0.60:30/10;40:0.06:1'), 41), 400_000n + 1_000n);
    assert.equal(costOf(one('steps', '0:0.60:30/10;30:0.06:1'), 31), 300_000n + 1_000n);
  });
});

describe('fees and limits', () => {
  test('a connected call of 0 s costs its connect fee unless the grace period covers it', () => {
    assert.equal(costOf(one('price,connect_fee', '0.10,0.05'), 0), 50_000n);
    const grace = one('price,increment,connect_fee,grace_seconds', '0.10,60,0.05,3');
    assert.equal(costOf(grace, 0), 0n);
    assert.equal(costOf(grace, 3), 0n);
    assert.equal(costOf(grace, 3.000001), 150_000n);
  });
  test('free seconds move the first charged increment', () => {
    const deck = one('price,increment,free_seconds', '0.60,60,30');
    assert.deepEqual(
      [30, 31, 90, 91].map((s) => costOf(deck, s)),
      [0n, 600_000n, 600_000n, 1_200_000n],
    );
  });
  test('minimum, then maximum, surcharge, tax, and one rounding', () => {
    const deck = one(
      'price,min_cost,max_cost,surcharge_percent,tax_percent',
      '0.60,0.10,1,5,23',
      '@decimals,2\n@rounding,half_even\n',
    );
    assert.equal(costOf(deck, 1), 130_000n); // 0.10 × 1.05 × 1.23 = 0.12915
    assert.equal(costOf(deck, 60), 770_000n); // 0.6 × 1.2915 = 0.7749
    assert.equal(costOf(deck, 3600), 1_290_000n); // 1 × 1.2915
    const { curve } = rate(deck, '44', NOON);
    assert.deepEqual(curve?.charge(60e6), { total: 770_000n, tax: 140_000n }); // 0.63 + 0.14
  });
  test('rounding modes', () => {
    const costs = (['up', 'half_up', 'half_even', 'down'] as const).map((mode) =>
      costOf(one('price', '0.0250', `@decimals,3\n@rounding,${mode}\n`), 6),
    );
    assert.deepEqual(costs, [3_000n, 3_000n, 2_000n, 2_000n]); // 0.0025
  });
  test('durations: up, half up, milliseconds', () => {
    const duration = (mode: string) => one('price,increment', '0.60,0.1', `@duration,${mode}\n`);
    assert.equal(costOf(duration('up'), 1.000001), 20_000n);
    assert.equal(costOf(duration('half_up'), 1.499999), 10_000n);
    assert.equal(costOf(duration('half_up'), 1.5), 20_000n);
    assert.equal(costOf(duration('milliseconds'), 1.000001), 11_000n);
  });
});

const PEAK = `@time_zone,Europe/Warsaw
prefix,price,increment,connect_fee,days,hours
44,0.06,1,0.05,,
44,0.60,1,0.05,mon-fri,08:00-18:00
48,0.60,60,0.05,mon-fri,08:00-18:00
48,0.06,60,0.05,mon-fri,18:00-08:00
`;

describe('windows', () => {
  const deck = deckOf(PEAK);
  test('a window is half-open: the increment that begins at its end has the next price', () => {
    const start = at('2026-07-07T15:59:30Z'); // 17:59:30 in Warsaw
    assert.equal(costOf(deck, 30, start), 50_000n + 300_000n);
    assert.equal(costOf(deck, 31, start), 50_000n + 300_000n + 1_000n);
    assert.equal(costOf(deck, 61, start), 50_000n + 300_000n + 31_000n);
  });
  test('an increment is charged whole at the price where it began, and the next begins where it ends', () => {
    const start = at('2026-07-07T15:59:30Z');
    assert.equal(cost(deck, '48221112233', start, 60n * S), 650_000n);
    assert.equal(cost(deck, '48221112233', start, 61n * S), 710_000n);
  });
  test('the connect fee is not taken again at midnight, and equal halves around it cost the whole', () => {
    const start = at('2026-07-07T21:59:30Z'); // 23:59:30 in Warsaw
    const curve = rate(deck, '442079460000', start).curve!;
    assert.equal(curve.cost(60e6), 50_000n + 60_000n);
    assert.equal(curve.cost(30e6), 50_000n + 30_000n);
    assert.equal(curve.cost(60e6) - curve.cost(30e6), 30_000n);
  });
  test('both changes of clocks: an hour that is missing, an hour that comes twice', () => {
    const night = deckOf('@time_zone,Europe/Warsaw\nprefix,price,hours\n44,0.06,\n44,0.60,02:30-03:00\n');
    const spring = at('2026-03-29T00:59:50Z'); // 01:59:50, then 03:00:00
    assert.equal(cost(night, '44', spring, 3600n * S), 3_600_000n);
    const autumn = at('2026-10-25T00:00:00Z'); // 02:00 summer time; 02:30–03:00 comes twice
    assert.equal(cost(night, '44', autumn, 7200n * S), 36_000_000n + 3_600_000n);
  });
  test('hours past midnight belong to the day on which they begin', () => {
    const friday = deckOf('prefix,price,days,hours\n44,0.06,,\n44,0.60,fri,22:00-06:00\n');
    assert.equal(cost(friday, '44', at('2026-07-11T05:59:00Z'), 60n * S), 600_000n); // Saturday morning
    assert.equal(cost(friday, '44', at('2026-07-10T05:59:00Z'), 60n * S), 60_000n); // Friday morning
  });
  test('dates are half-open, in the deck’s time zone; a higher priority wins', () => {
    const holiday = deckOf(
      '@time_zone,Europe/Warsaw\nprefix,price,days,hours,valid_from,valid_to,priority\n44,0.06,,,,,\n44,0.60,mon-fri,08:00-18:00,,,\n44,0.03,,,2026-12-25,2026-12-26,5\n',
    );
    assert.equal(cost(holiday, '44', at('2026-12-25T10:00:00Z'), 60n * S), 30_000n);
    assert.equal(cost(holiday, '44', at('2026-12-24T22:59:00Z'), 120n * S), 60_000n + 30_000n);
    assert.equal(cost(holiday, '44', at('2026-12-28T10:00:00Z'), 60n * S), 600_000n);
  });
  test('where no row is valid a call cannot begin; one that is up goes on at its last price', () => {
    assert.equal(cost(deck, '48221112233', at('2026-07-11T10:00:00Z'), 60n * S), 'not_valid_now'); // Saturday
    const friday = at('2026-07-10T21:59:00Z'); // 23:59 in Warsaw; the row ends on Saturday at 08:00
    assert.equal(cost(deck, '48221112233', friday, 9n * 3600n * S), 50_000n + 540n * 60_000n);
  });
});

describe('prefixes', () => {
  const deck = deckOf('prefix,price,blocked\n44,0.01,\n4420,0.02,\n44207946,,yes\n*,0.5,\n');
  test('the longest one wins; blocked and unknown numbers have no price', () => {
    const perMinute = (number: string) => cost(deck, number, NOON, 60n * S);
    assert.equal(perMinute('+447700900000'), 10_000n);
    assert.equal(perMinute('+442071000000'), 20_000n);
    assert.equal(perMinute('442079460000'), 'blocked');
    assert.equal(perMinute('48601000001'), 500_000n);
    assert.equal(cost(deckOf('prefix,price\n44,1\n'), '48601000001', NOON, S), 'no_prefix');
    assert.throws(() => cost(deck, '44-20', NOON, S), RangeError);
  });
});

describe('the longest call', () => {
  const leg = (csv: string, start = NOON, elapsedUs = 0n, leadUs = 0n) => ({
    curve: rate(deckOf(csv), '442079460000', start).curve!,
    elapsedUs,
    leadUs,
  });

  test('it is searched for, not divided: 4,860 s where a mean price would promise 5,000 s', () => {
    // The first 60 s cost 0.28, the rest 0.10 a minute: 8.28 pays 60 s + 80 minutes, not 8.28 / 0.10 = 4,968 s.
    const found = longestCall([leg('prefix,steps\n44,0:0.28:60;60:0.10:60\n')], 8_280_000n, 36_000n * S);
    assert.deepEqual(found, { maxUs: 4860n * S, capped: false, costs: [8_280_000n] });
  });
  test('it crosses window borders', () => {
    // From 17:59:00 one minute at 0.60, then 0.06 a minute.
    const start = at('2026-07-07T15:59:00Z');
    const found = longestCall([leg(PEAK, start)], 50_000n + 600_000n + 120_000n, 3600n * S);
    assert.equal(found?.maxUs, 180n * S);
  });
  test('both legs are paid, leg A from where it is and while B rings', () => {
    const a = leg('prefix,price,increment\n44,0.06,1\n', NOON, 20n * S, 40n * S);
    const b = leg('prefix,price,increment,connect_fee\n44,0.12,60,0.1\n');
    const found = longestCall([a, b], 60_000n + 100_000n + 120_000n + 60_000n, 3600n * S);
    assert.deepEqual(found, { maxUs: 60n * S, capped: false, costs: [120_000n, 220_000n] });
  });
  test('the cap is a cap; nothing to pay lasts until the cap', () => {
    const found = longestCall([leg('prefix,price,max_cost\n44,0.06,0.5\n')], 500_000n, 90_000n * S);
    assert.deepEqual(found, { maxUs: 90_000n * S, capped: true, costs: [500_000n] });
  });
  test('what cannot pay its connect fee is no call; admission wants the first increment too', () => {
    const fee = leg('prefix,price,increment,connect_fee,free_seconds\n44,0.60,60,0.1,10\n');
    assert.equal(longestCall([fee], 99_999n, 60n * S), undefined);
    assert.equal(longestCall([fee], 100_000n, 60n * S)?.maxUs, 10n * S);
    assert.equal(admissionCost([fee]), 700_000n);
    assert.equal(admissionCost([fee, fee]), 1_400_000n);
  });
});
