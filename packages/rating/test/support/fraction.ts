/** Rational numbers, written as plainly as possible. */
export class Fraction {
  readonly n: bigint;
  readonly d: bigint;

  constructor(n: bigint, d = 1n) {
    this.n = n;
    this.d = d;
  }

  static of(text: string): Fraction {
    const [whole = '0', part = ''] = text.split('.');
    return new Fraction(BigInt(whole + part), 10n ** BigInt(part.length));
  }

  plus(other: Fraction): Fraction {
    return new Fraction(this.n * other.d + other.n * this.d, this.d * other.d).reduced();
  }

  times(other: Fraction): Fraction {
    return new Fraction(this.n * other.n, this.d * other.d).reduced();
  }

  isLess(other: Fraction): boolean {
    return this.n * other.d < other.n * this.d;
  }

  reduced(): Fraction {
    let [a, b] = [this.n < 0n ? -this.n : this.n, this.d];
    while (b > 0n) [a, b] = [b, a % b];
    return a > 1n ? new Fraction(this.n / a, this.d / a) : this;
  }

  /** Rounded to a whole number of 10^-decimals, given in micro-units. Not negative here. */
  micros(decimals: number, mode: string): bigint {
    const scaled = this.n * 10n ** BigInt(decimals);
    let units = scaled / this.d;
    const rest = scaled - units * this.d;
    if (mode === 'up' && rest > 0n) units += 1n;
    if (mode === 'half_up' && 2n * rest >= this.d) units += 1n;
    if (mode === 'half_even' && (2n * rest > this.d || (2n * rest === this.d && units % 2n === 1n))) units += 1n;
    return units * 10n ** BigInt(6 - decimals);
  }
}
