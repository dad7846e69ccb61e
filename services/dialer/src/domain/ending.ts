import { settleEnded } from './legs.ts';
import type { Result, Session } from './model.ts';
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
    // B had ended, and waited for A's return that does not come any more.
    else if (leg.status === 'ended' && leg.settlement === 'none' && leg.role !== 'trigger') settleEnded(turn, leg);
    // A trigger that waited for the decision about it, which is made now.
    else if (leg.status === 'ended') turn.settle(leg, 'success', leg.endedBy);
    else if (leg.endedBy === '') {
      turn.hangup(leg, leg.role === 'trigger' ? s.access.rejectCause : 'NORMAL_CLEARING', 'dialogue');
    }
  }
}

/** Everything is hung up and settled: nothing is left to wait for. */
export const isOver = ({ phase, legs }: Session): boolean =>
  phase === 'ending' && legs.every(({ settlement }) => settlement === 'done');
