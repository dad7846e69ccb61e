/** Shapes of the files of one language: languages/<lang>/*.json. See languages/README.md. */

/** A text, or one that a speech program needs written otherwise to say it right. */
export type Text = string | { readonly text: string; readonly spoken: string };

/** One word for every plural category (CLDR), or one for all. */
export type Forms = Text | Readonly<Partial<Record<Intl.LDMLPluralRule, Text>>>;

/** language.json */
export interface LanguageFile {
  readonly name: string;
  /** BCP 47, for the plural rules. */
  readonly locale: string;
  /** espeak-ng's voice, words per minute and pitch (0–99). */
  readonly voice: { readonly espeak: string; readonly wordsPerMinute: number; readonly pitch: number };
  readonly compose: Compose;
}

/** Orders of parts. `$name` stands for a part, anything else for a text. */
export interface Compose {
  /** $number $unit */
  readonly quantity: readonly string[];
  readonly money: {
    /** $major */
    readonly major: readonly string[];
    /** $minor */
    readonly minor: readonly string[];
    /** $major $minor */
    readonly both: readonly string[];
    /** $amount */
    readonly negative: readonly string[];
    /** A currency without words: $number $code */
    readonly foreign: readonly string[];
    /** … with a fraction: $number $fraction $code */
    readonly foreignFraction: readonly string[];
  };
  readonly duration: {
    /** From so many seconds on hours are said. */
    readonly hoursFrom: number;
    /** $hours */
    readonly hours: readonly string[];
    /** $hours $minutes */
    readonly hoursAndMinutes: readonly string[];
  };
}

/** numbers.json */
export interface NumbersFile {
  /** 0–99 and the hundreds 100–900, in the masculine (or only) gender. */
  readonly words: Readonly<Record<string, Text>>;
  /** What differs in another gender: as the whole number, or as the last word of a larger one. */
  readonly genders: Readonly<
    Record<string, { readonly whole: Readonly<Record<string, Text>>; readonly last: Readonly<Record<string, Text>> }>
  >;
  /** Text between a larger part and what is below a hundred ("one hundred and one"). */
  readonly joiner?: string;
  /** Thousand and its powers, ascending. */
  readonly scales: readonly Scale[];
}

export interface Scale {
  readonly value: number;
  readonly id: string;
  /** Said without "one" before it ("tysiąc"). */
  readonly alone: boolean;
  readonly gender?: string;
  readonly forms: Forms;
}

/** units.json */
export interface UnitsFile {
  readonly units: Readonly<Record<string, { readonly gender?: string; readonly forms: Forms }>>;
  /** Currency → its units; `perMajor` minor units are one major (100). No `minor`: only whole units are said. */
  readonly currencies: Readonly<
    Record<string, { readonly major: string; readonly minor?: string; readonly perMajor?: number }>
  >;
}

/** texts.json */
export type TextsFile = Readonly<Record<string, Text>>;

/** messages.json: what to play in a row. */
export type MessagesFile = Readonly<Record<string, readonly Element[]>>;
export type Element =
  | string
  | { readonly arg: string }
  /** By an argument's number ("1"), else its plural category, else `other`. */
  | { readonly select: string; readonly cases: Readonly<Record<string, readonly Element[]>> };
