import type { Curve } from './cost-curve.ts';

/** One leg in a quote: it costs cost(elapsed + lead + t). */
export interface QuotedLeg {
  readonly curve: Curve;
  /** Answered for this long already, µs. */
  readonly elapsedUs: bigint;
  /** It runs this much longer than t, µs: leg A while B rings. */
  readonly leadUs: bigint;
}

export interface Quote {
  /** Largest t with Σ cost(elapsed + lead + t) ≤ available, at most the cap; µs. */
  readonly maxUs: bigint;
  /** The cap, not the money, was the limit. */
  readonly capped: boolean;
  /** What each leg costs with that t, micro-units: what has to be held. */
  readonly costs: readonly bigint[];
}

/** Micro-units that connect fees and first increments of all legs take, on top of what has run. */
export const admissionCost = (legs: readonly QuotedLeg[]): bigint =>
  sum(
    legs.map(({ curve, elapsedUs, leadUs }) => curve.cost(Math.max(Number(elapsedUs + leadUs), curve.firstChargeUs))),
  );

/**
 * Costs are step functions, so t is searched for (bisection: the sum never falls), over window borders and whatever else the
 * curves have. Undefined when not even t = 0 can be paid.
 */
export function longestCall(legs: readonly QuotedLeg[], available: bigint, capUs: bigint): Quote | undefined {
  const bases = legs.map(({ elapsedUs, leadUs }) => Number(elapsedUs + leadUs));
  const costs = (t: number): bigint[] => legs.map(({ curve }, index) => curve.cost(bases[index]! + t));
  const affordable = (t: number): boolean => sum(costs(t)) <= available;
  const cap = Number(capUs);
  if (affordable(cap)) return { maxUs: capUs, capped: true, costs: costs(cap) };
  if (!affordable(0)) return undefined;
  let paid = 0;
  let unpaid = cap;
  while (unpaid - paid > 1) {
    const middle = Math.floor((paid + unpaid) / 2);
    if (affordable(middle)) paid = middle;
    else unpaid = middle;
  }
  return { maxUs: BigInt(paid), capped: false, costs: costs(paid) };
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);
