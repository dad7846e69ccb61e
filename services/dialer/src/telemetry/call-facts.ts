import type { AttributeValue } from '@ringback/service-kit';
import type { Leg, Result, Session } from '../domain/model.ts';

type Role = AttributeValue<'call.leg_role'>;
export type ResultLabel = AttributeValue<'call.result'>;

interface OfLeg {
  role: Role;
  trunkId: string;
}

/** What one committed step means for the metrics. Times in µs. */
export type CallFact =
  /** A call came in, or an INVITE is to go out. */
  | ({ is: 'started' } & OfLeg)
  /** The far end gave its first sign of life so long after the INVITE. */
  | ({ is: 'progress'; afterUs: number } & OfLeg)
  /** The callback's first INVITE went out: since the end of the trigger call, and since the wanted moment. */
  | { is: 'placed'; afterTriggerUs: number; lateUs: number }
  /** A leg that was dialled is over. `sipStatus` 0: no final answer came. */
  | ({ is: 'over'; result: ResultLabel; answeredUs: number; sipStatus: number } & OfLeg)
  | { is: 'session_ended'; result: ResultLabel };

/**
 * Results as labels. What we refused (unknown caller, no credit, …) and what was given up on our side before an answer are
 * the caller's doing: neither tells anything of a trunk.
 */
export const resultLabel = (result: Result | ''): ResultLabel =>
  result === 'refused' || result === 'cancelled' ? 'caller_error' : result === '' ? 'indeterminate' : result;

/**
 * Compares a session before and after a step. Each fact is told by exactly one step, and steps are committed exactly once:
 * nothing is counted twice whatever is read again; a process that dies between commit and count loses that count.
 */
export function callFacts(before: Session | undefined, after: Session, ended: boolean): CallFact[] {
  const facts: CallFact[] = [];
  for (const leg of after.legs) {
    const was = before?.legs.find(({ id }) => id === leg.id);
    if (was === leg || (was && unchanged(was, leg))) continue;
    legFacts(facts, after, was, leg);
  }
  if (ended) facts.push({ is: 'session_ended', result: resultLabel(after.result) });
  return facts;
}

const unchanged = (was: Leg, leg: Leg): boolean =>
  was.status === leg.status && was.settlement === leg.settlement && was.progressUs === leg.progressUs;

/** Came in, or was sent out; not merely planned. */
const begun = (leg: Leg | undefined): boolean => leg !== undefined && leg.status !== 'new';

function legFacts(facts: CallFact[], session: Session, was: Leg | undefined, leg: Leg): void {
  const of: OfLeg = { role: leg.role, trunkId: leg.trunkId };
  // Planned and refused in one step, or while it was planned: no INVITE was ever meant to go out.
  const dialled = begun(was) || leg.status === 'dialling' || leg.inbound;
  if (!dialled) return;
  if (!begun(was)) facts.push({ is: 'started', ...of });
  if (!leg.inbound) outward(facts, session, was, leg, of);
  if (leg.role !== 'trigger' && leg.settlement !== 'none' && (was?.settlement ?? 'none') === 'none') {
    facts.push({
      is: 'over',
      result: resultLabel(leg.result),
      answeredUs: leg.answeredUs > 0 ? Math.max(0, leg.endedUs - leg.answeredUs) : 0,
      sipStatus: leg.inbound ? 0 : finalStatus(leg),
      ...of,
    });
  }
}

function outward(facts: CallFact[], session: Session, was: Leg | undefined, leg: Leg, of: OfLeg): void {
  const sign = leg.progressUs || leg.answeredUs;
  if (sign > 0 && !(was && (was.progressUs > 0 || was.answeredUs > 0))) {
    facts.push({ is: 'progress', afterUs: Math.max(0, sign - leg.createdUs), ...of });
  }
  // From the switch's first word on, `createdUs` is the moment of the INVITE by its clock.
  const first = was?.status === 'dialling' && leg.status !== 'dialling';
  const sent = sign > 0 || leg.sipStatus > 0;
  if (first && sent && leg.role === 'a' && leg.attempt === 1 && session.lastTriggerEndUs > 0) {
    const afterTriggerUs = Math.max(0, leg.createdUs - session.lastTriggerEndUs);
    const lateUs = Math.max(0, afterTriggerUs - session.access.callbackDelayMs * 1000);
    facts.push({ is: 'placed', afterTriggerUs, lateUs });
  }
}

/** Final status of the INVITE: 200 when it was answered, 487 when we cancelled it. */
function finalStatus({ answeredUs, sipStatus, cause, disposition }: Leg): number {
  if (answeredUs > 0) return 200;
  return sipStatus || (cause === 'ORIGINATOR_CANCEL' || disposition === 'send_cancel' ? 487 : 0);
}

/** Of RFC 3261 §21 and its extensions, as far as they end an INVITE. */
const STATUSES = new Set([
  0, 200, 300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416, 420, 421, 422,
  423, 424, 428, 429, 433, 436, 437, 438, 439, 440, 469, 470, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489, 491,
  493, 494, 500, 501, 502, 503, 504, 505, 513, 555, 580, 600, 603, 604, 606, 607, 608,
]);

/** A label: whoever invents codes makes no new series of it. */
export const statusLabel = (status: number): number =>
  STATUSES.has(status) ? status : Math.floor(Math.min(Math.max(status, 100), 699) / 100) * 100 + 99;
