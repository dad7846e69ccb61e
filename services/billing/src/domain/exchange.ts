import type { Books } from './books.ts';
import { PLATFORM } from './ledger.ts';
import type { Entry, ExchangeRate } from './model.ts';

const NANOS = 1_000_000_000n;

export interface Exchanged {
  /** Micro-units of the other currency, rounded down: what is lost stays with the platform. */
  readonly micros: bigint;
  /** Undefined: the currencies are the same. */
  readonly rate: ExchangeRate | undefined;
}

/** `micros` of `from` in `to`, at the recorded rate in force; undefined: there is none. */
export function exchange(books: Books, micros: bigint, from: string, to: string): Exchanged | undefined {
  if (from === to) return { micros, rate: undefined };
  const rate = books.rates.find((each) => each.from === from && each.to === to);
  return rate && { micros: (micros * rate.rateNanos) / NANOS, rate };
}

/** Entries by which `paid` of one currency becomes `got` of the other one; none when they are the same. */
export function exchangeEntries(from: string, paid: bigint, to: string, { micros, rate }: Exchanged): Entry[] {
  if (!rate) return [];
  return [
    { account: PLATFORM.exchange, currency: from, amount: paid },
    { account: PLATFORM.exchange, currency: to, amount: -micros },
  ];
}
