import { counter, histogram, type Labels, observe, RESULTS } from '@ringback/service-kit';
import type { Leg, Session } from '../domain/model.ts';
import { type CallFact, statusLabel } from './call-facts.ts';

const SECOND_US = 1_000_000;

/** The instruments of calls; made when the service starts. */
export function callMetrics(sessions: () => Iterable<Session>): (session: Session, facts: readonly CallFact[]) => void {
  const started = counter('ringback.call.started');
  const attempts = counter('ringback.call.attempts');
  const answeredTime = counter('ringback.call.answered_time');
  const responses = counter('ringback.sip.final_responses');
  const postDialDelay = histogram('ringback.call.post_dial_delay');
  const triggerToInvite = histogram('ringback.callback.trigger_to_invite');
  const lateness = histogram('ringback.callback.lateness');
  const ended = counter('ringback.session.ended');
  observeCallsUp(sessions);

  /** Every result of a new combination at 0, so that its first end is an increase. */
  const begun = new Set<string>();
  const begin = (leg: Labels<'ringback.call.answered_time'>): void => {
    const key = Object.values(leg).join(' ');
    if (begun.has(key)) return;
    begun.add(key);
    answeredTime.add(0, leg);
    for (const result of RESULTS) attempts.add(0, { ...leg, 'call.result': result });
  };

  return ({ access }, facts) => {
    const number = { 'call.access_number': access.number };
    for (const fact of facts) {
      switch (fact.is) {
        case 'started': {
          const leg = { ...number, 'call.leg_role': fact.role, 'call.trunk_id': fact.trunkId };
          started.add(1, leg);
          if (fact.role !== 'trigger') begin(leg);
          break;
        }
        case 'progress':
          postDialDelay.record(fact.afterUs / SECOND_US, {
            'call.leg_role': fact.role,
            'call.trunk_id': fact.trunkId,
          });
          break;
        case 'placed':
          triggerToInvite.record(fact.afterTriggerUs / SECOND_US, number);
          lateness.record(fact.lateUs / SECOND_US, number);
          break;
        case 'over': {
          const leg = { 'call.leg_role': fact.role, 'call.trunk_id': fact.trunkId };
          attempts.add(1, { ...number, ...leg, 'call.result': fact.result });
          if (fact.answeredUs > 0) answeredTime.add(fact.answeredUs / SECOND_US, { ...number, ...leg });
          if (fact.sipStatus > 0) responses.add(1, { ...leg, 'sip.status_code': statusLabel(fact.sipStatus) });
          break;
        }
        case 'session_ended':
          ended.add(1, { ...number, 'call.result': fact.result });
      }
    }
  };
}

interface Series {
  role: Leg['role'];
  trunkId: string;
  accessNumber: string;
  up: number;
}

/** Legs that are answered, by role, trunk and access number; what there was once is told as 0 from then on. */
function observeCallsUp(sessions: () => Iterable<Session>): void {
  const seen = new Map<string, Series>();
  observe('ringback.call.up', (tell) => {
    for (const series of seen.values()) series.up = 0;
    for (const { legs, access } of sessions()) {
      for (const { status, role, trunkId } of legs) {
        if (status !== 'up') continue;
        const key = [role, trunkId, access.number].join(' ');
        const series = seen.get(key) ?? { role, trunkId, accessNumber: access.number, up: 0 };
        series.up += 1;
        seen.set(key, series);
      }
    }
    for (const { role, trunkId, accessNumber, up } of seen.values()) {
      tell(up, { 'call.leg_role': role, 'call.trunk_id': trunkId, 'call.access_number': accessNumber });
    }
  });
}
