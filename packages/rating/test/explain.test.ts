import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explain, parseDeck, rate } from '../src/index.ts';

const CSV = `@currency,EUR
@time_zone,Europe/Warsaw
@rounding,up
@decimals,4
prefix,destination,price,increment,connect_fee,free_seconds,min_cost,surcharge_percent,tax_percent,days,hours
44,UK,0.06,60/1,0.05,,,,,,
4420,London,0.60,60,0.05,,,5,23,mon-fri,08:00-18:00
4420,London off-peak,0.10,7,,,,,,mon-fri,18:00-08:00
447,Mobile,0.10,7,,30,0.5,,,,
448,Short,0.10,7,0.05,,,,,,
`;

const lines = (number: string, start: string, seconds: number): string[] => {
  const { deck } = parseDeck(CSV);
  return explain(rate(deck!, number, BigInt(Date.parse(start)) * 1000n).curve!, BigInt(seconds * 1e6));
};

test('an explanation names the row, each run of increments with its window, and every later step', () => {
  assert.deepEqual(lines('442079460000', '2026-07-07T15:59:30Z', 61), [
    'prefix 4420 (London), row 7, in force at 2026-07-07 17:59:30 Europe/Warsaw',
    'duration 61 s, billed 61 s (up)',
    'connect fee 0.05',
    '0 s to 60 s (from 2026-07-07 17:59:30): 1 × 60 s at 0.60 per minute (row 7, mon-fri 08:00-18:00) = 0.60',
    '60 s to 67 s (from 2026-07-07 18:00:30): 1 × 7 s at 0.10 per minute (row 8, mon-fri 18:00-08:00) = 0.011666666666…',
    'sum 0.661666666666…',
    'surcharge 5 %',
    'tax 23 %',
    'rounded up to 4 decimals',
    'cost 0.8546 EUR',
  ]);
});

test('free seconds, a minimum and a duration in microseconds are told', () => {
  assert.deepEqual(lines('447700900000', '2026-07-11T10:00:00Z', 33.25), [
    'prefix 447 (Mobile), row 9, in force at 2026-07-11 12:00:00 Europe/Warsaw',
    'duration 33.25 s, billed 34 s (up)',
    'free until second 30 s',
    '30 s to 37 s (from 2026-07-11 12:00:30): 1 × 7 s at 0.10 per minute (row 9) = 0.011666666666…',
    'sum 0.011666666666…',
    'at least the minimum 0.50',
    'rounded up to 4 decimals',
    'cost 0.50 EUR',
  ]);
});
