import { sw } from '@ringback/contracts';
import type { Trigger } from '@ringback/durable';
import { answeredA, attemptFailed, beginLegA, dialA, reservedLegA } from './leg-a.ts';
import { afterB, answeredB, endCode, extend, requoted, reservedLegB } from './leg-b.ts';
import {
  askFailed,
  balanceTold,
  collected,
  pinVerified,
  playAgain,
  reservedAfterPin,
  resolved,
  stepped,
} from './dialogue.ts';
import { finish } from './ending.ts';
import type { LegBody, SessionEvent } from './events.ts';
import { correctEnd, recordOnLeg, settleEnded } from './legs.ts';
import type { Effect, Leg, Phase } from './model.ts';
import { decide, identified, offered, triggerEnded } from './trigger.ts';
import type { Turn } from './turn.ts';

type On<T extends SessionEvent['type']> = Extract<SessionEvent, { type: T }>;
/** A warning that comes so late is not said. */
const WARN_LATE_US = 3_000_000;

type Row = Partial<Record<string, (turn: Turn, leg: Leg) => void>>;

/**
 * What a leg's events do, by the session's phase: the whole life of a callback on one page. Names are
 * `<role>.<event>`; what is not listed changes nothing but the leg's own record.
 */
export const TRANSITIONS: Record<Phase, Row> = {
  // The access number rings.
  triggered: {
    'trigger.ended': triggerEnded,
    'trigger.lost': triggerEnded,
    'trigger.gone': triggerEnded,
    'a.ended': directCallerLeft,
    'a.lost': directCallerLeft,
    'a.gone': directCallerLeft,
  },
  // The trigger call is over; the callback is due in some seconds.
  waiting: {},
  // Money for leg A is asked for.
  reserving_a: { 'a.ended': directCallerLeft, 'a.lost': directCallerLeft, 'a.gone': directCallerLeft },
  // A's telephone rings.
  calling_a: {
    'a.answered': answeredA,
    'a.ended': notReached,
    'a.lost': notReached,
    'a.gone': notReached,
    'a.failed': notReached,
  },
  // Between two attempts.
  retrying: {},
  // Direct mode: the call is being answered.
  answering: {
    'a.answered': answeredA,
    'a.ended': callerLeft,
    'a.lost': callerLeft,
    'a.gone': callerLeft,
    'a.failed': callerLeft,
  },
  // The caller hears prompts and keys digits.
  talking: {
    'a.ended': callerLeft,
    'a.lost': switchLost,
    'a.gone': callerLeft,
    'a.is_parked': playAgain,
  },
  // B's telephone rings, the caller hears it.
  dialling_b: {
    'b.answered': answeredB,
    'b.ended': afterB,
    'b.lost': afterB,
    'b.gone': afterB,
    'b.failed': bridgeFailed,
    'a.parked': afterB,
    'a.is_parked': backWithoutB,
    'a.end_code': endCode,
    'a.ended': callerLeft,
    'a.lost': switchLost,
    'a.gone': callerLeft,
  },
  // A and B talk.
  connected: {
    'b.ended': afterB,
    'b.lost': afterB,
    'b.gone': afterB,
    'a.parked': afterB,
    'a.is_parked': backWithoutB,
    'a.end_code': endCode,
    'a.ended': callerLeft,
    'a.lost': switchLost,
    'a.gone': callerLeft,
  },
  // Everything is hung up and settled.
  ending: {},
};

/** What timers do. One that fires in another phase is of no matter. */
export const TIMERS: Record<string, Partial<Record<Phase, (turn: Turn) => void>>> = {
  callback: { waiting: callbackDue, retrying: callbackDue, reserving_a: callbackDue },
  warn: { connected: warn },
  extend: { talking: extend, connected: extend },
};

export function nameOf(trigger: Trigger<SessionEvent, Effect>): string {
  switch (trigger.type) {
    case 'event':
      return eventName(trigger.event);
    case 'outcome':
      return eventName(trigger.outcome);
    case 'gaveUp':
      return `gave_up:${trigger.effect.do}`;
    case 'timer':
      return `timer:${trigger.name}`;
  }
}

const eventName = (event: SessionEvent): string =>
  event.type === 'leg'
    ? `leg:${event.body.$case}`
    : event.type === 'reserved'
      ? `reserved:${event.purpose}`
      : event.type;

