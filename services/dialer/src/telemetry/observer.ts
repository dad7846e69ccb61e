import type { Committed, Loop, Observer } from '@ringback/durable';
import { about, counter, histogram, type Logger, nowUs, observe, recordSpan } from '@ringback/service-kit';
import type { SessionEvent } from '../domain/events.ts';
import type { Effect, Session } from '../domain/model.ts';
import { callFacts } from './call-facts.ts';
import { callMetrics } from './call-metrics.ts';
import { stepSpan } from './trace-step.ts';

export type SessionLoop = Loop<Session, SessionEvent, Effect>;

function* statesOf(loop: SessionLoop): Iterable<Session> {
  for (const { state } of loop.sessions()) yield state;
}

/** What the loop tells of itself, as metrics, spans and log lines: of what is committed, and of nothing else. */
export function observer(options: {
  log: Logger;
  /** Asked for when there is one. */
  loop: () => SessionLoop;
  fatal: (error: Error) => void;
  /** Facts may wait in the outbox. */
  committed: () => void;
}): Observer<Session, SessionEvent, Effect> {
  const { log, loop } = options;
  const inputs = counter('ringback.dialer.events');
  const commitTime = histogram('ringback.dialer.commit');
  const parkedEvents = counter('ringback.dialer.parked_events');
  const redeliveries = counter('ringback.bus.redeliveries');
  observe('ringback.dialer.open_sessions', (tell) => tell([...loop().sessions()].length));
  observe('ringback.dialer.shards', (tell) => tell(loop().shardCount));
  const count = callMetrics(() => statesOf(loop()));

  return {
    committed(batch: Committed<Session, SessionEvent, Effect>) {
      const endUs = Number(nowUs());
      inputs.add(batch.inputs);
      commitTime.record((endUs - batch.startedUs) / 1_000_000);
      if (batch.redelivered > 0) redeliveries.add(batch.redelivered);
      const times = { startUs: batch.startedUs, endUs, steps: batch.steps.length };
      for (const step of batch.steps) {
        const { before, state, entry, sessionId } = step;
        recordSpan(stepSpan(step, times));
        const ended = entry.to === 'ended' && entry.from !== 'ended';
        const facts = callFacts(before, state, ended);
        if (facts.length > 0) count(state, facts);
        if (!before) log.info(about(sessionId, state.traceparent), 'session began');
        if (ended) {
          const { result, reason } = state;
          log.info({ ...about(sessionId, state.traceparent), result, reason }, 'session ended');
        }
      }
      options.committed();
    },
    parked({ shard, source, kind, sessionId, error }) {
      parkedEvents.add(1);
      const session = loop().session(sessionId);
      const ids = session ? about(sessionId, session.state.traceparent) : { told_session_id: sessionId };
      log.warn({ shard, source, kind, ...ids, err: error }, 'an event was parked');
    },
    note: (level, message, fields) => log[level](fields, message),
    fatal: options.fatal,
  };
}
