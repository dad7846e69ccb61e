import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  parsePhoneNumberFromString,
} from 'libphonenumber-js/max';

declare const brand: unique symbol;
/** An international number with +, 7 to 15 digits (ITU-T E.164). */
export type E164 = string & { readonly [brand]: 'E164' };

const SHAPE = /^\+[1-9]\d{6,14}$/;

export const isE164 = (text: string): text is E164 => SHAPE.test(text);

export const isCountry = (country: string): country is CountryCode => isSupportedCountry(country);

/** What a caller's identity turned out to be. */
export type CallerId =
  | { is: 'number'; e164: E164 }
  /** Withheld: anonymous, unavailable, restricted, empty. */
  | { is: 'hidden' }
  /** Something that is no number anywhere. */
  | { is: 'unreadable' };

const HIDDEN = /^(anonymous|unavailable|unknown|restricted|private|withheld|asserted-identity)?$/i;

/**
 * Reads the identity that a trunk sent: +48…, 0048…, 48…, national with or without trunk prefix, in the trunk's country.
 * Digits that begin with the country's own code and are a number with it are taken for E.164 without its +: carriers send
 * that far more often than a national number without trunk prefix that looks the same (4915123456789 in Germany). Otherwise
 * the national reading wins over the international one.
 */
export function normaliseCallerId(raw: string, country: string): CallerId {
  const text = raw
    .trim()
    .replace(/^(sip|tel):/i, '')
    .replace(/[@;].*$/, '');
  if (HIDDEN.test(text)) return { is: 'hidden' };
  const digits = text.replace(/[\s().-]/g, '');
  if (!/^\+?\d+$/.test(digits)) return { is: 'unreadable' };
  const bare = digits.startsWith('+') ? undefined : readInternational(`+${digits}`);
  const own = isCountry(country) && digits.startsWith(getCountryCallingCode(country)) ? bare : undefined;
  const e164 = own ?? readNumber(digits, country) ?? bare;
  return e164 ? { is: 'number', e164 } : { is: 'unreadable' };
}

/** National or international form, as somebody in `country` writes it; undefined when it is no valid number. */
export function readNumber(digits: string, country: string): E164 | undefined {
  if (digits.startsWith('+')) return readInternational(digits);
  if (digits.startsWith('00')) {
    const international = readInternational(`+${digits.slice(2)}`);
    if (international) return international;
  }
  if (!isCountry(country)) return undefined;
  const parsed = parsePhoneNumberFromString(digits, country);
  return parsed?.isValid() && isE164(parsed.number) ? parsed.number : undefined;
}

function readInternational(text: string): E164 | undefined {
  const parsed = parsePhoneNumberFromString(text);
  return parsed?.isValid() && isE164(parsed.number) ? parsed.number : undefined;
}

/** Country of an E.164 number (ISO 3166-1 alpha-2); empty for numbers of none (satellites, freephone +800, nonsense). */
export const countryOf = (e164: string): string => parsePhoneNumberFromString(e164)?.country ?? '';

/** The user part of a request URI as a trunk wants it: `format` is e164plus (also what is none of these), e164 or 00. */
export function formatForTrunk(e164: E164 | string, format: string): string {
  const digits = e164.replace(/^\+/, '');
  return format === 'e164' ? digits : format === '00' ? `00${digits}` : `+${digits}`;
}

/** Digits at the end that tell one subscriber from another. */
const SUBSCRIBER = 6;

/**
 * A number as people may see it who need not know whose it is: its first digits, the rest as dots. Not for logs of
 * services, which hold no numbers at all. What is shorter than a subscriber's part is hidden altogether.
 */
export function mask(number: string): string {
  const shown = Math.max(0, number.length - SUBSCRIBER);
  return `${number.slice(0, shown)}${'•'.repeat(number.length - shown)}`;
}
