import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { dialer } from '@ringback/contracts';
import fc from 'fast-check';
import { checkAccessNumber } from '../src/api/routing-rules.ts';
import { ACCESS } from './world.ts';

const checked = (fields: Partial<dialer.AccessNumber>): dialer.AccessNumber =>
  checkAccessNumber(dialer.AccessNumber.fromPartial({ number: ACCESS, ...fields }));

const refused = (field: string, fields: Partial<dialer.AccessNumber>): void => {
  assert.throws(
    () => checked(fields),
    (error: Error) => error.message.includes(`access_number.${field}`),
  );
};

describe('how long a trigger rings', () => {
  test('two and a half cycles of five seconds, where nothing is said', () => {
    const { ringTimeMs, ringCycles, ringCycleMs } = checked({});
    assert.deepEqual(
      { ringTimeMs, ringCycles, ringCycleMs },
      { ringTimeMs: 12_500, ringCycles: 2.5, ringCycleMs: 5000 },
    );
  });

  test('cycles of another country', () => {
    assert.equal(checked({ ringCycleMs: 6000 }).ringTimeMs, 15_000);
    assert.equal(checked({ ringCycleMs: 3000, ringCycles: 3 }).ringTimeMs, 9000);
  });

  test('a time in ms is taken as it is, and cycles win over one', () => {
    assert.equal(checked({ ringTimeMs: 7000 }).ringTimeMs, 7000);
    assert.equal(checked({ ringTimeMs: 7000 }).ringCycles, 0);
    assert.equal(checked({ ringTimeMs: 7000, ringCycles: 2 }).ringTimeMs, 10_000);
  });

  test('what is kept says the same when it is put again', () => {
    const cycles = fc.record({
      ringCycleMs: fc.integer({ min: 1000, max: 15_000 }),
      ringCycles: fc.double({ min: 1, max: 4, noNaN: true }),
    });
    fc.assert(
      fc.property(cycles, (given) => {
        const once = checked(given);
        assert.deepEqual(checkAccessNumber(once), once);
      }),
    );
  });

  test('nonsense is refused by name', () => {
    refused('ring_time_ms', { ringTimeMs: 999 });
    refused('ring_time_ms', { ringTimeMs: 60_001 });
    refused('ring_cycle_ms', { ringCycleMs: 999 });
    refused('ring_cycles', { ringCycles: -1 });
    refused('ring_cycles', { ringCycles: Number.POSITIVE_INFINITY });
    refused('ring_cycles', { ringCycles: 13 });
    refused('ring_cycles', { ringCycles: 0.1 });
  });
});
