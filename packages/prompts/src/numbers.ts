import type { Forms, NumbersFile, Scale } from './language-data.ts';

/** How a language speaks whole numbers, as ids of sounds. */
export class Numbers {
  readonly #data: NumbersFile;
  readonly #plural: Intl.PluralRules;

  constructor(data: NumbersFile, locale: string) {
    this.#data = data;
    this.#plural = new Intl.PluralRules(locale);
  }

  category(n: number): Intl.LDMLPluralRule {
    return this.#plural.select(n);
  }

  /** Largest number that can be said. */
  get largest(): number {
    return (this.#data.scales.at(-1)?.value ?? 1) * 1000 - 1;
  }

  /** @throws {RangeError} for anything but a whole number from 0 to {@link largest}. */
  say(n: number, gender = ''): string[] {
    if (!Number.isInteger(n) || n < 0 || n > this.largest) throw new RangeError(`${n} cannot be said`);
    const forms = this.#data.genders[gender];
    if (forms?.whole[n] !== undefined) return [`n${n}_${gender}`];
    if (n < 100) return [this.#last(n, gender)];
    const ids: string[] = [];
    let rest = n;
    for (const scale of this.#data.scales.toReversed()) {
      const count = Math.floor(rest / scale.value);
      rest %= scale.value;
      if (count > 0) ids.push(...this.#scaled(count, scale));
    }
    ids.push(...this.#below1000(rest, gender, ids.length > 0));
    return ids;
  }

  #scaled(count: number, scale: Scale): string[] {
    const word = formId(scale.id, scale.forms, this.category(count));
    return count === 1 && scale.alone ? [word] : [...this.say(count, scale.gender), word];
  }

  #below1000(n: number, gender: string, larger: boolean): string[] {
    const hundreds = n - (n % 100);
    const rest = n % 100;
    const ids = hundreds > 0 ? [`n${hundreds}`] : [];
    if (rest === 0) return ids;
    if (this.#data.joiner !== undefined && (larger || hundreds > 0)) ids.push(this.#data.joiner);
    ids.push(this.#last(rest, gender));
    return ids;
  }

  #last(n: number, gender: string): string {
    return this.#data.genders[gender]?.last[n] === undefined ? `n${n}` : `n${n}_${gender}`;
  }
}

export const isInvariable = (forms: Forms): boolean => typeof forms === 'string' || 'text' in forms;

/** "minute_few"; just "euro" where one word serves all categories. */
export const formId = (id: string, forms: Forms, category: string): string =>
  isInvariable(forms) ? id : `${id}_${category}`;
