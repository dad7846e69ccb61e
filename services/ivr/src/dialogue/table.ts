import { balanceTold, callEnded, callFailed, destinationKeyed, notAnswered, resolved } from './destinations.ts';
import { accountKeyed, confirmed, notVerified, pinKeyed, verified } from './login.ts';
import type { Event, EventOf, Move } from './moves.ts';
import type { Place, State } from './state.ts';

type Row = { readonly [Case in Event['$case']]?: (state: State, value: EventOf<Case>) => Move };

/**
 * The whole dialogue on one page: where it stands × what happens → what is said and waited for next. `start` leads to
 * confirm, account, pin or destination. What is not listed does not fit, and is refused.
 *
 *   confirm ─1→ (account →) pin → verifying → destination ⇄ balance
 *                 ↑________________| wrong        ↕
 *                                             resolving → dialling → destination …
 */
export const TRANSITIONS: Record<Place, Row> = {
  // "To take your callback, press one."
  confirm: { collected: confirmed },
  // "Enter your account number."
  account: { collected: accountKeyed },
  // "Enter your PIN."
  pin: { collected: pinKeyed },
  verifying: { pinResult: verified, askFailed: notVerified },
  // "Enter the number you want to call."
  destination: { collected: destinationKeyed },
  resolving: { destinationResult: resolved, askFailed: notAnswered },
  balance: { balanceResult: balanceTold, askFailed: notAnswered },
  // "You can talk for …"
  dialling: { legBEnded: callEnded, askFailed: callFailed },
  // "Goodbye"
  over: {},
};
