import { type E164, readNumber } from './e164.ts';

/** What a caller keyed as a destination. */
export type Destination =
  | { is: 'number'; e164: E164 }
  /** Emergency, or a short service number (x11, 1xx): never dialled. */
  | { is: 'emergency' }
  | { is: 'invalid' };

/** Emergency numbers of the world: whoever keys one must not be billed for a call that cannot help. */
const EMERGENCY = new Set(
  (
    '000 08 10 100 101 102 103 104 105 106 107 108 109 110 111 112 113 114 115 116 117 118 119 120 122 123 125 128 129 ' +
    '130 131 132 133 140 144 150 155 158 160 166 171 180 185 190 191 192 193 194 195 196 197 198 199 202 211 311 ' +
    '411 511 611 711 811 911 912 919 921 922 955 984 985 986 987 988 991 992 993 994 995 996 997 998 999'
  ).split(' '),
);

/**
 * Reads keyed digits in the account's country: 00…, the country's own codes for calling abroad (011, 0011, 810 …, which
 * libphonenumber knows), national form.
 */
export function parseDestination(digits: string, country: string): Destination {
  const plain = digits.replace(/[\s().-]/g, '');
  if (!/^\+?\d{1,20}$/.test(plain)) return { is: 'invalid' };
  if (EMERGENCY.has(plain)) return { is: 'emergency' };
  const e164 = readNumber(plain, country);
  return e164 ? { is: 'number', e164 } : { is: 'invalid' };
}
