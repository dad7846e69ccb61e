import { formatDecimal } from '@ringback/money';
import type { CostCurve } from '@ringback/rating';

const PRICE_DECIMALS = 7;
/** Runs that are told; a call of many windows has its own Explain. */
const MOST_RUNS = 20;

/** How a cost came about, for a CDR: "0.05 + 12×6s@0.1" is a fee and twelve increments of 6 s at 0.1 a minute. */
export function incrementsOf(curve: CostCurve, durationUs: number): string {
  const billedMs = curve.billedMs(durationUs);
  if (curve.isGrace(billedMs)) return 'grace';
  const { connectFee } = curve.terms;
  const fee = connectFee === 0n ? [] : [formatDecimal(connectFee, PRICE_DECIMALS)];
  const runs = curve
    .runsUntil(billedMs)
    .map(({ run, count }) => `${count}×${run.incrementMs / 1000}s@${formatDecimal(BigInt(run.price), PRICE_DECIMALS)}`);
  return [...fee, ...runs.slice(0, MOST_RUNS), ...(runs.length > MOST_RUNS ? ['…'] : [])].join(' + ');
}
