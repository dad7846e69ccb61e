import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { Played } from './worker.ts';
import type { WorldOptions } from './world.ts';

/**
 * Plays worlds on all processors; each is on its own, so who plays it makes no difference. Ends early with the first that
 * breaks (of those under way the one with the lowest number counts). Answers in order of their numbers.
 */
export async function playAll(
  worlds: readonly WorldOptions[],
  played: (one: Played) => void = () => {},
  threads = Math.min(availableParallelism(), worlds.length),
): Promise<Played[]> {
  const results: Played[] = [];
  let next = 0;
  let broken = false;
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url));
      const hand = (): void => {
        if (broken || next >= worlds.length) {
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
  await Promise.all(Array.from({ length: threads }, work));
  return results.sort((one, two) => one.index - two.index);
}
