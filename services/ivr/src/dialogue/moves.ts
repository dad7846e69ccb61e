import { ivr } from '@ringback/contracts';
import type { Message } from '@ringback/prompts';
import type { Result, State } from './state.ts';

export type Event = NonNullable<ivr.StepRequest['event']>;
export type EventOf<Case extends Event['$case']> = Extract<Event, { $case: Case }>['value'];
export type Next = Exclude<NonNullable<ivr.StepResponse['next']>, { $case: 'refused' }>;

/** What a step comes to: what is remembered, what is said, and then what is waited for. */
export interface Move {
  readonly state: State;
  readonly says: readonly Message[];
  readonly next: Next;
}

const FIRST_DIGIT_MS = 8_000;
const INTER_DIGIT_MS = 4_000;

/** Digits of an account number or a PIN: what auth allows. */
const LOGIN_DIGITS = 12;
const PIN_DIGITS_MIN = 4;
/** E.164 has 15; an international prefix adds some. */
const DESTINATION_DIGITS = 20;

function collect(state: State, says: readonly Message[], fields: Partial<ivr.Collect>): Move {
  const value = ivr.Collect.fromPartial({
    minDigits: 1,
    terminators: '#',
    firstDigitTimeoutMs: FIRST_DIGIT_MS,
    interDigitTimeoutMs: INTER_DIGIT_MS,
    ...fields,
  });
  return { state, says, next: { $case: 'collect', value } };
}

export const collectConfirmation = (state: State, says: readonly Message[]): Move =>
  collect({ ...state, at: 'confirm' }, says, { maxDigits: 1, terminators: '' });

export const collectAccount = (state: State, says: readonly Message[], flushTypeAhead = false): Move =>
  collect({ ...state, at: 'account', account: '' }, says, { maxDigits: LOGIN_DIGITS, flushTypeAhead });

/** Sealed by the switch for auth: it comes back as "something was keyed". */
export const collectPin = (state: State, says: readonly Message[], flushTypeAhead = false): Move =>
  collect({ ...state, at: 'pin' }, says, {
    minDigits: PIN_DIGITS_MIN,
    maxDigits: LOGIN_DIGITS,
    secret: true,
    accountNumber: state.account,
    flushTypeAhead,
  });

/**
 * `*` alone asks for the balance. Where what was keyed before is dropped, a late end code may still be under way: with no
 * least length its `#` is told, else the switch ignores it and the rest would pass for a speed-dial code.
 */
export const collectDestination = (state: State, says: readonly Message[], flushTypeAhead = false): Move =>
  collect({ ...state, at: 'destination' }, says, {
    minDigits: flushTypeAhead || state.hashed ? 0 : 1,
    maxDigits: DESTINATION_DIGITS,
    singleDigitCommands: '*',
    flushTypeAhead,
  });

/** Asks without a word: what is asked is not said again if a prompt fails. */
export const ask = (state: State, question: NonNullable<ivr.Ask['question']>): Move => ({
  state,
  says: [],
  next: { $case: 'ask', value: { question } },
});

export const dial = (state: State, says: readonly Message[]): Move => ({
  state: { ...state, at: 'dialling' },
  says,
  next: { $case: 'dial', value: {} },
});

export const goodbye = (state: State, result: Result, ...says: Message[]): Move => ({
  state: { ...state, at: 'over', result },
  says,
  next: { $case: 'goodbye', value: { result } },
});
