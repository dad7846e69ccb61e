import type { Broken } from './invariants.ts';
import { type Outcome, World, type WorldOptions } from './world.ts';

/** Leaves out what is not needed for `fails` to hold: ever smaller pieces of the list (delta debugging, Zeller 2002). */
export async function minimise<T>(
  items: readonly T[],
  fails: (kept: readonly T[]) => Promise<boolean>,
): Promise<readonly T[]> {
  let kept = items;
  for (let pieces = 2; kept.length > 0; ) {
    const size = Math.ceil(kept.length / pieces);
    let smaller: readonly T[] | undefined;
    for (let at = 0; at < kept.length && !smaller; at += size) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (await fails(without)) smaller = without;
    }
    if (smaller) {
      kept = smaller;
      pieces = Math.max(2, pieces - 1);
    } else if (size === 1) break;
    else pieces = Math.min(kept.length, pieces * 2);
  }
  return kept;
}

export interface Shrunk {
  options: WorldOptions;
  world: World;
  outcome: Outcome;
  broken: Broken;
  /** Worlds that were played for it. */
  tries: number;
}

const DEADLINE_MS = 90_000;

/**
 * The smallest world found in which the same invariant breaks: calls first (those of the telephone concerned, if they are
 * enough), then faults, then processes. What is left is played once more, and written down.
 */
export async function shrink(options: WorldOptions, broken: Broken, deadlineMs = DEADLINE_MS): Promise<Shrunk> {
  const until = performance.now() + deadlineMs;
  let tries = 0;
  let best = options;
  const breaks = async (candidate: WorldOptions): Promise<boolean> => {
    if (performance.now() > until) return false;
    tries += 1;
    const { broken: again } = await new World(candidate).run();
    if (again?.invariant !== broken.invariant) return false;
    best = candidate;
    return true;
  };
  const having = (only: Partial<NonNullable<WorldOptions['only']>>): WorldOptions => ({
    ...best,
    only: { ...best.only, ...only },
  });

  const { calls, faults } = new World(options);
  // Nothing that comes after the break has a part in it.
  const callsBefore = calls.filter(({ atUs }) => atUs <= broken.atUs);
  const faultsBefore = faults.filter(({ atUs }) => atUs <= broken.atUs).map(({ id }) => id);
  const indexes = callsBefore.map(({ index }) => index);
  await breaks(having({ calls: new Set(indexes), faults: new Set(faultsBefore) }));
  const own = callsBefore.filter(({ subscriber }) => subscriber.number === broken.number).map(({ index }) => index);
  if (own.length === 0 || !(await breaks(having({ calls: new Set(own) })))) {
    await minimise(indexes, (kept) => breaks(having({ calls: new Set(kept) })));
  }
  await minimise(faultsBefore, (kept) => breaks(having({ faults: new Set(kept) })));
  const callsLeft = [...(best.only?.calls ?? indexes)];
  if (callsLeft.length > 1) await minimise(callsLeft, (kept) => breaks(having({ calls: new Set(kept) })));
  for (const part of ['switches', 'dialers'] as const) {
    while (best[part] > 1 && (await breaks({ ...best, [part]: best[part] - 1 }))) {
      // one less
    }
  }
  const world = new World({ ...best, record: true });
  const outcome = await world.run();
  return { options: best, world, outcome, broken: outcome.broken ?? broken, tries };
}
