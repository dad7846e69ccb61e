import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { wantedSwitches } from '../src/domain/scale.ts';
import { SPEC } from './world.ts';

const load = (calls: number, callsPerSecond = 0, silent = 0) => ({ calls, callsPerSecond, silent });

describe('the number of switches', () => {
  // 10 calls a switch, 60 % of it wanted: 6 calls a switch. Low is 40 %: 4.
  const rows: [string, ReturnType<typeof load>, number, number][] = [
    ['no calls: the minimum', load(0), 1, 1],
    ['as many as one should carry', load(6), 1, 1],
    ['one more call, one more switch', load(7), 1, 2],
    ['new calls a second count as well', load(0, 13), 1, 3],
    ['never more than the maximum', load(1000), 1, 6],
    ['between low and target nothing changes', load(10), 2, 2],
    ['a silent switch does not make more', load(6, 0, 1), 1, 1],
  ];
  for (const [name, given, current, expected] of rows) {
    it(name, () => assert.equal(wantedSwitches(SPEC, given, current, undefined, 0).switches, expected));
  }

  it('fewer only after the load was low for scaleDownAfterSeconds without a break', () => {
    const first = wantedSwitches(SPEC, load(3), 3, undefined, 1_000);
    assert.deepEqual([first.switches, first.scaleDownSince, first.againInMs], [3, 1_000, 60_000]);
    assert.equal(wantedSwitches(SPEC, load(3), 3, 1_000, 60_999).switches, 3);
    assert.equal(wantedSwitches(SPEC, load(3), 3, 1_000, 61_000).switches, 1);
    assert.equal(wantedSwitches(SPEC, load(12), 3, 1_000, 30_000).scaleDownSince, undefined, 'the break');
  });

  it('not fewer while a switch is silent: it may be full', () => {
    assert.equal(wantedSwitches(SPEC, load(0, 0, 2), 3, 0, 1_000_000).switches, 3);
  });

  it('says when the maximum is in the way', () => {
    assert.deepEqual(
      [load(36), load(37)].map((l) => wantedSwitches(SPEC, l, 6, undefined, 0).limited),
      [false, true],
    );
  });

  it('replicas win over the load', () => {
    assert.equal(wantedSwitches({ ...SPEC, replicas: 2 }, load(1000), 5, undefined, 0).switches, 2);
  });

  it('never swings: with a load that stays, it changes at most once up and once down, and then no more', () => {
    fc.assert(
      fc.property(
        fc.record({ calls: fc.nat(80), rate: fc.nat(80), start: fc.integer({ min: 1, max: 6 }), spare: fc.nat(2) }),
        ({ calls, rate, start, spare }) => {
          const spec = { ...SPEC, scaling: { ...SPEC.scaling, spareSwitches: spare } };
          let current = start;
          let since: number | undefined;
          const seen = [start];
          for (let now = 0; now < 1_000_000; now += 2_000) {
            const wanted = wantedSwitches(spec, load(calls, rate), current, since, now);
            since = wanted.scaleDownSince;
            if (wanted.switches !== current) seen.push(wanted.switches);
            current = wanted.switches;
          }
          assert.ok(seen.length <= 2, `swings: ${seen.join(' → ')}`);
        },
      ),
    );
  });

  it('a load that moves by less than the gap between low and target makes no switch come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 9, max: 12 }), { minLength: 50, maxLength: 200 }), (loads) => {
        let [current, since]: [number, number | undefined] = [2, undefined];
        loads.forEach((calls, index) => {
          const wanted = wantedSwitches(SPEC, load(calls), current, since, index * 10_000);
          [current, since] = [wanted.switches, wanted.scaleDownSince];
          assert.equal(current, 2);
        });
      }),
    );
  });
});