export function handle(turn: Turn, trigger: Trigger<SessionEvent, Effect>): void {
  switch (trigger.type) {
    case 'timer':
      return onTimer(turn, trigger.name);
    case 'gaveUp':
      return onGaveUp(turn, trigger.effect);
    case 'outcome':
      return onEvent(turn, trigger.outcome, trigger.effect);
    case 'event':
      return onEvent(turn, trigger.event, undefined);
  }
}

function onTimer(turn: Turn, name: string): void {
  if (name === 'overdue') return overdue(turn);
  TIMERS[name]?.[turn.s.phase]?.(turn);
}

function onEvent(turn: Turn, event: SessionEvent, effect: Effect | undefined): void {
  switch (event.type) {
    case 'offered':
      return offered(turn, event, false);
    case 'leg':
      return onLeg(turn, event);
    case 'identified':
      return identified(turn, event.answer);
    case 'pin_verified':
      return pinVerified(turn, event.answer);
    case 'resolved':
      return resolved(turn, event.answer);
    case 'balance_told':
      return balanceTold(turn, event.answer);
    case 'reserved':
      return onReserved(turn, event);
    case 'settled': {
      const leg = turn.leg(event.legId);
      if (leg) leg.settlement = 'done';
      return;
    }
    case 'stepped':
      return stepped(turn, event.answer);
    case 'command_refused':
      return commandRefused(turn, effect, event.code);
    case 'refused':
      return questionRefused(turn, effect, event);
    case 'end_requested':
      return finish(turn, 'cancelled', event.by);
  }
}

function onReserved(turn: Turn, { purpose, answer }: On<'reserved'>): void {
  switch (purpose) {
    case 'leg_a':
      return reservedLegA(turn, answer);
    case 'pin':
      return reservedAfterPin(turn, answer);
    case 'leg_b':
      return reservedLegB(turn, answer, false);
    case 'failover':
      return reservedLegB(turn, answer, true);
    case 'answered':
    case 'extend':
      return requoted(turn, answer);
  }
}

const LEG_EVENTS: Partial<Record<LegBody['$case'], string>> = {
  answered: 'answered',
  parked: 'parked',
  ended: 'ended',
  lost: 'lost',
  endCode: 'end_code',
};

function onLeg(turn: Turn, { legId, atUs, commandId, body }: On<'leg'>): void {
  const leg = turn.leg(legId);
  if (!leg) throw new Error(`leg ${legId} is not of this session`);
  if (body.$case === 'collected') return collected(turn, commandId, legId, body.value);
  if (leg.status === 'ended') {
    // Late, or told twice; but what was guessed of a leg and is not settled yet gives way to the truth.
    if (body.$case === 'ended') correctEnd(leg, atUs, body.value);
    return;
  }
  recordOnLeg(leg, atUs, body);
  if (body.$case === 'parked' && legId === turn.s.a) turn.s.aParked = true;
  if (body.$case === 'commandFailed') {
    if (!failLeg(turn, leg, body.value.code, commandId)) return;
    return dispatch(turn, leg, body.value.code === 'UNKNOWN_LEG' ? 'gone' : 'failed');
  } else if (body.$case === 'legState') {
    return onLegState(turn, leg, atUs, body.value);
  }
  dispatch(turn, leg, LEG_EVENTS[body.$case]);
}

function dispatch(turn: Turn, leg: Leg, event: string | undefined): void {
  if (event === undefined) return;
  const current =
    leg.role === 'trigger' ? 'trigger' : leg.id === turn.s.a ? 'a' : leg.id === turn.s.b ? 'b' : undefined;
  if (current) TRANSITIONS[turn.s.phase][`${current}.${event}`]?.(turn, leg);
  if (leg.status === 'ended' && leg.settlement === 'none' && settlesByItself(turn, leg)) settleEnded(turn, leg);
  if (leg.role === 'trigger' && leg.status === 'ended') decide(turn);
  turn.watch();
}

/** B's settlement waits for A's return while the session goes on; a trigger's for the decision about it. */
function settlesByItself({ s }: Turn, leg: Leg): boolean {
  if (leg.role === 'trigger') return s.phase === 'ending';
  return !(leg.id === s.b && (s.phase === 'dialling_b' || s.phase === 'connected'));
}

