import { decimalsOf, isCurrency } from './currencies.ts';
import { formatDecimal, parseDecimal } from './decimal.ts';

export const MICROS_PER_UNIT = 1_000_000n;
const MICRO_DECIMALS = 6;
/** What an int8 column and an int64 field can hold. */
const LIMIT = 2n ** 63n;

/** An amount in micro-units (10^-6) of an ISO 4217 currency: the same shape as `ringback.common.v1.Money`. */
export interface Money {
  readonly micros: bigint;
  readonly currency: string;
}

export class MoneyError extends Error {
  override readonly name = 'MoneyError';
}

/** @throws {MoneyError} when the currency is none or the amount does not fit 64 bits. */
export function money(micros: bigint, currency: string): Money {
  if (!isCurrency(currency)) throw new MoneyError(`"${currency}" is not an ISO 4217 currency`);
  if (micros >= LIMIT || micros < -LIMIT) throw new MoneyError('the amount is too large');
  return { micros, currency };
}

/**
 * Reads "5.00 EUR": a plain decimal with at most 6 decimals, one blank, a currency.
 * @throws {MoneyError} saying what is wrong.
 */
export function parseMoney(text: string): Money {
  const match = /^(\S+) +(\S+)$/.exec(text.trim());
  if (!match) throw new MoneyError(`"${text}" is not an amount like "5.00 EUR"`);
  const [, amount = '', currency = ''] = match;
  const micros = parseDecimal(amount, MICRO_DECIMALS);
  if (micros === undefined)
    throw new MoneyError(`"${amount}" is not a decimal number with at most ${MICRO_DECIMALS} decimals`);
  return money(micros, currency);
}

/** Exact: "5.00", "0.104167", "-3"; at least the decimals of the currency's minor unit. */
export const formatMicros = (micros: bigint, currency: string): string =>
  formatDecimal(micros, MICRO_DECIMALS, decimalsOf(currency));

/** Exact: "5.00 EUR". What {@link parseMoney} reads. */
export const formatMoney = ({ micros, currency }: Money): string => `${formatMicros(micros, currency)} ${currency}`;

/** @throws {MoneyError} when the currencies differ. */
export function add(a: Money, b: Money): Money {
  if (a.currency !== b.currency) throw new MoneyError(`${a.currency} and ${b.currency} cannot be added`);
  return money(a.micros + b.micros, a.currency);
}

export const negate = (amount: Money): Money => money(-amount.micros, amount.currency);

/** @throws {MoneyError} when the currencies differ. */
export const subtract = (a: Money, b: Money): Money => add(a, negate(b));
