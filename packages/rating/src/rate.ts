import { CostCurve } from './cost-curve.ts';
import { inForce } from './in-force.ts';
import type { Deck } from './model.ts';

/** Why a number has no price. */
export type NoRate = 'no_prefix' | 'not_valid_now' | 'blocked';

export type Rated =
  | { readonly curve: CostCurve; readonly reason: undefined }
  | { readonly curve: undefined; readonly reason: NoRate };

/**
 * The cost curve of a call to `number` (E.164, with or without +) that begins at `startUs` (epoch µs): the longest prefix,
 * then its row valid at that moment.
 */
export function rate(deck: Deck, number: string, startUs: bigint): Rated {
  const rows = deck.prefixes.longest(number.startsWith('+') ? number.slice(1) : number);
  if (!rows) return { curve: undefined, reason: 'no_prefix' };
  const start = Number(startUs);
  const { row, until } = inForce(rows, deck.zone, Math.floor(start / 1_000_000));
  if (!row) return { curve: undefined, reason: 'not_valid_now' };
  if (row.terms.blocked) return { curve: undefined, reason: 'blocked' };
  return { curve: new CostCurve(deck, rows, start, row, until), reason: undefined };
}

/** Micro-units that an answered call of `durationUs` costs, or why the number has no price. */
export function cost(deck: Deck, number: string, startUs: bigint, durationUs: bigint): bigint | NoRate {
  const { curve, reason } = rate(deck, number, startUs);
  return curve ? curve.cost(Number(durationUs)) : reason;
}
