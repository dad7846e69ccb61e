import { sw } from '@ringback/contracts';
import type { Agent } from './agent.ts';
import type { JournalRecord, JournalState } from './journal/records.ts';
import type { Publisher } from './publisher.ts';

/** PostgreSQL has these events: what the journal is told, so that it may forget them. */
export function confirmedBy(progress: sw.SourceProgress, state: JournalState): JournalRecord[] {
  if (progress.run !== state.run) return [];
  return progress.shards
    .filter(({ shard, seq }) => Number(seq) > (state.shards.get(shard)?.confirmed ?? Number.MAX_SAFE_INTEGER))
    .map(({ shard, seq }) => ({
      k: 'confirmed' as const,
      shard,
      seq: Math.min(Number(seq), state.shard(shard).seq),
    }));
}

/** A reader noticed a gap: what is held of these shards is told again. */
export function publishAgain(request: sw.RepublishRequest, state: JournalState, publisher: Publisher): void {
  if (request.run !== '' && request.run !== state.run) return;
  for (const shard of request.shards) if (state.shards.has(shard)) publisher.again(shard);
}

/** What the agent says of its switch, once a second and at each change. */
export function statusOf(
  agent: Agent,
  state: JournalState,
  about: { switchId: string; sipAddress: string; maxSessions: number; nowUs: number },
): sw.SwitchStatus {
  const State = sw.SwitchStatus_State;
  return {
    switchId: about.switchId,
    coreUuid: agent.link.core,
    state: !agent.link.ready ? State.DISCONNECTED : agent.draining ? State.DRAINING : State.ACTIVE,
    sipAddress: about.sipAddress,
    sessions: agent.legs.count,
    maxSessions: about.maxSessions,
    atUs: BigInt(about.nowUs),
    run: state.run,
    version: agent.link.version,
    legsBegun: BigInt(state.begun),
  };
}
