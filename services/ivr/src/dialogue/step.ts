import { ivr } from '@ringback/contracts';
import type { Message } from '@ringback/prompts';
import { StepError } from './errors.ts';
import { checkEvent, fieldOf } from './events.ts';
import { begin } from './login.ts';
import { type Event, type EventOf, goodbye, type Move, type Next } from './moves.ts';
import { FRESH, readState, type State, writeState } from './state.ts';
import { TRANSITIONS } from './table.ts';
import { MOST_TROUBLES } from './words.ts';

/** What a dialogue needs of the world: languages. */
export interface Voices {
  /** The language that serves a BCP 47 tag best. */
  match(tag: string): string | undefined;
  languages(): string[];
  /** Sound files, in the order in which they are played. */
  say(lang: string, message: Message): string[];
  /** Spoken where a caller's language is not there. */
  readonly fallback: string;
}

export interface Stepped {
  readonly state: string;
  readonly prompts: string[];
  readonly next: Next;
}

/**
 * One step of a dialogue: pure, so that the same request has the same answer wherever and however often it is asked.
 * @throws {StepError} when the request makes no sense; the dialogue stands where it stood.
 */
export function step(stateText: string, event: Event | undefined, voices: Voices): Stepped {
  if (!event) throw new StepError('event', 'is missing');
  const state = stateText === '' ? undefined : readState(stateText);
  if (state && !voices.languages().includes(state.lang)) {
    throw new StepError('state', `speaks "${state.lang}", which is not there`);
  }
  checkEvent(event);
  const { state: after, says, next } = state ? go(state, event, voices) : start(event, voices);
  return { state: writeState(after), prompts: says.flatMap((message) => voices.say(after.lang, message)), next };
}

function start(event: Event, voices: Voices): Move {
  if (event.$case !== 'start') throw new StepError('state', 'is missing: a dialogue begins with start');
  const { mode, language, accountKnown, authorised, confirm, balance, endCode } = event.value;
  const state: State = {
    ...FRESH,
    at: 'confirm',
    lang: voices.match(language) ?? voices.fallback,
    direct: mode === 'direct',
    known: accountKnown,
    authorised,
    endCode,
    ...(accountKnown && !authorised && mode === 'callback' && balance
      ? { balance: { micros: String(balance.micros), currency: balance.currency } }
      : {}),
  };
  return begin(state, confirm);
}

function go(state: State, event: Event, voices: Voices): Move {
  if (event.$case === 'start') throw new StepError('state', 'must be empty with start');
  const handler = TRANSITIONS[state.at][event.$case] as ((state: State, value: unknown) => Move) | undefined;
  if (!handler) throw new StepError('event', `${fieldOf(event)} does not fit a dialogue that is at "${state.at}"`);
  switch (event.$case) {
    case 'pinResult':
      return handler(speaking(state, event.value, voices), event.value);
    case 'collected': {
      const unheard = wasUnheard(event.value) ? state.unheard + 1 : 0;
      if (unheard >= MOST_TROUBLES) return goodbye(state, 'failed', { id: 'technical_problem' });
      return handler({ ...state, unheard }, event.value);
    }
    default:
      return handler(state, event.value);
  }
}

/** The question was not played, and nothing was keyed all the same. */
const wasUnheard = ({ outcome, digits, sealed }: EventOf<'collected'>): boolean =>
  outcome === ivr.Collected_Outcome.PLAY_FAILED && digits === '' && !sealed;

/** From the PIN on the account's language is spoken. */
const speaking = (state: State, { language }: EventOf<'pinResult'>, voices: Voices): State => ({
  ...state,
  lang: (language === '' ? undefined : voices.match(language)) ?? state.lang,
});
