import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type PoolAction, reconcilePool } from '../src/domain/switch-pool.ts';
import { pool, type Truth, World } from './world.ts';

const kinds = (actions: readonly PoolAction[]): string[] =>
  actions.map((a) => ('name' in a ? `${a.kind} ${a.name}` : a.kind));

/** One pass of the operator, carried out whole. */
function pass(world: World): readonly PoolAction[] {
  const { actions, status } = reconcilePool(world.observe(), world.now);
  for (const action of actions) world.apply(action);
  world.pool = { ...world.pool, status };
  return actions;
}

/** Passes every second until nothing is left to do for a while. */
function settle(world: World, seconds = 60): void {
  for (let i = 0; i < seconds; i += 1) {
    pass(world);
    world.tick(1_000);
  }
}

function running(spec: Parameters<typeof pool>[0], calls: readonly number[] = []): World {
  const world = new World(pool({ ...spec, replicas: Math.max(1, calls.length) }));
  settle(world, 10);
  calls.forEach((count, index) => {
    world.switches[index]!.calls = count;
  });
  world.tick(1_000);
  return world;
}

const respec = (world: World, spec: Parameters<typeof pool>[0]): void => {
  world.pool = {
    ...world.pool,
    spec: { ...world.pool.spec, ...spec },
    metadata: { ...world.pool.metadata, generation: 2 },
  };
};

