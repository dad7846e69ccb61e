import type { Result } from './model.ts';
import type { Turn } from './turn.ts';

/** The one way a session ends; idempotent. Every leg that is up is hung up; it closes when all are settled. */
export function finish(turn: Turn, result: Result, reason: string): void {
  const { s } = turn;
  if (s.phase !== 'ending') {
    s.phase = 'ending';
    s.result = result;
    s.reason = reason;
    for (const name of ['callback', 'warn', 'extend'] as const) turn.timer(name, undefined);
  }
  for (const leg of s.legs) {
    if (leg.status === 'new') turn.settle(leg, 'cancelled', reason);
    else if (leg.status !== 'ended' && leg.endedBy === '') {
      turn.hangup(leg, leg.role === 'trigger' ? s.access.rejectCause : 'NORMAL_CLEARING', 'dialogue');
    }
  }
  closeWhenSettled(turn);
}

export function closeWhenSettled(turn: Turn): void {
  const { s } = turn;
  if (s.phase !== 'ending' || s.legs.some(({ settlement }) => settlement !== 'done')) return;
  turn.closed = true;
  turn.facts.push({ fact: 'session_ended', sessionId: turn.context.sessionId, result: s.result, reason: s.reason });
}
