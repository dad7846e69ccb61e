import { auth, type dialer, type sw } from '@ringback/contracts';
import { finish } from './ending.ts';
import type { SessionEvent } from './events.ts';
import { newLeg } from './legs.ts';
import type { AccessPolicy, Session } from './model.ts';
import { beginLegA } from './leg-a.ts';
import type { Turn } from './turn.ts';

type Offered = Extract<SessionEvent, { type: 'offered' }>;

/** FreeSWITCH cause by which a trigger is rejected, by the SIP status the access number wants. */
const REJECT_CAUSES: Record<number, string> = { 486: 'USER_BUSY', 480: 'NO_ANSWER', 603: 'CALL_REJECTED' };

export function accessPolicy(number: dialer.AccessNumber): AccessPolicy {
  return {
    number: number.number,
    mode: number.mode === 'direct' ? 'direct' : 'callback',
    language: number.language,
    unknownCallers: number.unknownCallers === 'ask' ? 'ask' : 'refuse',
    rejectCause: REJECT_CAUSES[number.rejectCode] ?? 'USER_BUSY',
    callbackDelayMs: number.callbackDelayMs,
    confirm: number.answerConfirmation === 'press1',
    endCode: number.endCode,
    busyRetrySeconds: number.busyRetrySeconds,
    noAnswerRetrySeconds: number.noAnswerRetrySeconds,
    coolDownSeconds: number.coolDownSeconds,
    shownCallerId: number.shownCallerId || number.number,
    answerTimeoutSeconds: number.answerTimeoutSeconds,
    callBackAfterSwitchLoss: number.callBackAfterSwitchLoss,
  };
}

export function newSession(event: Offered, access: AccessPolicy): Session {
  const { offered } = event;
  return {
    phase: 'triggered',
    key: offered.callerE164 || event.legId,
    callerId: offered.hidden ? '' : offered.callerE164,
    traceparent: event.traceparent,
    access,
    trusted: trusts(offered),
    account: undefined,
    authorised: false,
    payer: 'account',
    refusal: '',
    identified: false,
    firstTriggerUs: event.atUs,
    lastTriggerEndUs: 0,
    busyTries: 0,
    noAnswerTries: 0,
    legs: [],
    a: '',
    b: '',
    aParked: true,
    paidUntilUs: 0,
    capped: false,
    balance: undefined,
    dialogue: undefined,
    pin: undefined,
    destination: undefined,
    result: 'success',
    reason: '',
  };
}

/** A call to an access number rings. The first makes the session, every other one joins it. */
export function offered(turn: Turn, event: Offered, opening: boolean): void {
  const { s } = turn;
  if (turn.leg(event.legId)) return;
  const direct = opening && s.access.mode === 'direct';
  const ringing = s.legs.some(({ role, status }) => role === 'trigger' && status === 'ringing');
  const leg = newLeg({
    id: event.legId,
    role: direct ? 'a' : 'trigger',
    inbound: true,
    switchId: event.switchId,
    trunkId: event.offered.trunkId,
    number: s.callerId,
    attempt: 1,
    status: 'ringing',
    createdUs: event.atUs,
  });
  s.legs.push(leg);
  if (opening) {
    s.refusal = refusal(turn, event.offered, event.atUs);
    if (direct) s.a = leg.id;
    if (s.refusal !== '') {
      if (direct) turn.hangup(leg, 'CALL_REJECTED', 'dialogue');
      return;
    }
    turn.ask(
      {
        do: 'identify',
        traceparent: turn.traceparent,
        callerId: s.callerId,
        trusted: s.trusted,
        accessNumber: s.access.number,
      },
      turn.settings.triggerMaxAgeMs,
    );
    return;
  }
  // The same caller again: another route, or redial. It is busy at once; the delay runs from the last one's end.
  if (s.phase === 'waiting' || s.phase === 'retrying') {
    s.phase = 'triggered';
    turn.timer('callback', undefined);
  }
  if (ringing || s.phase !== 'triggered') turn.hangup(leg, s.access.rejectCause, 'duplicate');
  // Somebody who calls although we think we talk to them: is the leg still there?
  const { a } = turn;
  if (a?.status === 'up') turn.command(a, { kind: 'probe' });
}

