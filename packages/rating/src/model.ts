import type { RoundingMode } from '@ringback/money';
import type { PrefixTree } from './prefix-tree.ts';
import type { Week } from './week.ts';
import type { Zone } from './zone.ts';

/** Prices and fees of a deck are integers of 10^-7 of the currency (7 decimals). */
export const PRICE_DECIMALS = 7;
/** Percentages are integers of 10^-4 %, so 1,000,000 is 100 %. */
export const PERCENT_DECIMALS = 4;
/**
 * Sums are integers of 1/(6·10^11) of the currency: a price of 10^-7 per minute over one millisecond. Every increment is a
 * whole number of them, so nothing is rounded before the end.
 */
export const UNITS_PER_PRICE = 60_000n;
export const UNITS_PER_CURRENCY = 600_000_000_000n;

/** From call millisecond `fromMs` on, an increment takes `incrementMs` and is priced at `price` (10^-7 per minute). */
export interface Step {
  readonly fromMs: number;
  readonly price: number;
  readonly incrementMs: number;
}

/** What one row charges. Rows with equal text share one object. */
export interface Terms {
  readonly blocked: boolean;
  /** Ascending, the first from 0; empty only when blocked. */
  readonly steps: readonly Step[];
  /** 10^-7 of the currency. */
  readonly connectFee: bigint;
  readonly minCost: bigint | undefined;
  readonly maxCost: bigint | undefined;
  readonly freeMs: number;
  readonly graceMs: number;
  /** 10^-4 %. */
  readonly surcharge: bigint;
  readonly tax: bigint;
}

export interface Row {
  /** Line of the CSV file, the first is 1. */
  readonly line: number;
  readonly destination: string;
  readonly terms: Terms;
  /** Undefined: at any time of the week. */
  readonly week: Week | undefined;
  /** Local days since 1970-01-01, half-open; undefined: without end. */
  readonly fromDay: number | undefined;
  readonly toDay: number | undefined;
  readonly priority: number;
}

/** Rows of one prefix, highest priority first. */
export interface PrefixRows {
  readonly prefix: string;
  readonly rows: readonly Row[];
}

/** How the time between answer and end becomes the billed time. */
export const DURATION_MODES = ['up', 'half_up', 'milliseconds'] as const;
export type DurationMode = (typeof DURATION_MODES)[number];

export interface DeckSettings {
  readonly currency: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly rounding: RoundingMode;
  /** Decimals of a cost, 0–6. */
  readonly decimals: number;
  readonly duration: DurationMode;
}

/** One version of a rate deck, compiled. Immutable. */
export interface Deck {
  readonly settings: DeckSettings;
  readonly zone: Zone;
  readonly prefixes: PrefixTree<PrefixRows>;
  readonly rowCount: number;
}

/** What is wrong in a CSV file and where. `row` is the line in the file (1 is the first), `column` its header or empty. */
export interface DeckProblem {
  readonly row: number;
  readonly column: string;
  readonly message: string;
}
