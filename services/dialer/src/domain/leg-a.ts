import { billing } from '@ringback/contracts';
import { formatForTrunk } from '@ringback/numbering';
import { startDialogue } from './dialogue.ts';
import { finish } from './ending.ts';
import { newLeg, settleEnded } from './legs.ts';
import type { Leg } from './model.ts';
import { credentialsOf } from './trunk-credentials.ts';
import type { Turn } from './turn.ts';

const SECOND = 1_000_000;

/** Leg A is due: holds money for its first piece. (Direct mode: the leg is there already.) */
export function beginLegA(turn: Turn): void {
  const { s, directory, now, settings } = turn;
  if (s.a === '') {
    const [trunk] = directory.trunksFor(s.key);
    const switchId = directory.pickSwitch();
    if (!trunk || !switchId) {
      if (now - Math.max(s.lastTriggerEndUs, s.firstTriggerUs) > settings.triggerMaxAgeMs * 1000) {
        finish(turn, 'platform_error', trunk ? 'no_switch' : 'no_trunk');
      } else turn.timer('callback', now + SECOND);
      return;
    }
    const attempts = s.legs.filter(({ role }) => role === 'a').length;
    const leg = newLeg({
      id: turn.context.newId(),
      role: 'a',
      inbound: false,
      switchId,
      trunkId: trunk.id,
      number: s.key,
      attempt: attempts + 1,
      status: 'new',
      createdUs: now,
    });
    s.legs.push(leg);
    s.a = leg.id;
  }
  s.phase = 'reserving_a';
  turn.reserve('leg_a', [turn.quoted(turn.a!)], settings.legAChunkMs);
}

const Outcome = billing.ReserveResponse_Outcome;

/** Reasons of a quote that failed, as CDRs say them. */
export const QUOTE_REASONS: Partial<Record<billing.ReserveResponse_Outcome, string>> = {
  [Outcome.NO_CREDIT]: 'no_credit',
  [Outcome.BLOCKED]: 'blocked',
  [Outcome.BUDGET_EXHAUSTED]: 'loss_budget_exhausted',
};

/** The quote for leg A came: dials, answers (direct mode), or says why not. */
export function reservedLegA(turn: Turn, answer: billing.ReserveResponse): void {
  const { s, a } = turn;
  if (s.phase !== 'reserving_a' || !a || a.status === 'ended') return;
  const seconds = Math.floor(Number(answer.maxUs) / SECOND);
  if (answer.outcome !== Outcome.OK || seconds < 1) {
    const reason = answer.outcome === Outcome.OK ? 'no_credit' : QUOTE_REASONS[answer.outcome];
    if (a.inbound) turn.hangup(a, 'CALL_REJECTED', 'dialogue');
    else turn.settle(a, reason ? 'refused' : 'platform_error', reason ?? answer.outcome.toLowerCase());
    finish(turn, reason ? 'refused' : 'platform_error', reason ?? answer.outcome.toLowerCase());
    return;
  }
  remember(turn, answer);
  if (a.inbound) {
    s.phase = 'answering';
    turn.command(a, { kind: 'answer', cutoffSeconds: seconds });
    return;
  }
  if (s.legs.some(({ role, status }) => role === 'trigger' && status === 'ringing')) {
    // A is never dialled while a trigger from A still rings; the hold stays.
    s.phase = 'triggered';
    return;
  }
  dialA(turn, a, seconds);
}

export function dialA(turn: Turn, a: Leg, seconds: number): void {
  const { s, directory } = turn;
  const trunk = directory.trunk(a.trunkId);
  if (!trunk) {
    turn.settle(a, 'platform_error', 'no_trunk');
    finish(turn, 'platform_error', 'no_trunk');
    return;
  }
  s.phase = 'calling_a';
  a.status = 'dialling';
  a.createdUs = turn.now;
  turn.command(a, {
    kind: 'originate',
    dial: {
      toUser: formatForTrunk(a.number, trunk.numberFormat),
      gateway: trunk.gateway,
      trunkId: trunk.id,
      callerId: formatForTrunk(s.access.shownCallerId, trunk.numberFormat),
      cutoffSeconds: seconds,
      answerTimeoutSeconds: s.access.answerTimeoutSeconds,
      progressTimeoutSeconds: 0,
      ...credentialsOf(trunk),
    },
  });
  turn.watch();
}

/** Takes over what a quote says: until when is paid, and by what it is limited. */
export function remember(turn: Turn, answer: billing.ReserveResponse): void {
  const { s } = turn;
  s.capped = answer.capped;
  s.paidUntilUs = turn.now + Number(answer.maxUs);
  if (answer.balance) s.balance = { micros: String(answer.balance.micros), currency: answer.balance.currency };
}

/** A answered: charged from here. */
export function answeredA(turn: Turn): void {
  const { s, a } = turn;
  if (!a || (s.phase !== 'calling_a' && s.phase !== 'answering')) return;
  s.phase = 'talking';
  s.aParked = true;
  s.paidUntilUs = a.cutoffAtUs || s.paidUntilUs;
  scheduleExtension(turn);
  turn.watch();
  startDialogue(turn);
}

/** A capped hold is extended ahead of need. */
export function scheduleExtension(turn: Turn): void {
  const { s, settings, now } = turn;
  const left = s.paidUntilUs - now;
  turn.timer('extend', s.capped ? now + Math.max(left / 2, left - settings.extendLeadMs * 1000) : undefined);
}

/** A did not answer: another attempt by its schedule, or the end. */
export function attemptFailed(turn: Turn, a: Leg): void {
  const { s } = turn;
  const verdict = settleEnded(turn, a)!;
  s.a = '';
  const indeterminate = a.result === 'indeterminate';
  const retry = indeterminate ? 'no_answer' : a.endedBy === '' ? verdict.retry : 'never';
  const wait =
    retry === 'busy'
      ? s.access.busyRetrySeconds[s.busyTries++]
      : retry === 'no_answer'
        ? s.access.noAnswerRetrySeconds[s.noAnswerTries++]
        : undefined;
  if (wait === undefined) {
    finish(turn, a.result || 'unreachable', a.reason);
    return;
  }
  s.phase = 'retrying';
  turn.timer('callback', turn.now + wait * SECOND);
}
