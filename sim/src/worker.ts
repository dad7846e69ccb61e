import { parentPort, workerData } from 'node:worker_threads';
import type { Broken, Invariant } from './invariants.ts';
import { mutate } from './mutate.ts';
import type { Outcome, WorldOptions } from './world.ts';

const { defect } = workerData as { defect: string };
if (defect !== '') mutate(defect);
const { World } = await import('./world.ts');

/** An outcome as it travels between threads. */
export type Played = Omit<Outcome, 'broken'> & {
  index: number;
  cpuSeconds: number;
  broken: { invariant: Invariant; words: string; about: ConstructorParameters<typeof Broken>[2] } | undefined;
};

/** Plays one world after the other, as they are handed over. */
parentPort?.on('message', ({ index, options }: { index: number; options: WorldOptions }) => {
  const started = process.threadCpuUsage();
  void new World(options).run().then(({ broken, ...outcome }) => {
    const { user, system } = process.threadCpuUsage(started);
    const played: Played = {
      ...outcome,
      index,
      cpuSeconds: (user + system) / 1e6,
      broken: broken && { invariant: broken.invariant, words: broken.message, about: { ...broken } },
    };
    parentPort!.postMessage(played);
  });
});
