import type { Compose, Element, MessagesFile, UnitsFile } from './language-data.ts';
import { type Amount, type Message, MESSAGES } from './messages.ts';
import { formId, type Numbers } from './numbers.ts';

const MICROS = 1_000_000n;
const SYMBOLS: Record<string, string> = { '*': 'star', '#': 'hash', '+': 'plus' };

/** Floor, also below zero: nobody is told of more than there is. */
function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}

/** Puts the sentences of one language together from ids of its sounds. */
export class Composer {
  readonly #numbers: Numbers;
  readonly #units: UnitsFile;
  readonly #compose: Compose;
  readonly #messages: MessagesFile;

  constructor(numbers: Numbers, units: UnitsFile, compose: Compose, messages: MessagesFile) {
    this.#numbers = numbers;
    this.#units = units;
    this.#compose = compose;
    this.#messages = messages;
  }

  /** @throws {RangeError} for an argument that is not what its kind says. */
  say(message: Message): string[] {
    return this.#elements(this.#messages[message.id] ?? [], message);
  }

  #elements(elements: readonly Element[], message: Message): string[] {
    return elements.flatMap((element) => {
      if (typeof element === 'string') return [element];
      const args = (message.args ?? {}) as Readonly<Record<string, unknown>>;
      if ('arg' in element) return this.#argument(message, element.arg, args[element.arg]);
      const count = args[element.select] as number;
      const { cases } = element;
      return this.#elements(cases[String(count)] ?? cases[this.#numbers.category(count)] ?? cases.other ?? [], message);
    });
  }

  #argument(message: Message, name: string, value: unknown): string[] {
    const kinds: Readonly<Record<string, string>> = MESSAGES[message.id];
    switch (kinds[name]) {
      case 'money':
        return this.money(value as Amount);
      case 'duration':
        return this.duration(value as number);
      case 'count':
        return this.#numbers.say(value as number);
      default:
        return this.digits(value as string);
    }
  }

  /** An amount, rounded down to what the currency's smallest coin is worth. */
  money({ micros, currency }: Amount): string[] {
    const { money } = this.#compose;
    const words = this.#units.currencies[currency];
    const perMajor = BigInt(words ? (words.minor === undefined ? 1 : (words.perMajor ?? 100)) : 100);
    const total = floorDivide(micros * perMajor, MICROS);
    const size = total < 0n ? -total : total;
    const [major, minor] = [Number(size / perMajor), Number(size % perMajor)];
    const amount = words
      ? this.#coins(words, major, minor)
      : parts(minor === 0 ? money.foreign : money.foreignFraction, {
          number: this.#numbers.say(major),
          fraction: this.digits(String(minor).padStart(2, '0')),
          code: [...currency.toLowerCase()].map((letter) => `letter_${letter}`),
        });
    return total < 0n ? parts(money.negative, { amount }) : amount;
  }

  #coins(words: { major: string; minor?: string }, major: number, minor: number): string[] {
    const { money } = this.#compose;
    const inMajor = this.quantity(major, words.major);
    if (minor === 0 || words.minor === undefined) return parts(money.major, { major: inMajor });
    const inMinor = this.quantity(minor, words.minor);
    return major === 0 ? parts(money.minor, { minor: inMinor }) : parts(money.both, { major: inMajor, minor: inMinor });
  }

  /** Seconds, below a minute; else minutes, rounded down; else hours and minutes. */
  duration(seconds: number): string[] {
    const { duration } = this.#compose;
    if (!Number.isInteger(seconds) || seconds < 0) throw new RangeError(`${seconds} is not a number of seconds`);
    if (seconds < 60) return this.quantity(seconds, 'second');
    const minutes = Math.floor(seconds / 60);
    if (seconds < duration.hoursFrom) return this.quantity(minutes, 'minute');
    const hours = this.quantity(Math.floor(minutes / 60), 'hour');
    if (minutes % 60 === 0) return parts(duration.hours, { hours });
    return parts(duration.hoursAndMinutes, { hours, minutes: this.quantity(minutes % 60, 'minute') });
  }

  quantity(n: number, unit: string): string[] {
    const { gender = '', forms } = this.#units.units[unit]!;
    return parts(this.#compose.quantity, {
      number: this.#numbers.say(n, gender),
      unit: [formId(unit, forms, this.#numbers.category(n))],
    });
  }

  /** One by one. */
  digits(digits: string): string[] {
    if (!/^[0-9*#+]*$/.test(digits)) throw new RangeError('digits are 0-9, *, # and +');
    return [...digits].map((digit) => SYMBOLS[digit] ?? `n${digit}`);
  }
}

const parts = (order: readonly string[], named: Readonly<Record<string, string[]>>): string[] =>
  order.flatMap((part) => (part.startsWith('$') ? (named[part.slice(1)] ?? []) : [part]));
