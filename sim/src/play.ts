import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Played } from './worker.ts';
import type { WorldOptions } from './world.ts';

export interface PlayOptions {
  threads?: number;
  /** Name of a defect that the product is to have. */
  defect?: string;
  /** No world is begun after so long. */
  seconds?: number;
}

/**
 * Plays worlds on all processors; each is on its own, so who plays it makes no difference. Ends early with the first that
 * breaks (of those under way the one with the lowest number counts). Answers in order of their numbers.
 */
export async function playAll(
  worlds: readonly WorldOptions[],
  played: (one: Played) => void = () => {},
  { threads = availableParallelism(), defect = '', seconds = Number.POSITIVE_INFINITY }: PlayOptions = {},
): Promise<Played[]> {
  const results: Played[] = [];
  let next = 0;
  let broken = false;
  const until = performance.now() + seconds * 1000;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: { defect } });
      const hand = (): void => {
        if (broken || next >= worlds.length || performance.now() > until) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const index = next;
        next += 1;
        worker.postMessage({ index, options: worlds[index] });
      };
      worker.on('message', (one: Played) => {
        results.push(one);
        broken ||= one.broken !== undefined;
        played(one);
        hand();
      });
      worker.on('error', reject);
      hand();
    });
  await Promise.all(Array.from({ length: Math.min(threads, worlds.length) }, work));
  return results.sort((one, two) => one.index - two.index);
}
