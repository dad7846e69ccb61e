/** A key pressed once may be told by RFC 4733 and by SIP INFO; the second telling comes within this time. */
const PAIR_US = 600_000;

interface Heard {
  digit: string;
  source: string;
  atUs: number;
  paired: boolean;
}

/** Lets each keypress through once, whichever way it is told first. */
export class Keypresses {
  #heard: Heard[] = [];

  /** Whether this telling is a new keypress. */
  isNew(digit: string, source: string, atUs: number): boolean {
    // Digits that a digit action held for a while come from APP, in place of RTP.
    const way = source === 'APP' ? 'RTP' : source;
    this.#heard = this.#heard.filter((heard) => atUs - heard.atUs < PAIR_US);
    const twin = this.#heard.find((heard) => !heard.paired && heard.digit === digit && heard.source !== way);
    if (twin) {
      twin.paired = true;
      return false;
    }
    this.#heard.push({ digit, source: way, atUs, paired: false });
    return true;
  }
}

const MAX_AHEAD = 64;

/** Digits that nobody has asked for yet. */
export class TypeAhead {
  #digits = '';
  #swallow = '';

  push(digit: string): void {
    const swallow = this.#swallow.includes(digit);
    this.#swallow = '';
    if (!swallow && this.#digits.length < MAX_AHEAD) this.#digits += digit;
  }

  /** Of a digit that goes to an entry at once: whether it still belongs to the input before. */
  swallows(digit: string): boolean {
    const swallow = this.#swallow.includes(digit);
    this.#swallow = '';
    return swallow;
  }

  shift(): string | undefined {
    const digit = this.#digits.at(0);
    this.#digits = this.#digits.slice(1);
    return digit;
  }

  clear(): void {
    this.#digits = '';
    this.#swallow = '';
  }

  /** The input just ended by its length: a terminator that comes next is its end, not an answer to the next question. */
  swallowNext(terminators: string): void {
    if (terminators.includes(this.#digits.charAt(0)) && this.#digits !== '') this.#digits = this.#digits.slice(1);
    else if (this.#digits === '') this.#swallow = terminators;
  }
}
