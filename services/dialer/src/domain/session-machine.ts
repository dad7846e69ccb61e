import type { Decision, Machine, StepContext, Trigger } from '@ringback/durable';
import type { Directory } from './directory.ts';
import { isOver } from './ending.ts';
import type { SessionEvent } from './events.ts';
import type { Effect, Session } from './model.ts';
import { copyOf, decodeSession, encodeSession, SESSION_VERSION } from './session-text.ts';
import type { Settings } from './settings.ts';
import { handle, nameOf } from './table.ts';
import { accessPolicy, newSession, offered } from './trigger.ts';
import { Turn } from './turn.ts';

/** The callback session as a durable machine: the same core in production, in tests, and in simulation. */
export function sessionMachine(directory: () => Directory, settings: Settings): Machine<Session, SessionEvent, Effect> {
  return {
    version: SESSION_VERSION,
    encode: encodeSession,
    decode: decodeSession,
    aliases: ({ legs }) => legs.map(({ id }) => id),
    step: (state, trigger, context) => stepSession(state, trigger, context, directory(), settings),
  };
}

export function stepSession(
  state: Session | undefined,
  trigger: Trigger<SessionEvent, Effect>,
  context: StepContext,
  directory: Directory,
  settings: Settings,
): Decision<Session, Effect> {
  const session = state ? copyOf(state) : open(trigger, directory);
  const turn = new Turn(session, context, directory, settings, causeOf(trigger, session));
  const from = state ? (isOver(state) ? 'ended' : state.phase) : 'new';
  if (!state) offered(turn, (trigger as { event: Extract<SessionEvent, { type: 'offered' }> }).event, true);
  else handle(turn, trigger);
  const over = isOver(turn.s);
  const to = over ? 'ended' : turn.s.phase;
  if (over && !(state && isOver(state))) {
    turn.facts.push({
      fact: 'session_ended',
      sessionId: context.sessionId,
      result: turn.s.result,
      reason: turn.s.reason,
      traceparent: turn.traceparent,
    });
  }
  const event = nameOf(trigger);
  const legId = 'event' in trigger && 'legId' in trigger.event ? trigger.event.legId : undefined;
  const ended = new Set(turn.s.legs.filter(({ status }) => status === 'ended').map(({ id }) => id));
  return {
    state: turn.s,
    effects: turn.effects,
    timers: turn.timers,
    facts:
      from === to
        ? turn.facts
        : [
            ...turn.facts,
            {
              fact: 'session_changed',
              sessionId: context.sessionId,
              from,
              to,
              atUs: context.nowUs,
              traceparent: turn.traceparent,
            },
          ],
    closed: over,
    // A leg that has ended wants nothing more, and a session that is over waits for no answer: the next call of its
    // number begins another.
    cancel: ({ body }) => over || (body.do === 'command' && ended.has(body.legId)),
    history: { atUs: context.nowUs, event, from, to, ...(legId ? { legId } : {}) },
  };
}

/**
 * Traceparent of what moves the session: the leg's that tells something, the effect's that is answered, the session's own
 * for timers. A session has one trace: a second call that joins it brings one of its own, which is not followed.
 */
export function causeOf(trigger: Trigger<SessionEvent, Effect>, { traceparent }: Session): string {
  const cause =
    trigger.type === 'outcome' || trigger.type === 'gaveUp'
      ? trigger.effect.traceparent
      : trigger.type === 'event' && 'traceparent' in trigger.event
        ? (trigger.event.traceparent ?? '')
        : '';
  return sameTrace(cause, traceparent) ? cause : traceparent;
}

/** Whether two traceparents (W3C: version, trace id, span id, flags) are of one trace. */
export const sameTrace = (one: string, other: string): boolean =>
  one !== '' && one.slice(0, TRACE_END) === other.slice(0, TRACE_END);
const TRACE_END = '00-'.length + 32;

/** @throws Error for an event that cannot begin a session, and for an access number that is not ours. */
function open(trigger: Trigger<SessionEvent, Effect>, directory: Directory): Session {
  if (trigger.type !== 'event' || trigger.event.type !== 'offered')
    throw new Error('only a call to an access number begins a session');
  const { event } = trigger;
  const access = directory.accessNumber(event.offered.accessNumber);
  if (!access) throw new Error('the access number is not ours');
  return newSession(event, accessPolicy(access));
}
