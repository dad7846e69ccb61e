import { Broken } from './invariants.ts';
import { playAll } from './play.ts';
import { planWorld, planWorlds } from './plan.ts';
import { hash32 } from './random.ts';
import { shrink } from './shrink.ts';
import { tell } from './story.ts';
import type { Played } from './worker.ts';
import type { WorldOptions } from './world.ts';

const TELL_MS = 10_000;

const env = (name: string, otherwise: string): string => process.env[name] || otherwise;
const number = (name: string, otherwise: string): number => {
  const value = Number(env(name, otherwise));
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} wants a number, not "${process.env[name]}"`);
  return value;
};

const seed = env('SEED', '1');
const calls = number('CALLS', '100000');

function worldsWanted(): WorldOptions[] {
  if (process.env['WORLD']) return [planWorld(seed, number('WORLD', '0'))];
  if (!process.env['CONCURRENT']) return planWorlds(seed, calls);
  const concurrency = number('CONCURRENT', '1000');
  const talkSeconds = number('TALK', '600');
  return [{ seed, calls, concurrency, talkSeconds, dialers: 2, switches: 3, faultSeconds: 0 }];
}

const sum = (all: readonly Played[], of: (one: Played) => number): number => all.reduce((so, one) => so + of(one), 0);
const whole = (value: number): string => Math.round(value).toLocaleString('en');

function report(all: readonly Played[], seconds: number): void {
  const virtual = sum(all, ({ virtualSeconds }) => virtualSeconds);
  const cpu = sum(all, ({ cpuSeconds }) => cpuSeconds);
  const lives = sum(all, (one) => one.calls);
  const rows: [string, string][] = [
    ['lives of calls', `${whole(lives)} in ${all.length} worlds`],
    ['sessions', whole(sum(all, ({ sessions }) => sessions))],
    ['legs answered', whole(sum(all, ({ answered }) => answered))],
    ['faults', whole(sum(all, ({ faults }) => faults))],
    ['transitions', whole(sum(all, ({ steps }) => steps))],
    ['commits', whole(sum(all, ({ commits }) => commits))],
    ['virtual time', `${(virtual / 3_600).toFixed(1)} h`],
    ['sessions at once, mean', (sum(all, (one) => one.meanOpen * one.virtualSeconds) / virtual).toFixed(0)],
    ['took', `${seconds.toFixed(1)} s, ${cpu.toFixed(1)} s of processors`],
    ['lives a second', `${whole(lives / seconds)} (${whole(lives / cpu)} a processor)`],
    ['times real time', `${whole(virtual / seconds)} (${whole(virtual / cpu)} a processor)`],
    ['trace', hash32(all.map(({ hash }) => hash).join(' ')).toString(16)],
  ];
  for (const [name, value] of rows) console.log(`${name.padEnd(24)} ${value}`);
}

/** Plays, reports, and answers whether all held and the same seed gave the same trace again. */
export async function simulate(defect: string): Promise<boolean> {
  const worlds = worldsWanted();
  const started = performance.now();
  let told = started;
  let done = 0;
  const all = await playAll(
    worlds,
    (one) => {
      done += one.calls;
      if (performance.now() - told < TELL_MS) return;
      told = performance.now();
      console.error(`${whole(done)} lives after ${((told - started) / 1000).toFixed(0)} s`);
    },
    { defect },
  );
  report(all, (performance.now() - started) / 1000);
  const failed = all.find(({ broken }) => broken);
  if (failed?.broken) {
    const { invariant, words, about } = failed.broken;
    const lives = sum(
      all.filter(({ index }) => index <= failed.index),
      (one) => one.calls,
    );
    console.log(`\nworld ${failed.index} broke after ${whole(lives)} lives; looking for the shortest story …\n`);
    console.log(tell(await shrink(worlds[failed.index]!, new Broken(invariant, words, about))));
    return false;
  }
  if (process.env['CONCURRENT']) return true;
  // The same seed twice gives the same trace.
  const index = worlds.findIndex(({ faultSeconds }) => faultSeconds > 0);
  if (index < 0) return true;
  const again = await playAll([worlds[index]!], () => {}, { defect });
  const same = again.every(({ hash }) => hash === all[index]!.hash);
  console.log(`${`world ${index} again`.padEnd(24)} ${same ? 'the same trace' : 'ANOTHER TRACE'}`);
  return same;
}
