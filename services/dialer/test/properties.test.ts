import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { action, Life } from './life.ts';
import type { World } from './world.ts';

function invariants(world: World): void {
  const { s, live, done } = world;
  const dialled = s.legs.filter(({ role, status }) => role === 'a' && ['dialling', 'ringing', 'up'].includes(status));
  assert.ok(dialled.length <= 1, 'no telephone is dialled twice at once');
  const settles = [...done, ...live!.owed.map(({ body }) => body)]
    .filter((effect) => effect.do === 'settle')
    .map(({ cdr }) => cdr.legId);
  assert.equal(new Set(settles).size, settles.length, 'a leg is settled once');
  for (const leg of s.legs) {
    assert.equal(leg.settlement !== 'none', settles.includes(leg.id), 'what is settled is owed or done');
    assert.ok(leg.settlement === 'none' || leg.status === 'ended', 'only what has ended is settled');
  }
  if (world.closed) {
    assert.deepEqual(live!.timers, {}, 'a closed session has no timer');
    assert.equal(settles.length, s.legs.length, 'every attempted leg has its CDR');
  } else {
    const awaited =
      live!.owed.length > 0 ||
      Object.keys(live!.timers).length > 0 ||
      s.legs.some(({ status }) => status === 'ringing');
    assert.ok(awaited, `nothing is awaited in ${s.phase}`);
  }
}

test('whatever the world does, every leg is settled once, nobody is dialled twice, and it comes to an end', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80, size: 'max' }), (actions) => {
      const life = new Life();
      life.trigger();
      for (const each of actions) {
        life.do(each);
        invariants(life.world);
      }
      life.comeToAnEnd();
      invariants(life.world);
    }),
    { numRuns: 3_000, seed: 20_261_123 },
  );
});
