export const ROUNDING_MODES = ['up', 'half_up', 'half_even', 'down'] as const;
export type RoundingMode = (typeof ROUNDING_MODES)[number];

export const isRoundingMode = (text: string): text is RoundingMode =>
  (ROUNDING_MODES as readonly string[]).includes(text);

/**
 * `numerator / denominator` as a whole number. `up` goes away from zero, `down` towards it; a half goes away from zero
 * (`half_up`) or to the even neighbour (`half_even`). The denominator is positive.
 */
export function divideRounded(numerator: bigint, denominator: bigint, mode: RoundingMode): bigint {
  if (denominator <= 0n) throw new RangeError('the denominator must be positive');
  const quotient = numerator / denominator; // towards zero
  const remainder = numerator % denominator;
  if (remainder === 0n || mode === 'down') return quotient;
  const away = numerator < 0n ? quotient - 1n : quotient + 1n;
  if (mode === 'up') return away;
  const twice = 2n * (remainder < 0n ? -remainder : remainder);
  if (twice !== denominator) return twice > denominator ? away : quotient;
  return mode === 'half_up' || quotient % 2n !== 0n ? away : quotient;
}