/**
 * Whether the caller ID may authorise. The trunk vouches for it, and so does a signature it has checked (STIR/SHAKEN, as
 * 3GPP TS 24.229 section 7.2A.20 tells it); one that it found to be wrong is worth nothing on any trunk.
 */
function trusts({ trusted, verstat }: sw.LegOffered): boolean {
  return verstat === 'TN-Validation-Passed' || (trusted && verstat !== 'TN-Validation-Failed');
}

/** Why this caller is not called back, as far as the trigger itself tells; empty: nothing against it. */
function refusal(turn: Turn, call: sw.LegOffered, atUs: number): string {
  const { s, directory, now, settings, context } = turn;
  const callback = s.access.mode === 'callback';
  if (callback && (call.hidden || call.callerE164 === '')) return call.hidden ? 'hidden_caller' : 'invalid_caller_id';
  if (callback && call.diverted) return 'diverted';
  if (s.callerId !== '') {
    if (directory.own(s.callerId)) return 'own_number';
    if (directory.denied(s.callerId)) return 'denied_range';
  }
  if (!callback) return '';
  if (now - atUs > settings.triggerMaxAgeMs * 1000) return 'too_old';
  const closed = context.previousClosedAtUs;
  if (closed !== undefined && atUs - closed < s.access.coolDownSeconds * 1_000_000) return 'cool_down';
  return '';
}

export function identified(turn: Turn, answer: auth.IdentifyResponse): void {
  const { s } = turn;
  s.identified = true;
  if (answer.account) {
    const { number, country, language } = answer.account;
    s.account = { number, country, language };
  }
  s.authorised = answer.authorised;
  const { IdentifyResponse_Status: Status } = auth;
  switch (answer.status) {
    case Status.KNOWN:
      s.payer = 'account';
      break;
    case Status.UNKNOWN:
      if (s.access.unknownCallers === 'refuse') s.refusal = 'unknown_caller';
      s.payer = 'loss_budget';
      break;
    case Status.LOCKED:
      s.refusal = 'locked';
      break;
    case Status.SUSPENDED:
      s.refusal = 'suspended';
      break;
    default:
      s.refusal = 'platform_error';
  }
  decide(turn);
}

/** The trigger leg is over. */
export function triggerEnded(turn: Turn): void {
  const { s } = turn;
  s.lastTriggerEndUs = Math.max(
    s.lastTriggerEndUs,
    ...s.legs.filter(({ role }) => role === 'trigger').map(({ endedUs }) => endedUs),
  );
  decide(turn);
}

/** Goes on once the caller is known and no trigger rings any more. */
export function decide(turn: Turn): void {
  const { s } = turn;
  const triggers = s.legs.filter(({ role }) => role === 'trigger');
  if (s.phase !== 'triggered') {
    for (const leg of triggers) if (leg.status === 'ended') turn.settle(leg, 'success', leg.endedBy);
    return;
  }
  if (s.access.mode === 'direct') return decideDirect(turn);
  if (triggers.some(({ status }) => status !== 'ended')) return;
  if (s.refusal === '' && !s.identified) return;
  for (const leg of triggers) {
    if (s.refusal === '') turn.settle(leg, 'success', leg.endedBy);
    else turn.settle(leg, s.refusal === 'platform_error' ? 'platform_error' : 'refused', s.refusal);
  }
  if (s.refusal !== '') {
    finish(turn, s.refusal === 'platform_error' ? 'platform_error' : 'refused', s.refusal);
    return;
  }
  s.phase = 'waiting';
  turn.timer('callback', s.lastTriggerEndUs + s.access.callbackDelayMs * 1000);
}

function decideDirect(turn: Turn): void {
  const { s, a } = turn;
  if (!a || a.status === 'ended') return;
  if (s.refusal !== '') {
    turn.hangup(a, 'CALL_REJECTED', 'dialogue');
    return;
  }
  if (s.identified) beginLegA(turn);
}
