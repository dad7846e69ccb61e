import { ivr } from '@ringback/contracts';
import type { Leg, Result } from './model.ts';

/** What an unanswered attempt means. */
export interface Verdict {
  result: Result;
  /** CDR's reason. */
  reason: string;
  /** Said to the caller when it was leg B. */
  spoken: ivr.Reason;
  /** Which schedule of further attempts applies to leg A. */
  retry: 'busy' | 'no_answer' | 'never';
  /** Another trunk may be tried at once: nobody's telephone can have rung. */
  failover: boolean;
}

const verdict = (
  result: Result,
  reason: string,
  spoken: ivr.Reason,
  retry: Verdict['retry'],
  failover = false,
): Verdict => ({ result, reason, spoken, retry, failover });

const { Reason } = ivr;

/** Q.850 cause → verdict. Congestion (27, 34, 38, 41, 42, 44) tries another trunk; 3 does where the settings say so. */
const BY_Q850: Record<number, Verdict> = {
  1: verdict('unreachable', 'unallocated', Reason.UNALLOCATED, 'never'),
  3: verdict('unreachable', 'no_route', Reason.UNALLOCATED, 'never'),
  17: verdict('busy', 'busy', Reason.BUSY, 'busy'),
  18: verdict('no_answer', 'no_user_response', Reason.NO_ANSWER, 'no_answer'),
  19: verdict('no_answer', 'no_answer', Reason.NO_ANSWER, 'no_answer'),
  20: verdict('unreachable', 'absent', Reason.UNREACHABLE, 'no_answer'),
  21: verdict('rejected', 'rejected', Reason.REJECTED, 'never'),
  22: verdict('unreachable', 'number_changed', Reason.UNALLOCATED, 'never'),
  27: verdict('unreachable', 'out_of_order', Reason.CONGESTION, 'no_answer', true),
  28: verdict('unreachable', 'invalid_number', Reason.UNALLOCATED, 'never'),
  34: verdict('unreachable', 'congestion', Reason.CONGESTION, 'no_answer', true),
  38: verdict('unreachable', 'congestion', Reason.CONGESTION, 'no_answer', true),
  41: verdict('unreachable', 'congestion', Reason.CONGESTION, 'no_answer', true),
  42: verdict('unreachable', 'congestion', Reason.CONGESTION, 'no_answer', true),
  44: verdict('unreachable', 'congestion', Reason.CONGESTION, 'no_answer', true),
  102: verdict('no_answer', 'timer_expired', Reason.NO_ANSWER, 'no_answer'),
};

/** FreeSWITCH's own cause names that have no Q.850 number, or one that misleads. */
const BY_NAME: Record<string, Verdict> = {
  ORIGINATOR_CANCEL: verdict('cancelled', 'cancelled', Reason.NORMAL, 'never'),
  LOSE_RACE: verdict('cancelled', 'cancelled', Reason.NORMAL, 'never'),
  PROGRESS_TIMEOUT: verdict('unreachable', 'progress_timeout', Reason.CONGESTION, 'no_answer', true),
  NORMAL_TEMPORARY_FAILURE: BY_Q850[41]!,
  USER_NOT_REGISTERED: BY_Q850[20]!,
  SUBSCRIBER_ABSENT: BY_Q850[20]!,
};

const OTHER = verdict('unreachable', 'failed', Reason.UNREACHABLE, 'no_answer');

/** Reads why a leg that was never answered ended. */
export function classify(leg: Pick<Leg, 'cause' | 'q850' | 'sipStatus'>): Verdict {
  return BY_NAME[leg.cause] ?? BY_Q850[leg.q850] ?? OTHER;
}
