import { createHmac } from 'node:crypto';

const CODE_DIGITS = 16;
const RANDOM_DIGITS = CODE_DIGITS - 1;
const SPACE = 10n ** BigInt(RANDOM_DIGITS);

/**
 * Codes of vouchers: 15 digits out of a keyed pseudo-random function of batch and serial number, and a check digit (Luhn,
 * ISO/IEC 7812-1). Who has the database has no code, and without the key cannot find one by trying all of them.
 */
export class VoucherCodes {
  readonly #key: Buffer;

  /** `key`: 32 bytes in hexadecimal digits. */
  constructor(key: string) {
    this.#key = Buffer.from(key, 'hex');
  }

  /** The code of each serial number from 1 to `count`. */
  codes(batchId: string, count: number): string[] {
    return Array.from({ length: count }, (_, index) => {
      const number = this.#mac(`code:${batchId}:${index + 1}`).readBigUInt64BE() % SPACE;
      const digits = number.toString().padStart(RANDOM_DIGITS, '0');
      return digits + checkDigit(digits);
    });
  }

  /** What is kept of a code, in hexadecimal digits. */
  hash = (code: string): string => this.#mac(`stored:${code}`).toString('hex');

  /** A source of attempts as it is kept: nothing that says whose telephone it is. */
  subject = (source: string): string => `source:${this.#mac(`source:${source}`).toString('base64url')}`;

  #mac(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}

/** The digits of a code as somebody keyed it; undefined: it can be none (length, check digit), so a slip of the finger. */
export function readCode(text: string): string | undefined {
  const digits = text.replace(/[\s-]/g, '');
  if (!/^\d+$/.test(digits) || digits.length !== CODE_DIGITS) return undefined;
  return checkDigit(digits.slice(0, -1)) === digits.at(-1) ? digits : undefined;
}

/** Luhn's check digit of `digits`. */
function checkDigit(digits: string): string {
  let sum = 0;
  for (const [index, digit] of [...digits].reverse().entries()) {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    sum += value > 9 ? value - 9 : value;
  }
  return String((10 - (sum % 10)) % 10);
}
