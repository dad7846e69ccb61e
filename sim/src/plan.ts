import { Random } from './random.ts';
import type { WorldOptions } from './world.ts';

/**
 * Worlds of a simulation: of many sizes, loads and kinds of misfortune, so that rare things meet (swarm testing, Groce et
 * al. 2012). A world is known by the seed and its number.
 */
export function planWorld(seed: string, index: number): WorldOptions {
  const random = new Random(`${seed}/${index}/plan`);
  return {
    seed: `${seed}/${index}`,
    calls: random.pick([100, 300, 600, 1_000]),
    concurrency: random.pick([10, 50, 100, 300]),
    talkSeconds: random.pick([60, 120, 300, 900]),
    dialers: random.pick([1, 2, 2, 3]),
    switches: random.pick([1, 2, 3]),
    faultSeconds: random.pick([0, 4, 10, 10, 30, 90]),
  };
}

/** Worlds that come to so many calls together. */
export function planWorlds(seed: string, calls: number): WorldOptions[] {
  const worlds: WorldOptions[] = [];
  for (let left = calls; left > 0; ) {
    const world = planWorld(seed, worlds.length);
    worlds.push({ ...world, calls: Math.min(world.calls, left) });
    left -= world.calls;
  }
  return worlds;
}
