import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CostCurve, longestCall, parseDeck, rate } from '../src/index.ts';
import { borderCall, deck as anyDeck, durationUs, startUs } from './support/arbitrary.ts';
import { refCost, type RefDeck, toCsv } from './support/reference.ts';

// Every run of the suite tries the same lives; another seed tries others.
fc.configureGlobal({ seed: Number(process.env.PROPERTY_SEED ?? 20_260_707) });

const NUMBERS = ['442079460000', '447700900000', '4420', '48601000001'];
const call = anyDeck.chain((deck) => {
  const inMs = deck.duration === 'milliseconds';
  return fc.record({
    deck: fc.constant(deck),
    number: fc.constantFrom(...NUMBERS),
    start: startUs(deck.timeZone),
    durations: fc.array(durationUs(inMs), { minLength: 1, maxLength: 4 }),
  });
});

function compiled(deck: RefDeck) {
  const parsed = parseDeck(toCsv(deck));
  assert.deepEqual(parsed.problems, []);
  return parsed.deck!;
}

const curveOf = (deck: RefDeck, number: string, start: bigint): CostCurve | undefined =>
  rate(compiled(deck), number, start).curve;

test('a cost is what the reference says, second by second, in whatever order it is asked for', () => {
  let priced = 0;
  fc.assert(
    fc.property(call, ({ deck, number, start, durations }) => {
      const curve = curveOf(deck, number, start);
      for (const duration of durations) {
        const expected = refCost(deck, number, start, duration);
        assert.equal(curve?.cost(Number(duration)), expected);
        if (expected !== undefined) priced += 1;
      }
    }),
    { numRuns: 700 },
  );
  assert.ok(priced > 500, `only ${priced} of the calls had a price`);
});

test('close to a border of windows, days or clocks it is what the reference says, to the microsecond', () => {
  fc.assert(
    fc.property(borderCall, ({ deck, start, duration }) => {
      assert.equal(curveOf(deck, '44', start)?.cost(Number(duration)), refCost(deck, '44', start, duration));
    }),
    { numRuns: 1000 },
  );
});

test('charging in intervals gives to the last digit what charging once gives, for any split', () => {
  fc.assert(
    fc.property(call, ({ deck, number, start, durations }) => {
      const curve = curveOf(deck, number, start);
      if (!curve) return;
      const cuts = durations.map(Number).sort((a, b) => a - b);
      let charged = 0n;
      let from: number | undefined;
      for (const to of cuts) {
        charged += from === undefined ? curve.cost(to) : curve.cost(to) - curve.cost(from);
        from = to;
      }
      assert.equal(charged, curveOf(deck, number, start)!.cost(cuts.at(-1)!));
    }),
    { numRuns: 300 },
  );
});

test('a longer call never costs less, and only an increment (or the grace period’s end) changes a cost', () => {
  fc.assert(
    fc.property(call, ({ deck, number, start, durations }) => {
      const curve = curveOf(deck, number, start);
      if (!curve) return;
      for (const duration of durations.map(Number)) {
        const next = curve.nextIncrementUs(duration);
        assert.ok(next > duration);
        assert.ok(curve.cost(next) >= curve.cost(duration));
        if (duration >= curve.firstChargeUs) assert.equal(curve.cost(next - 1), curve.cost(duration));
      }
      assert.ok(curve.cost(curve.firstChargeUs) >= curve.cost(0));
    }),
    { numRuns: 300 },
  );
});

const quote = fc.record({
  legs: fc.array(fc.tuple(call, fc.bigInt(0n, 100_000_000n), fc.bigInt(0n, 60_000_000n)), {
    minLength: 1,
    maxLength: 3,
  }),
  available: fc.oneof(fc.bigInt(0n, 3_000_000n), fc.bigInt(0n, 200_000n)),
  cap: fc.oneof(fc.bigInt(1n, 7_200_000_000n), fc.constant(864_000_000_000n)),
});

test('the longest call can be paid, and one step longer cannot', () => {
  let limited = 0;
  fc.assert(
    fc.property(quote, ({ legs, available, cap }) => {
      const quoted = legs.flatMap(([{ deck, number, start }, elapsedUs, leadUs]) => {
        const curve = curveOf(deck, number, start);
        return curve ? [{ curve, elapsedUs, leadUs }] : [];
      });
      const total = (t: bigint): bigint =>
        quoted.reduce((sum, leg) => sum + leg.curve.cost(Number(leg.elapsedUs + leg.leadUs + t)), 0n);
      const found = longestCall(quoted, available, cap);
      if (!found) return assert.ok(total(0n) > available);
      assert.equal(
        found.costs.reduce((a, b) => a + b, 0n),
        total(found.maxUs),
      );
      assert.ok(total(found.maxUs) <= available);
      if (found.capped) return assert.equal(found.maxUs, cap);
      limited += 1;
      assert.ok(total(found.maxUs + 1n) > available, 'a microsecond longer can be paid too');
      const nextIncrement = quoted
        .map((leg) => {
          const base = Number(leg.elapsedUs + leg.leadUs);
          return leg.curve.nextIncrementUs(base + Number(found.maxUs)) - base;
        })
        .reduce((a, b) => Math.min(a, b));
      assert.ok(total(BigInt(nextIncrement)) > available, 'one increment longer can be paid too');
    }),
    { numRuns: 500 },
  );
  assert.ok(limited > 20, `only ${limited} quotes were limited by money`);
});