describe('a pool', () => {
  it('starts with minSwitches', () => {
    const world = new World(pool({ minSwitches: 3 }));
    assert.deepEqual(kinds(pass(world)), ['create', 'create', 'create']);
    settle(world, 10);
    assert.equal(world.pool.status?.ready, 3);
    assert.equal(world.pool.status?.conditions?.[0]?.reason, 'Ready');
  });

  it('drains the emptiest when fewer are wanted, and deletes it only when its call is over', () => {
    const world = running({}, [3, 1, 2]);
    respec(world, { replicas: 2 });
    assert.deepEqual(kinds(pass(world)), ['drain main-0002']);
    settle(world, 100);
    assert.equal(world.switches.length, 3);
    assert.deepEqual(
      world.pool.status?.stragglers?.map((s) => [s.switch, s.calls, s.overdue]),
      [['main-0002', 1, false]],
    );
    world.hangUp(1);
    settle(world, 10);
    assert.deepEqual(
      world.switches.map((s) => s.name),
      ['main-0001', 'main-0003'],
    );
  });

  it('takes a switch that never served before one that is empty', () => {
    const world = running({}, [0, 0]);
    respec(world, { replicas: 3 });
    pass(world);
    respec(world, { replicas: 2 });
    assert.deepEqual(kinds(pass(world)), ['delete main-0003']);
  });

  it('takes a draining one back instead of starting another', () => {
    const world = running({}, [3, 2]);
    respec(world, { replicas: 1 });
    assert.deepEqual(kinds(pass(world)), ['drain main-0002']);
    world.tick(1_000);
    respec(world, { replicas: 2 });
    assert.deepEqual(kinds(pass(world)), ['undrain main-0002']);
  });

  it('reports stragglers, and ends their calls only after the drain limit', () => {
    const world = running({ drainLimitSeconds: 120 }, [5, 4]);
    respec(world, { replicas: 1 });
    settle(world, 119);
    assert.equal(world.switches.length, 2);
    world.tick(2_000);
    const actions = pass(world);
    assert.deepEqual(kinds(actions), ['delete main-0002']);
    assert.match(actions[0]!.why, /drain limit of 120 s passed, 4 calls are still up/);
    assert.deepEqual(
      actions.map((a) => a.kind === 'delete' && a.cut),
      [true],
    );
  });

  it('tells an agent again that has not heard of its drain', () => {
    const world = running({}, [1, 0]);
    respec(world, { replicas: 1 });
    world.deaf = true;
    pass(world);
    world.tick(1_000);
    world.deaf = false;
    assert.deepEqual(kinds(pass(world)), ['tell main-0002']);
  });

  it('rolls a new revision by surge: never fewer that take calls, emptiest first', () => {
    const world = running({}, [3, 1, 2]);
    world.revision = 'r2';
    const order: string[] = [];
    for (let second = 0; second < 60; second += 1) {
      order.push(...kinds(pass(world)).filter((k) => k.startsWith('drain')));
      world.tick(1_000);
      const taking = world.switches.filter((s) => world.ready(s)).length;
      assert.ok(taking >= 3, `only ${taking} take calls`);
    }
    assert.deepEqual(order, ['drain main-0002', 'drain main-0003', 'drain main-0001']);
    assert.equal(
      world.switches.reduce((sum, s) => sum + s.calls, 0),
      6,
    );
    assert.equal(world.pool.status?.updated, 3);
  });

  it('does not go on rolling while the new ones do not get ready', () => {
    const world = running({}, [1, 1]);
    world.revision = 'broken';
    pass(world);
    world.switches.at(-1)!.well = false;
    settle(world, 120);
    assert.deepEqual(
      world.switches.map((s) => s.drain),
      [undefined, undefined, undefined],
    );
    // The image is mended: what never served goes at once.
    world.revision = 'r3';
    settle(world, 30);
    assert.ok(world.switches.every((s) => s.revision !== 'broken'));
  });

  it('gives an ill switch a successor, and leaves it its calls', () => {
    const world = running({}, [4, 2]);
    world.switches[0]!.well = false;
    world.tick(1_000);
    settle(world, 20);
    assert.equal(world.switches.length, 2, 'not before replaceUnhealthyAfterSeconds');
    settle(world, 40);
    assert.equal(world.switches.length, 3);
    assert.deepEqual(
      world.switches.map((s) => s.drain?.reason),
      ['Unhealthy', undefined, undefined],
    );
    assert.equal(world.switches[0]!.calls, 4);
  });

  it('takes a silent switch for neither dead nor empty', () => {
    const world = running({}, [1, 3]);
    world.switches[1]!.silent = true;
    settle(world, 60);
    assert.equal(world.switches.length, 2);
    assert.equal(world.pool.status?.conditions?.find((c) => c.type === 'LoadKnown')?.reason, 'SilentSwitches');
    respec(world, { replicas: 1 });
    assert.deepEqual(kinds(pass(world)), ['drain main-0001'], 'the silent one may be the fullest');
  });

  it('replaces a dead one', () => {
    const world = running({}, [1, 3]);
    world.switches[1]!.over = true;
    const actions = kinds(pass(world));
    assert.deepEqual(actions, ['delete main-0002', 'create']);
  });

  it('does nothing while it is paused but to let go what is draining', () => {
    const world = running({}, [1, 0]);
    respec(world, { replicas: 1 });
    pass(world);
    respec(world, { replicas: 2, paused: true });
    world.tick(1_000);
    assert.deepEqual(kinds(pass(world)), []);
    settle(world, 10);
    assert.equal(world.switches.length, 1);
  });

  it('that is deleted drains all, and goes when they are gone', () => {
    const world = running({}, [1, 0]);
    world.pool = { ...world.pool, metadata: { ...world.pool.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } };
    settle(world, 30);
    assert.deepEqual([world.switches.length, world.finalizer], [1, true]);
    world.hangUp(0);
    settle(world, 10);
    assert.deepEqual([world.switches.length, world.finalizer], [0, false]);
  });
});

type Step =
  | { readonly do: 'pass'; readonly part: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'calls'; readonly count: number }
  | { readonly do: 'hangUp'; readonly which: number }
  | { readonly do: 'ill' | 'silent' | 'dies'; readonly which: number }
  | { readonly do: 'deaf' }
  | { readonly do: 'replicas'; readonly to: number | undefined }
  | { readonly do: 'roll' }
  | { readonly do: 'pause' };

const nat = (max: number) => fc.nat({ max });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('pass' as const), part: nat(8) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 100, max: 20_000 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('calls' as const), count: nat(12) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('hangUp' as const), which: nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('ill' as const, 'silent' as const, 'dies' as const), which: nat(6) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'deaf' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('replicas' as const), to: fc.option(nat(6), { nil: undefined }) }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'roll' as const }) },
  { weight: 1, arbitrary: fc.constant({ do: 'pause' as const }) },
);

