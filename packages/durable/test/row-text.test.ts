import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeLive, encodeLive, type HistoryEntry, type Live } from '@ringback/durable';
import fc from 'fast-check';
import { type Counter, type CounterEffect, counterMachine } from './toy.ts';

type CounterLive = Live<Counter, CounterEffect>;

const rowOf = (live: CounterLive, body = encodeLive(counterMachine, live)) => {
  const { id, shard, key, createdAtUs } = live;
  return { id, shard, key, createdAtUs, version: 1, body };
};

const name = fc.constantFrom('triggered', 'talking', 'ended', '', 'ligne\n"brisée"');
const entry: fc.Arbitrary<HistoryEntry> = fc
  .record({
    atUs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    event: name,
    from: name,
    to: name,
    legId: fc.option(fc.uuid(), { nil: undefined }),
  })
  .map(({ legId, ...rest }) => (legId === undefined ? rest : { ...rest, legId }));

/** Plain objects, as the loop makes them. */
const PLAIN = { noNullPrototype: true };

const live: fc.Arbitrary<CounterLive> = fc.record(
  {
    id: fc.constant('07-x'),
    shard: fc.constant(7),
    key: fc.string(),
    createdAtUs: fc.nat(),
    state: fc.record({ count: fc.nat(), told: fc.nat() }, PLAIN),
    owed: fc.array(
      fc.record(
        { id: fc.string(), lane: fc.string(), body: fc.record({ tell: fc.nat() }, PLAIN), giveUpAtUs: fc.nat() },
        PLAIN,
      ),
    ),
    timers: fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      fc.nat(),
      { noNullPrototype: true },
    ),
    history: fc.array(entry),
    next: fc.nat(),
    closing: fc.boolean(),
  },
  PLAIN,
);

test('a session comes back from its row as it was', () => {
  fc.assert(
    fc.property(live, (session) => assert.deepEqual(decodeLive(counterMachine, rowOf(session)), session)),
    { seed: 20_261_123 },
  );
});

test('rows of the release before are read', () => {
  const state = { count: 2, told: 1 };
  const history = [{ atUs: 5, event: 'count', from: 'a', to: 'b', legId: 'leg' }];
  const rest = { owed: [], timers: { t: 9 }, history, next: 3, closing: false };
  const session: CounterLive = { id: '07-x', shard: 7, key: 'k', createdAtUs: 1, state, ...rest };
  const body = JSON.stringify({ ...rest, state: JSON.stringify(state) });
  assert.deepEqual(decodeLive(counterMachine, rowOf(session, body)), session);
});
