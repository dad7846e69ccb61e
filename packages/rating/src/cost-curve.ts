import { divideRounded } from '@ringback/money';
import { inForce } from './in-force.ts';
import {
  type Deck,
  type PrefixRows,
  type Row,
  type Step,
  type Terms,
  UNITS_PER_CURRENCY,
  UNITS_PER_PRICE,
} from './model.ts';

/** Increments of equal length and price that follow one another. */
export interface Run {
  /** Call millisecond at which the first of them begins. */
  readonly atMs: number;
  /** How many begin before a window or a step ends them; Infinity: they go on for ever. */
  readonly count: number;
  readonly incrementMs: number;
  /** 10^-7 of the currency per minute. */
  readonly price: number;
  /** What one costs, 1/(6·10^11) of the currency. */
  readonly units: bigint;
  /** What all runs before cost. */
  readonly before: bigint;
  readonly row: Row;
}

/** A cost in micro-units. `total` is rounded once; `tax` is its part that is tax. */
export interface Cost {
  readonly total: bigint;
  readonly tax: bigint;
}

/** What a leg costs by how long it is answered: a step function that never falls. */
export interface Curve {
  /** Micro-units; durations in µs. */
  cost(durationUs: number): bigint;
  /** The shortest duration (µs) that is charged its connect fee and its first increment. */
  readonly firstChargeUs: number;
}

/** A leg that costs nothing, whatever its length. */
export const FREE: Curve = { cost: () => 0n, firstChargeUs: 0 };

const NOTHING: Cost = { total: 0n, tax: 0n };
const HUNDRED_PERCENT = 1_000_000n;

/**
 * The cost of one call on one deck version, exactly: increments are priced by the window in force where they begin and the
 * last step from there, charged whole once begun, summed as integers, rounded once. Runs of increments are worked out as far
 * as they are asked for, and kept.
 */
export class CostCurve implements Curve {
  readonly deck: Deck;
  readonly startUs: number;
  readonly prefix: string;
  /** The row in force at the start: fees, free seconds, limits and percentages come from it. */
  readonly row: Row;
  readonly terms: Terms;
  readonly firstChargeUs: number;
  readonly #rows: PrefixRows;
  readonly #runs: Run[] = [];
  #next: { atMs: number; before: bigint; row: Row; from: number; until: number };

  /** `rows` are the number's, `row` the one of them in force at `startUs` (epoch µs) until epoch second `until`. */
  constructor(deck: Deck, rows: PrefixRows, startUs: number, row: Row, until: number) {
    this.deck = deck;
    this.startUs = startUs;
    this.prefix = rows.prefix;
    this.row = row;
    this.terms = row.terms;
    this.#rows = rows;
    this.#next = { atMs: this.terms.freeMs, before: 0n, row, from: startUs, until };
    this.firstChargeUs = this.#begunUs(Math.max(this.terms.freeMs, this.terms.graceMs));
  }

  cost(durationUs: number): bigint {
    return this.charge(durationUs).total;
  }