function perform(world: World, s: Step): void {
  const some = (which: number): Truth | undefined => world.switches[which % Math.max(1, world.switches.length)];
  switch (s.do) {
    case 'pass': {
      const observed = world.observe();
      const { actions, status } = reconcilePool(observed, world.now);
      checkDecision(world, actions);
      // The operator may die after any of its actions, and its successor sees what came of them.
      for (const action of actions.slice(0, s.part + 1)) world.apply(action);
      if (s.part >= actions.length) world.pool = { ...world.pool, status };
      return;
    }
    case 'wait':
      // Reports come every second.
      for (let left = s.ms; left > 0; left -= 1_000) world.tick(Math.min(1_000, left));
      return;
    case 'calls':
      for (let i = 0; i < s.count; i += 1) world.call();
      return;
    case 'hangUp':
      world.hangUp(s.which);
      return;
    case 'ill': {
      const t = some(s.which);
      if (t) t.well = !t.well;
      return;
    }
    case 'silent': {
      const t = some(s.which);
      if (t) t.silent = !t.silent;
      return;
    }
    case 'dies': {
      const t = some(s.which);
      if (t) {
        t.over = true;
        t.calls = 0;
      }
      return;
    }
    case 'deaf':
      world.deaf = !world.deaf;
      return;
    case 'replicas':
      respec(world, { replicas: s.to, minSwitches: s.to === undefined ? 1 : 0 });
      return;
    case 'roll':
      world.revision = `r${world.now}`;
      return;
    case 'pause':
      respec(world, { paused: !world.pool.spec.paused });
  }
}

/** What holds for every decision, whatever the world looks like. */
function checkDecision(world: World, actions: readonly PoolAction[]): void {
  const wanted = reconcilePool(world.observe(), world.now).wanted.switches;
  const active = world.switches.filter((s) => !s.over && !s.drain);
  const created = actions.filter((a) => a.kind === 'create').length;
  assert.ok(created === 0 || active.length + created <= wanted + world.pool.spec.maxSurge, 'more than surge allows');
  const drained = actions.flatMap((a) => (a.kind === 'drain' ? [a] : []));
  const readyLeft = active.filter((s) => s.wasReady && !drained.some((d) => d.name === s.name)).length;
  const drainsReady = drained.some((d) => active.find((s) => s.name === d.name)?.wasReady);
  assert.ok(!drainsReady || readyLeft >= wanted, 'fewer would take calls than are wanted');
  // Of switches drained because fewer are wanted, none has more calls than one that stays.
  const known = (t: Truth): number =>
    t.heard && world.now - t.heard.at <= 10_000 ? t.heard.calls : Number.POSITIVE_INFINITY;
  const by = drained.filter((d) => d.reason === 'ScaleDown').map((d) => known(active.find((s) => s.name === d.name)!));
  if (by.length > 0 && !drained.some((d) => d.reason !== 'ScaleDown')) {
    const staying = active.filter(
      (s) => s.wasReady && s.revision === world.revision && s.well && !drained.some((d) => d.name === s.name),
    );
    for (const calls of by)
      for (const t of staying) assert.ok(calls <= known(t), 'a fuller one was drained than one that stays');
  }
}

describe('whatever happens to a pool', () => {
  it('no live call is cut before the limit, and it comes to rest as it should be', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const world = new World(pool({ minSwitches: 1, maxSwitches: 6 }));
        settle(world, 8);
        for (const s of steps) perform(world, s);
        // The world calms down: agents are heard, switches are well, calls end.
        world.deaf = false;
        respec(world, { paused: false, replicas: undefined, minSwitches: 1 });
        for (const t of world.switches) {
          t.silent = false;
          t.well = true;
        }
        for (let second = 0; second < 300; second += 1) {
          world.hangUp(second);
          pass(world);
          world.tick(1_000);
        }
        const { actions, status } = reconcilePool(world.observe(), world.now);
        assert.deepEqual(actions, []);
        assert.equal(world.switches.length, status.desired);
        assert.equal(status.ready, status.desired);
        assert.ok(world.switches.every((t) => t.revision === world.revision && !t.drain));
        assert.equal(status.conditions?.[0]?.reason, 'Ready');
      }),
      { numRuns: 400 },
    );
  });

  it('the same observation gives the same decision', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World(pool());
        for (const s of steps) perform(world, s);
        const shuffled = { ...world.observe(), switches: world.observe().switches.toReversed() };
        const [one, two] = [reconcilePool(world.observe(), world.now), reconcilePool(shuffled, world.now)];
        assert.deepEqual(kinds(two.actions).sort(), kinds(one.actions).sort());
        assert.deepEqual(two.status, one.status);
      }),
      { numRuns: 200 },
    );
  });
});
