import { dialer } from '@ringback/contracts';
import type { HistoryEntry } from '@ringback/durable';
import { traceIdOf } from '@ringback/service-kit';
import type { Session } from '../domain/model.ts';

const us = (value: number): bigint => BigInt(Math.round(value));

/** A session as people and tools see it. */
export function viewSession(
  { id, shard, createdAtUs }: { id: string; shard: number; createdAtUs: number },
  s: Session,
  closedAtUs: number | null,
): dialer.SessionView {
  return {
    id,
    shard,
    state: closedAtUs === null ? s.phase : 'ended',
    accessNumber: s.access.number,
    callerId: s.callerId,
    accountNumber: s.account?.number ?? '',
    switchId: s.legs.find((leg) => leg.id === s.a)?.switchId ?? s.legs.at(-1)?.switchId ?? '',
    createdAtUs: us(createdAtUs),
    endedAtUs: us(closedAtUs ?? 0),
    result: closedAtUs === null ? '' : s.result,
    reason: closedAtUs === null ? '' : s.reason,
    traceId: traceIdOf(s.traceparent),
    legs: s.legs.map((leg) => ({
      legId: leg.id,
      role: leg.role,
      status: leg.status,
      number: leg.number,
      trunkId: leg.trunkId,
      switchId: leg.switchId,
      createdAtUs: us(leg.createdUs),
      answeredAtUs: us(leg.answeredUs),
      endedAtUs: us(leg.endedUs),
      cause: leg.cause,
    })),
  };
}

export const viewHistory = (history: HistoryEntry[]): dialer.HistoryEntry[] =>
  history.map(({ atUs, event, from, to, legId }) => ({
    atUs: us(atUs),
    event,
    fromState: from,
    toState: to,
    legId: legId ?? '',
  }));