function onLegState(turn: Turn, leg: Leg, atUs: number, state: { state: string; answeredAtUs: bigint }): void {
  if (state.state === sw.LegState_State.GONE) {
    leg.endedUs = leg.cutoffAtUs > 0 ? Math.min(atUs, leg.cutoffAtUs) : atUs;
    leg.cause ||= leg.answeredUs > 0 ? 'LEG_LOST' : 'INDETERMINATE';
    leg.status = 'ended';
    return dispatch(turn, leg, 'gone');
  }
  if (state.answeredAtUs > 0n && leg.answeredUs === 0) {
    leg.answeredUs = Number(state.answeredAtUs);
    leg.status = 'up';
    dispatch(turn, leg, 'answered');
  }
  if (state.state === sw.LegState_State.PARKED) dispatch(turn, leg, 'is_parked');
}

/** A command that the switch could not perform. Answers whether the leg's table row is to be asked. */
function failLeg(turn: Turn, leg: Leg, code: string, commandId: string): boolean {
  if (code === 'UNKNOWN_LEG' || leg.status === 'dialling') {
    leg.cause ||= code === 'INDETERMINATE' ? 'INDETERMINATE' : leg.answeredUs > 0 ? 'LEG_LOST' : code;
    leg.endedUs = turn.now;
    leg.status = 'ended';
    return true;
  }
  playFailed(turn, commandId);
  return false;
}

/** A prompt that could not be played is as good as silence. */
function playFailed(turn: Turn, commandId: string): void {
  const value = sw.Collected.fromPartial({ outcome: sw.Collected_Outcome.PLAY_FAILED });
  collected(turn, commandId, turn.s.a, value);
}

/** The agent refused a command before taking it: it was never begun. */
function commandRefused(turn: Turn, effect: Effect | undefined, code: string): void {
  if (effect?.do !== 'command') return;
  const bLeg = effect.body.kind === 'bridge' ? turn.leg(effect.body.bLegId) : undefined;
  const leg = bLeg ?? turn.leg(effect.legId);
  if (!leg || leg.status === 'ended') return;
  if (effect.body.kind === 'originate' || bLeg) {
    if (bLeg) turn.s.aParked = true;
    leg.cause = code;
    leg.endedUs = turn.now;
    leg.status = 'ended';
    return dispatch(turn, leg, bLeg ? 'ended' : 'failed');
  }
  playFailed(turn, effect.commandId);
}

/** A service refused the question itself; whoever waits for it goes on as if nobody had answered. */
function questionRefused(turn: Turn, effect: Effect | undefined, { field, message }: On<'refused'>): void {
  if (effect?.do === 'settle') {
    const leg = turn.leg(effect.cdr.legId);
    if (leg) leg.settlement = 'done';
    turn.facts.push({
      fact: 'settlement_refused',
      sessionId: turn.context.sessionId,
      legId: effect.cdr.legId,
      field,
      message,
      traceparent: turn.traceparent,
    });
    return;
  }
  if (effect) onGaveUp(turn, effect);
}

/** Nobody answered in time. Telephones and money are never given up, only what a caller waits for. */
function onGaveUp(turn: Turn, effect: Effect): void {
  const { s } = turn;
  switch (effect.do) {
    case 'identify':
      s.refusal = 'platform_error';
      s.identified = true;
      return decide(turn);
    case 'reserve':
      if (effect.purpose === 'leg_a') return finish(turn, 'platform_error', 'billing_away');
      if (effect.purpose === 'leg_b' || effect.purpose === 'failover') {
        if (turn.b) turn.settle(turn.b, 'platform_error', 'billing_away');
        s.b = '';
        s.phase = s.phase === 'dialling_b' ? 'talking' : s.phase;
        return askFailed(turn);
      }
      if (effect.purpose === 'pin') return askFailed(turn);
      return; // running legs run to their paid-for time
    case 'dialogue':
      // A dialogue that a lost switch has ended is nobody's loss.
      return s.phase === 'talking' ? finish(turn, 'platform_error', 'ivr_away') : undefined;
    case 'verify_pin':
    case 'resolve':
    case 'balance':
      return askFailed(turn);
    case 'command':
      return unconfirmed(turn, effect);
    case 'settle':
      throw new Error('a settlement is never given up');
  }
}

/** The agent is away: it is asked what became of the leg, for as long as the leg may live and a good while longer. */
function unconfirmed(turn: Turn, effect: Extract<Effect, { do: 'command' }>): void {
  const leg = turn.leg(effect.legId);
  if (!leg || leg.status === 'ended') return;
  // A session of an earlier release does not know it.
  const untilUs = (leg.mayLiveUntilUs ?? leg.cutoffAtUs) + turn.settings.lostAfterMs * 1000;
  // Asked beyond that time as well: after an outage of our own, what it told meanwhile is read first.
  if (effect.body.kind === 'probe' && effect.startByUs > untilUs) return takeForLost(turn, leg);
  const lifeMs = Math.max(turn.settings.overdueMs, (untilUs - turn.now) / 1000);
  turn.command(leg, { kind: 'probe' }, lifeMs);
}

