import { ivr } from '@ringback/contracts';
import { firstDestination } from './destinations.ts';
import { ask, collectAccount, collectConfirmation, collectPin, type EventOf, goodbye, type Move } from './moves.ts';
import type { State } from './state.ts';
import { balanceOf, MOST_SILENCES, MOST_TROUBLES } from './words.ts';

const { PinResult_Outcome: Pin } = ivr;
const MOST_TRIES = 3;

/** Begins a dialogue: whoever answers confirms first, where that is wanted, and hears nothing personal before. */
export const begin = (state: State, confirm: boolean): Move =>
  confirm ? collectConfirmation(state, [{ id: 'confirm_callback' }]) : greet(state);

/**
 * An authorised caller goes straight to the destination. A known one hears the balance, then is asked for the PIN; but over an
 * inbound call, where the caller ID may be forged, the PIN comes first. An unknown one says who it is before all else.
 */
function greet(state: State): Move {
  if (state.authorised) return firstDestination(state, []);
  const welcome = { id: state.direct ? 'welcome_direct' : 'welcome' } as const;
  if (!state.known) return collectAccount(state, [welcome, { id: 'ask_account' }]);
  if (state.direct) return collectPin(state, [welcome, { id: 'ask_pin' }]);
  const told = state.balance !== undefined;
  return collectPin({ ...state, balance: undefined, told }, [welcome, ...balanceOf(state), { id: 'ask_pin' }]);
}

export function confirmed(state: State, { digits }: EventOf<'collected'>): Move {
  if (digits === '1') return greet({ ...state, silences: 0 });
  // A machine does not key anything; what it hears ends up in a mailbox.
  if (state.silences > 0) return goodbye(state, 'machine');
  return collectConfirmation({ ...state, silences: 1 }, [{ id: 'confirm_callback_again' }]);
}

export function accountKeyed(state: State, { digits }: EventOf<'collected'>): Move {
  const account = digits.replace(/^#+|#+$/g, '');
  // Whether there is such an account is found out together with the PIN: guessing one tells nothing.
  if (account !== '') return collectPin({ ...state, account, silences: 0 }, [{ id: 'ask_pin' }]);
  return (
    nothingKeyed(state) ?? collectAccount({ ...state, silences: state.silences + 1 }, [{ id: 'ask_account_again' }])
  );
}

export function pinKeyed(state: State, { sealed }: EventOf<'collected'>): Move {
  if (sealed) {
    const verifying: State = { ...state, at: 'verifying', silences: 0, tries: state.tries + 1 };
    return ask(verifying, { $case: 'verifyPin', value: { accountNumber: state.account } });
  }
  return nothingKeyed(state) ?? collectPin({ ...state, silences: state.silences + 1 }, [{ id: 'ask_pin_again' }]);
}

const nothingKeyed = (state: State): Move | undefined =>
  state.silences < MOST_SILENCES ? undefined : goodbye(state, 'no_input', { id: 'no_input_goodbye' });

export function verified(state: State, { outcome, balance, callerIdSaved }: EventOf<'pinResult'>): Move {
  switch (outcome) {
    case Pin.OK: {
      const money = !state.told && balance ? { micros: String(balance.micros), currency: balance.currency } : undefined;
      const authorised: State = { ...state, authorised: true, balance: undefined, account: '', troubles: 0 };
      return firstDestination(authorised, [
        ...(callerIdSaved ? [{ id: 'caller_id_saved' } as const] : []),
        ...balanceOf({ ...authorised, balance: money }),
      ]);
    }
    case Pin.LOCKED:
      return goodbye(state, 'locked', { id: 'pin_locked' });
    case Pin.SUSPENDED:
      return goodbye(state, 'locked', { id: 'account_suspended' });
    default:
      return wrong({ ...state, troubles: 0 });
  }
}

function wrong(state: State): Move {
  const tries = MOST_TRIES - state.tries;
  if (tries <= 0) return goodbye(state, 'pin_failed', { id: 'pin_failed' });
  if (state.known) return collectPin(state, [{ id: 'wrong_pin', args: { tries } }, { id: 'ask_pin' }], true);
  return collectAccount(state, [{ id: 'wrong_account_or_pin', args: { tries } }, { id: 'ask_account' }], true);
}

/** The sealed PIN is gone with the question: it has to be keyed again, and counts as a try. */
export function notVerified(state: State): Move {
  const troubles = state.troubles + 1;
  if (troubles >= MOST_TROUBLES || state.tries >= MOST_TRIES) {
    return goodbye(state, 'failed', { id: 'technical_problem' });
  }
  return collectPin({ ...state, troubles }, [{ id: 'apology' }, { id: 'ask_pin' }], true);
}
