import { ivr } from '@ringback/contracts';
import type { Message } from '@ringback/prompts';
import { ask, collectDestination, dial, type EventOf, goodbye, type Move } from './moves.ts';
import type { Result, State } from './state.ts';
import { balanceOf, inWords, MOST_SILENCES, MOST_TROUBLES } from './words.ts';

const { Collected_Outcome: Input, Reason } = ivr;
/** Destination prompts in a row without a call: more is somebody searching for what we let through. */
export const MOST_TURNS = 20;

const NEXT: Message = { id: 'ask_next_destination' };

/** The first time; whoever had to log in hears as well how a call is ended for the next one. */
export function firstDestination(state: State, says: readonly Message[]): Move {
  const hint: Message[] =
    state.endCode === '' || state.tries === 0 ? [] : [{ id: 'end_code_hint', args: { code: state.endCode } }];
  return collectDestination({ ...state, silences: 0 }, [...says, { id: 'ask_destination' }, ...hint]);
}

const result = (state: State): Result => (state.dialled ? 'completed' : 'no_input');

/** One more destination prompt, unless there were too many without a call. */
function askAgain(state: State, says: readonly Message[], flushTypeAhead = false): Move {
  const turns = state.turns + 1;
  if (turns >= MOST_TURNS) return goodbye(state, result(state), { id: 'goodbye' });
  return collectDestination({ ...state, turns }, says, flushTypeAhead);
}

export function destinationKeyed(state: State, { outcome, digits }: EventOf<'collected'>): Move {
  const keyed = digits.replace(/^#+|#+$/g, '');
  const again = { ...state, hashed: false };
  if (keyed === '') return noDestination(state, outcome);
  // The end code of a call that had just ended by itself: not a number.
  const late = state.endCode !== '' && (digits === state.endCode || (state.hashed && `#${keyed}` === state.endCode));
  if (late) return askAgain(again, [NEXT]);
  if (keyed === '*') return ask({ ...again, at: 'balance', silences: 0 }, { $case: 'balance', value: {} });
  if (!/^\d+$/.test(keyed)) return askAgain({ ...again, silences: 0 }, [{ id: 'invalid_number' }, NEXT]);
  return ask({ ...again, at: 'resolving', silences: 0 }, { $case: 'destination', value: { digits: keyed } });
}

function noDestination(state: State, outcome: ivr.Collected_Outcome): Move {
  if (outcome === Input.COMPLETE && !state.hashed) {
    // A leading # is nothing: listen on, in silence.
    return askAgain({ ...state, hashed: true }, []);
  }
  const silences = state.silences + 1;
  const silent: State = { ...state, hashed: false, silences };
  if (silences > MOST_SILENCES) {
    return goodbye(silent, result(silent), { id: 'no_input_goodbye' });
  }
  return askAgain(silent, [{ id: silences === 1 ? 'ask_destination_again' : 'ask_destination_last' }]);
}

/** The platform has said whether, and how long, the destination may be called. */
export function resolved(state: State, { refused, maxSeconds, capped }: EventOf<'destinationResult'>): Move {
  const calm = { ...state, troubles: 0 };
  if (refused === Reason.UNSPECIFIED) {
    return dial({ ...calm, dialled: true, turns: 0 }, [
      { id: capped ? 'max_duration_at_least' : 'max_duration', args: { duration: maxSeconds } },
    ]);
  }
  return withoutCall(calm, refused);
}

/** Why not, in words, and on. */
function withoutCall(state: State, reason: ivr.Reason): Move {
  if (reason === Reason.CREDIT_EXHAUSTED) {
    return goodbye(state, 'no_credit', { id: 'credit_exhausted' }, { id: 'goodbye' });
  }
  return askAgain(state, [...inWords(reason), NEXT], true);
}

/** Leg B is over; what was keyed meanwhile (a late end code) is not a destination. */
export const callEnded = (state: State, { reason }: EventOf<'legBEnded'>): Move => withoutCall(state, reason);

/** The call could not be set up, and nobody can tell why. */
export const callFailed = (state: State): Move => withoutCall(state, Reason.FAILED);

export function balanceTold(state: State, { balance }: EventOf<'balanceResult'>): Move {
  const money = balance && { micros: String(balance.micros), currency: balance.currency };
  return askAgain({ ...state, troubles: 0 }, [...balanceOf({ ...state, balance: money }), NEXT]);
}

export function notAnswered(state: State): Move {
  const troubles = state.troubles + 1;
  if (troubles >= MOST_TROUBLES) return goodbye(state, 'failed', { id: 'technical_problem' });
  return askAgain({ ...state, troubles }, [{ id: 'apology' }, NEXT]);
}
