import { ivr } from '@ringback/contracts';
import type { Message } from '@ringback/prompts';
import type { State } from './state.ts';

const { Reason } = ivr;

/** Why there is no call, or no more, in words. A normal end needs none. */
export const REASONS: Partial<Record<ivr.Reason, Message>> = {
  [Reason.BUSY]: { id: 'reason_busy' },
  [Reason.NO_ANSWER]: { id: 'reason_no_answer' },
  [Reason.UNALLOCATED]: { id: 'reason_unallocated' },
  [Reason.REJECTED]: { id: 'reason_rejected' },
  [Reason.CONGESTION]: { id: 'reason_congestion' },
  [Reason.UNREACHABLE]: { id: 'reason_unreachable' },
  [Reason.BLOCKED]: { id: 'reason_blocked' },
  [Reason.NO_CREDIT]: { id: 'reason_no_credit' },
  [Reason.OWN_NUMBER]: { id: 'reason_own_number' },
  [Reason.EMERGENCY]: { id: 'reason_emergency' },
  [Reason.INVALID_NUMBER]: { id: 'invalid_number' },
  [Reason.UNKNOWN_SPEED_DIAL]: { id: 'unknown_speed_dial' },
  [Reason.COOL_DOWN]: { id: 'reason_cool_down' },
  [Reason.TOO_MANY_CALLS]: { id: 'reason_too_many_calls' },
  [Reason.FAILED]: { id: 'reason_failed' },
};

export const inWords = (reason: ivr.Reason): Message[] => {
  const message = REASONS[reason];
  return message ? [message] : [];
};

export const balanceOf = ({ balance }: State): Message[] =>
  balance ? [{ id: 'balance', args: { amount: { micros: BigInt(balance.micros), currency: balance.currency } } }] : [];

/** What is asked is asked twice more. */
export const MOST_SILENCES = 2;
/** Failures in a row with which the platform, or the line, is given up. */
export const MOST_TROUBLES = 2;
