import { StepError } from './errors.ts';

/** Where a dialogue stands: what it waits for. */
export const PLACES = [
  'confirm',
  'account',
  'pin',
  'verifying',
  'destination',
  'resolving',
  'balance',
  'dialling',
  'over',
] as const;
export type Place = (typeof PLACES)[number];

export const RESULTS = ['completed', 'machine', 'pin_failed', 'locked', 'no_input', 'no_credit', 'failed'] as const;
/** How a call ended, as Goodbye tells. */
export type Result = (typeof RESULTS)[number];

const VERSION = 1;

/** All that is remembered between two steps. Never what was keyed in secret, nor a destination. */
export interface State {
  readonly at: Place;
  readonly lang: string;
  readonly direct: boolean;
  /** The caller ID belongs to an account: its PIN is asked for without its number. */
  readonly known: boolean;
  readonly authorised: boolean;
  readonly endCode: string;
  /** Micro-units and currency: told before or after the PIN, then forgotten. */
  readonly balance?: { readonly micros: string; readonly currency: string };
  /** The balance was told before the PIN. */
  readonly told: boolean;
  /** Account number keyed by an unknown caller. */
  readonly account: string;
  /** PINs given to be verified. */
  readonly tries: number;
  /** Times in a row that nothing was keyed. */
  readonly silences: number;
  /** Times in a row that a question could not be played. */
  readonly unheard: number;
  /** Failures of the platform in a row. */
  readonly troubles: number;
  /** Destination prompts since a call was dialled last. */
  readonly turns: number;
  /** A lone `#` was keyed just now: the rest of a late end code may follow. */
  readonly hashed: boolean;
  /** A destination was dialled. */
  readonly dialled: boolean;
  readonly result?: Result;
}

export const FRESH = {
  told: false,
  account: '',
  tries: 0,
  silences: 0,
  unheard: 0,
  troubles: 0,
  turns: 0,
  hashed: false,
  dialled: false,
} as const;

export const writeState = (state: State): string => JSON.stringify({ v: VERSION, ...state });

const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 0;
const isBoolean = (value: unknown): boolean => typeof value === 'boolean';
const matches =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === 'string' && pattern.test(value);

const CHECKS: { readonly [K in keyof Required<State>]: (value: unknown) => boolean } = {
  at: (value) => (PLACES as readonly unknown[]).includes(value),
  lang: matches(/^[A-Za-z0-9-]{1,35}$/),
  direct: isBoolean,
  known: isBoolean,
  authorised: isBoolean,
  endCode: matches(/^[0-9*#]{0,8}$/),
  balance: (value) => {
    if (value === undefined) return true;
    const { micros, currency } = (value ?? {}) as Record<string, unknown>;
    return matches(/^-?\d{1,19}$/)(micros) && matches(/^[A-Z]{3}$/)(currency);
  },
  told: isBoolean,
  account: matches(/^[0-9*#]{0,32}$/),
  tries: isCount,
  silences: isCount,
  unheard: isCount,
  troubles: isCount,
  turns: isCount,
  hashed: isBoolean,
  dialled: isBoolean,
  result: (value) => value === undefined || (RESULTS as readonly unknown[]).includes(value),
};

/** @throws {StepError} for what {@link writeState} did not write. */
export function readState(text: string): State {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw new StepError('state', 'is not JSON');
  }
  if (typeof read !== 'object' || read === null) throw new StepError('state', 'is not a state of a dialogue');
  const { v, ...state } = read as Record<string, unknown>;
  if (v !== VERSION) throw new StepError('state', `has version ${JSON.stringify(v)}, known is ${VERSION}`);
  for (const [name, check] of Object.entries(CHECKS)) {
    if (!check(state[name])) throw new StepError('state', `has no proper "${name}"`);
  }
  for (const name of Object.keys(state)) {
    if (!(name in CHECKS)) throw new StepError('state', `has "${name}", which is not known`);
  }
  return state as unknown as State;
}
