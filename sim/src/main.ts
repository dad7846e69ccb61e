/**
 * `make simulate SEED=… CALLS=…`: lives of calls on virtual time. `WORLD=…` plays one of the seed's worlds alone;
 * `CONCURRENT=…` plays one without faults at that load, to measure; `DEFECT=…` plays the product with that defect in it.
 */
import { mutate } from './mutate.ts';

const defect = process.env['DEFECT'] ?? '';
if (defect !== '') mutate(defect);
// Only now: what is loaded before cannot be changed.
const { simulate } = await import('./simulate.ts');
if (!(await simulate(defect))) process.exitCode = 1;
