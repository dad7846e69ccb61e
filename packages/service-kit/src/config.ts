/**
 * One configuration a process, read once at start and checked: every knob is declared with its meaning, and nonsense is
 * refused with a sentence that names the knob.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly knob: string;

  constructor(knobName: string, problem: string) {
    super(`${knobName}: ${problem}`);
    this.knob = knobName;
  }
}

export interface Knob<T> {
  readonly doc: string;
  readonly secret?: boolean;
  /** @throws {ConfigError} when `text` is missing without a default, or not such a value. */
  read(name: string, text: string | undefined): T;
}

export type Knobs = Record<string, Knob<unknown>>;
export type Values<K extends Knobs> = { readonly [N in keyof K]: K[N] extends Knob<infer T> ? T : never };

interface Options<T> {
  doc: string;
  default?: T;
  secret?: boolean;
}

function make<T>(options: Options<T>, parse: (name: string, text: string) => T): Knob<T> {
  return {
    doc: options.doc,
    ...(options.secret === undefined ? {} : { secret: options.secret }),
    read(name, text) {
      if (text === undefined || text === '') {
        if ('default' in options) return options.default as T;
        throw new ConfigError(name, `is not set (${options.doc})`);
      }
      return parse(name, text);
    },
  };
}

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

function isAddress(text: string): boolean {
  const match = /^([A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(text);
  return match !== null && Number(match[2]) <= 65_535;
}

const items = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

export const knob = {
  /** `pattern`: what it has to look like, in words. */
  string: (options: Options<string> & { matching?: RegExp; pattern?: string }): Knob<string> =>
    make(options, (name, text) => {
      if (options.matching && !options.matching.test(text)) {
        throw new ConfigError(name, `wants ${options.pattern ?? String(options.matching)}, got "${text}"`);
      }
      return text;
    }),

  /** A key or password: never shown, also when it is refused. */
  secret: (options: Options<string> & { min: number }): Knob<string> =>
    make({ ...options, secret: true }, (name, text) => {
      if (text.length < options.min) {
        throw new ConfigError(name, `must have at least ${options.min} characters, has ${text.length}`);
      }
      return text;
    }),

  /** `host:port`. */
  address: (options: Options<string>): Knob<string> =>
    make(options, (name, text) => {
      if (!isAddress(text)) throw new ConfigError(name, `wants host:port, got "${text}"`);
      return text;
    }),

  /** Comma-separated `host:port`. */
  addresses: (options: Options<readonly string[]>): Knob<readonly string[]> =>
    make(options, (name, text) => {
      const all = items(text);
      const wrong = all.find((item) => !isAddress(item));
      if (wrong !== undefined) throw new ConfigError(name, `wants host:port, got "${wrong}"`);
      return all;
    }),

  integer: (options: Options<number> & { min?: number; max?: number }): Knob<number> =>
    make(options, (name, text) => {
      const value = Number(text);
      if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(value)) {
        throw new ConfigError(name, `wants a whole number, got "${text}"`);
      }
      if (options.min !== undefined && value < options.min) {
        throw new ConfigError(name, `must be at least ${options.min}, got ${value}`);
      }
      if (options.max !== undefined && value > options.max) {
        throw new ConfigError(name, `must be at most ${options.max}, got ${value}`);
      }
      return value;
    }),

  boolean: (options: Options<boolean>): Knob<boolean> =>
    make(options, (name, text) => {
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      throw new ConfigError(name, `wants true or false, got "${text}"`);
    }),

  /** Milliseconds; written `250ms`, `4s`, `10m`, `2h`, `1d`. */
  duration: (options: Options<number> & { min?: number; max?: number }): Knob<number> =>
    make(options, (name, text) => {
      const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
      if (!match) throw new ConfigError(name, `wants a duration like 250ms, 4s, 10m, got "${text}"`);
      const value = Number(match[1]) * UNITS[match[2]!]!;
      if (options.min !== undefined && value < options.min) {
        throw new ConfigError(name, `must be at least ${options.min} ms, got "${text}"`);
      }
      if (options.max !== undefined && value > options.max) {
        throw new ConfigError(name, `must be at most ${options.max} ms, got "${text}"`);
      }
      return value;
    }),

  oneOf: <T extends string>(options: Options<T> & { values: readonly T[] }): Knob<T> =>
    make(options, (name, text) => {
      if (!(options.values as readonly string[]).includes(text)) {
        throw new ConfigError(name, `wants one of ${options.values.join(', ')}, got "${text}"`);
      }
      return text as T;
    }),

  /** Comma-separated. */
  list: (options: Options<readonly string[]>): Knob<readonly string[]> => make(options, (_, text) => items(text)),
};

/**
 * Reads all knobs; reports every problem at once.
 * @throws {ConfigError} naming the knob (the first one; the others are in the message).
 */
export function readConfig<K extends Knobs>(knobs: K, env: Record<string, string | undefined>): Values<K> {
  const values: Record<string, unknown> = {};
  const problems: ConfigError[] = [];
  for (const [name, declared] of Object.entries(knobs)) {
    try {
      values[name] = declared.read(name, env[name]);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(error);
    }
  }
  const [first, ...rest] = problems;
  if (first) {
    if (rest.length > 0) first.message += `; ${rest.map((problem) => problem.message).join('; ')}`;
    throw first;
  }
  return values as Values<K>;
}