/** Legs that were not heard of beyond their time. */
function overdue(turn: Turn): void {
  const { s, now, settings } = turn;
  for (const leg of s.legs) {
    if (leg.status === 'ended' || leg.status === 'new' || leg.role === 'trigger') continue;
    const due = leg.status === 'up' ? leg.cutoffAtUs : leg.createdUs + s.access.answerTimeoutSeconds * 1_000_000;
    if (due + settings.overdueMs * 1000 <= now) turn.command(leg, { kind: 'probe' }, settings.overdueMs);
  }
  turn.timer('overdue', now + settings.overdueMs * 4000);
}

/** Nobody can tell what became of it, and its paid-for time has passed. */
function takeForLost(turn: Turn, leg: Leg): void {
  leg.endedUs = leg.cutoffAtUs > 0 ? Math.min(leg.cutoffAtUs, turn.now) : turn.now;
  leg.cause ||= leg.answeredUs > 0 ? 'LEG_LOST' : 'INDETERMINATE';
  leg.status = 'ended';
  dispatch(turn, leg, 'gone');
}

function callbackDue(turn: Turn): void {
  const { s, a } = turn;
  if (a?.status === 'new' && s.paidUntilUs > turn.now) {
    // The hold was made already when the caller rang again.
    return dialA(turn, a, Math.floor((s.paidUntilUs - turn.now) / 1_000_000));
  }
  beginLegA(turn);
}

function warn(turn: Turn): void {
  const { s, a, directory, settings, now } = turn;
  // It names the time that is left: after an outage that would not be true any more.
  if (now - (s.paidUntilUs - settings.warnLeadMs * 1000) > WARN_LATE_US) return;
  if (a) turn.command(a, { kind: 'warn', prompt: directory.warningPrompt(s.account?.language || s.access.language) });
}

/** The caller hung up (or was cut off): B is cancelled, everything settled. */
function callerLeft(turn: Turn, a: Leg): void {
  const { s, b } = turn;
  if (b && b.status !== 'ended') turn.hangup(b, 'ORIGINATOR_CANCEL', 'caller_left');
  // The switch cancels B by itself when A goes, and may tell so first.
  else if (b?.cause === 'ORIGINATOR_CANCEL') b.endedBy ||= 'caller_left';
  settleEnded(turn, a);
  finish(turn, 'success', a.cutOff ? 'cut_off' : s.reason);
}

function directCallerLeft(turn: Turn, a: Leg): void {
  settleEnded(turn, a);
  finish(turn, turn.s.refusal === '' ? 'cancelled' : 'refused', turn.s.refusal || 'caller_left');
}

/** A's switch died in mid-call: settled to the last moment known, and the caller is called back (a setting). */
function switchLost(turn: Turn, a: Leg): void {
  const { s, b } = turn;
  if (!s.access.callBackAfterSwitchLoss || s.access.mode === 'direct') return callerLeft(turn, a);
  settleEnded(turn, a);
  if (b && b.status !== 'ended') turn.hangup(b, 'NORMAL_CLEARING', 'caller_left');
  s.a = '';
  s.b = '';
  s.dialogue = undefined;
  s.destination = undefined;
  s.phase = 'retrying';
  for (const name of ['warn', 'extend'] as const) turn.timer(name, undefined);
  turn.timer('callback', turn.now + s.access.callbackDelayMs * 1000);
}

/** A's leg is over while it was thought to ring: not answered, or its answer and its end are told together. */
function notReached(turn: Turn, a: Leg): void {
  if (a.answeredUs === 0) attemptFailed(turn, a);
  else if (a.cause === 'LEG_LOST') switchLost(turn, a);
  else callerLeft(turn, a);
}

/** The bridge could not be begun; A stayed where it was. */
function bridgeFailed(turn: Turn, b: Leg): void {
  turn.s.aParked = true;
  afterB(turn);
  if (b.settlement === 'none') settleEnded(turn, b);
}

/** A is parked although a bridge was wanted: B's end was missed, or it never began. */
function backWithoutB(turn: Turn): void {
  const { s, b } = turn;
  s.aParked = true;
  if (b && b.status !== 'ended') turn.command(b, { kind: 'probe' });
  afterB(turn);
}
