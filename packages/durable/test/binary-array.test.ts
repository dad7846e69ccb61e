import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createPool, type Pool } from '@ringback/service-kit';
import { type TestDatabase, testDatabase } from '@ringback/service-kit/testing';
import { int4Array, int8Array, textArray } from '../src/binary-array.ts';

let database: TestDatabase;
let pool: Pool;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
});
after(async () => {
  await pool.end();
  await database.close();
});

const TEXTS = ['', 'plain', '{"a":"b\\\\c"}', 'NULL', 'zażółć 電話 📞', 'a,b}{', 'x'.repeat(100_000)];

for (const [what, type, values, binary] of [
  ['texts', 'text', TEXTS, textArray(TEXTS)],
  ['integers', 'int4', [0, -1, 2 ** 31 - 1, -(2 ** 31)], int4Array([0, -1, 2 ** 31 - 1, -(2 ** 31)])],
  [
    'long integers and nulls',
    'int8',
    [0, null, Number.MAX_SAFE_INTEGER, -1],
    int8Array([0, null, Number.MAX_SAFE_INTEGER, -1]),
  ],
  ['nothing', 'text', [], textArray([])],
] as const) {
  test(`PostgreSQL reads ${what} as it was meant`, async () => {
    const { rows } = await pool.query(
      `SELECT value FROM unnest($1::${type}[]) WITH ORDINALITY AS r (value, n) ORDER BY n`,
      [binary],
    );
    assert.deepEqual(
      rows.map(({ value }) => (typeof value === 'bigint' ? Number(value) : value)),
      [...values],
    );
  });
}

test('a number that is no whole one is refused before anything is sent', () => {
  assert.throws(() => int8Array([1.5]), RangeError);
  assert.throws(() => int4Array([2 ** 31]), RangeError);
});
