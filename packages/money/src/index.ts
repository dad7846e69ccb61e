/** Money as whole micro-units of an ISO 4217 currency; never a float. */
export { decimalsOf, isCurrency } from './currencies.ts';
export { formatDecimal, parseDecimal } from './decimal.ts';
export {
  add,
  formatMicros,
  formatMoney,
  MICROS_PER_UNIT,
  type Money,
  MoneyError,
  money,
  negate,
  parseMoney,
  subtract,
} from './money.ts';
export { divideRounded, isRoundingMode, ROUNDING_MODES, type RoundingMode } from './rounding.ts';
