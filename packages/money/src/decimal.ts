/**
 * Reads a plain decimal number ("-12.5") as an integer of 10^-`decimals` units, exactly.
 * `undefined` when it is not such a number (exponents, separators, blanks) or has more decimals than that.
 */
export function parseDecimal(text: string, decimals: number): bigint | undefined {
  const match = /^([+-]?)(\d+)(?:\.(\d+))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = ''] = match;
  const digits = fraction.replace(/0+$/, '');
  if (digits.length > decimals) return undefined;
  const value = BigInt(whole + digits.padEnd(decimals, '0'));
  return sign === '-' ? -value : value;
}

/** Writes an integer of 10^-`decimals` units exactly, with at least `atLeast` decimals and no further trailing zeros. */
export function formatDecimal(value: bigint, decimals: number, atLeast = 0): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits
    .slice(digits.length - decimals)
    .replace(/0+$/, '')
    .padEnd(atLeast, '0');
  return `${value < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}