  /** The cost of an answered call of `durationUs`, with its tax. */
  charge(durationUs: number): Cost {
    const billedMs = this.billedMs(durationUs);
    if (this.isGrace(billedMs)) return NOTHING;
    const net = this.#limited(this.connectFeeUnits + this.unitsOf(billedMs)) * (HUNDRED_PERCENT + this.terms.surcharge);
    const total = this.#rounded(net * (HUNDRED_PERCENT + this.terms.tax), HUNDRED_PERCENT ** 2n);
    return { total, tax: this.terms.tax === 0n ? 0n : total - this.#rounded(net, HUNDRED_PERCENT) };
  }

  /** Billed milliseconds of a duration, as the deck says: up to the next second, to the nearest, or up to the next ms. */
  billedMs(durationUs: number): number {
    switch (this.deck.settings.duration) {
      case 'up':
        return Math.ceil(durationUs / 1_000_000) * 1000;
      case 'half_up':
        return Math.floor((durationUs + 500_000) / 1_000_000) * 1000;
      case 'milliseconds':
        return Math.ceil(durationUs / 1000);
    }
  }

  isGrace(billedMs: number): boolean {
    return this.terms.graceMs > 0 && billedMs <= this.terms.graceMs;
  }

  get connectFeeUnits(): bigint {
    return this.terms.connectFee * UNITS_PER_PRICE;
  }

  /** Sum of the increments begun before `billedMs`. */
  unitsOf(billedMs: number): bigint {
    const run = this.#runAt(billedMs);
    return run ? run.before + run.units * BigInt(begun(run, billedMs)) : 0n;
  }

  /** The runs begun before `billedMs`, each with how many of its increments are. */
  runsUntil(billedMs: number): { run: Run; count: number }[] {
    this.#runAt(billedMs);
    return this.#runs.filter((run) => run.atMs < billedMs).map((run) => ({ run, count: begun(run, billedMs) }));
  }

  /** The next duration (µs, > `durationUs`) at which another increment is begun. */
  nextIncrementUs(durationUs: number): number {
    const billedMs = this.billedMs(durationUs);
    const run = this.#runAt(billedMs);
    // In the gap before the first increment, or behind the last one of a run, the next one begins a run.
    const begins = run ? run.atMs + run.incrementMs * begun(run, billedMs) : this.terms.freeMs;
    return this.#begunUs(begins);
  }

  /** The shortest duration (µs) whose billed time is longer than `ms`. */
  #begunUs(ms: number): number {
    switch (this.deck.settings.duration) {
      case 'up':
        return Math.floor(ms / 1000) * 1_000_000 + 1;
      case 'half_up':
        return Math.floor(ms / 1000) * 1_000_000 + 500_000;
      case 'milliseconds':
        return ms * 1000 + 1;
    }
  }

  #limited(units: bigint): bigint {
    const min = (this.terms.minCost ?? 0n) * UNITS_PER_PRICE;
    const max = this.terms.maxCost === undefined ? undefined : this.terms.maxCost * UNITS_PER_PRICE;
    const atLeast = units < min ? min : units;
    return max !== undefined && atLeast > max ? max : atLeast;
  }

  /** `units` × `scale` to micro-units, at the deck's decimals. */
  #rounded(units: bigint, scale: bigint): bigint {
    const { decimals, rounding } = this.deck.settings;
    return (
      divideRounded(units * 10n ** BigInt(decimals), UNITS_PER_CURRENCY * scale, rounding) * 10n ** BigInt(6 - decimals)
    );
  }

  /** The last run that begins before `billedMs`. */
  #runAt(billedMs: number): Run | undefined {
    while (this.#next.atMs < billedMs) this.#extend();
    let index = this.#runs.length - 1;
    while (index >= 0 && this.#runs[index]!.atMs >= billedMs) index--;
    return this.#runs[index];
  }

  /** Works out the run that begins at `#next`. */
  #extend(): void {
    const { atMs, before } = this.#next;
    const second = Math.floor((this.startUs + atMs * 1000) / 1_000_000);
    let { row, until } = this.#next;
    if (second >= until) {
      const now = inForce(this.#rows, this.deck.zone, second);
      until = now.until;
      // Where no row is valid (or a blocked one is), the call that is up goes on at its last price.
      if (now.row && !now.row.terms.blocked) row = now.row;
    }
    const step = stepAt(row.terms.steps, atMs);
    const windowEndMs = Math.ceil((until * 1_000_000 - this.startUs) / 1000);
    const endMs = Math.min(windowEndMs, step.endMs);
    const { price, incrementMs } = step.step;
    const count = Math.ceil((endMs - atMs) / incrementMs);
    const units = BigInt(price) * BigInt(incrementMs);
    const last = this.#runs.at(-1);
    const merged = last && last.row === row && last.price === price && last.incrementMs === incrementMs;
    if (merged) this.#runs[this.#runs.length - 1] = { ...last, count: last.count + count };
    else this.#runs.push({ atMs, count, incrementMs, price, units, before, row });
    const after = count === Infinity ? 0n : before + units * BigInt(count);
    this.#next = { ...this.#next, atMs: atMs + count * incrementMs, before: after, row, until };
  }
}

/** Increments of a run that begin before `billedMs`. */
const begun = (run: Run, billedMs: number): number =>
  Math.min(run.count, Math.ceil((billedMs - run.atMs) / run.incrementMs));

/** The last step from `atMs` or before, and where the next one begins. */
function stepAt(steps: readonly Step[], atMs: number): { step: Step; endMs: number } {
  let index = steps.length - 1;
  while (steps[index]!.fromMs > atMs) index--;
  return { step: steps[index]!, endMs: steps[index + 1]?.fromMs ?? Infinity };
}
