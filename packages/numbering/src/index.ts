/** Telephone numbers: E.164 (ITU-T), national forms, what callers key and trunks send. */
export { type Destination, parseDestination } from './destination.ts';
export {
  type CallerId,
  countryOf,
  type E164,
  formatForTrunk,
  isCountry,
  isE164,
  mask,
  normaliseCallerId,
  readNumber,
} from './e164.ts';
export { type PrefixSet, prefixSet } from './prefix-set.ts';
