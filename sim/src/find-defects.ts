/** `make defects`: how soon each seeded defect is found, and by which invariant; each is looked for for SECONDS (default 60). */
import { DEFECTS, type DefectName } from './defects.ts';
import { planWorlds } from './plan.ts';
import { playAll } from './play.ts';

const SECONDS = Number(process.env['SECONDS'] || 60);
const ENOUGH_LIVES = 1_000_000;
const seed = process.env['SEED'] || '1';

console.log(`${'defect'.padEnd(16)} ${'lives'.padStart(7)} ${'seconds'.padStart(8)}  found by`);
for (const name of Object.keys(DEFECTS) as DefectName[]) {
  const started = performance.now();
  const played = await playAll(planWorlds(seed, ENOUGH_LIVES), () => {}, { defect: name, seconds: SECONDS });
  const seconds = (performance.now() - started) / 1000;
  const found = played.find(({ broken }) => broken)?.broken;
  const lives = played.reduce((sum, { calls }) => sum + calls, 0);
  const by = found ? `${found.invariant}: ${found.words}` : 'not found';
  console.log(`${name.padEnd(16)} ${String(lives).padStart(7)} ${seconds.toFixed(1).padStart(8)}  ${by}`);
}
