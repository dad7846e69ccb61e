import { sw, switchProgressSubject, switchRepublishSubject } from '@ringback/contracts';
import type { Lease } from '@ringback/durable';

/** A stream as the server tells of it. */
export interface StreamState {
  /** When it was made: names its incarnation. */
  created: string;
  firstSeq: number;
  lastSeq: number;
}

export interface StreamPosition {
  /** Incarnation that sequences belong to from now on. */
  stream: string;
  /** Sequence to read from. */
  start: number;
  /** Events that were not read are gone. */
  lost: boolean;
  /** It is another one than was read before, or lost its tail: sources have to publish again. */
  renewed: boolean;
  /** Sources whose events were applied, with the shards where they were. */
  sources: Map<string, number[]>;
}

/** Where to read on, and in which incarnation of the stream. The position is ours: compared at each (re)connection. */
export function positionIn(
  { created, firstSeq, lastSeq }: StreamState,
  leases: Lease[],
  nowMs: number,
): StreamPosition {
  const head = Math.max(0, ...leases.filter(({ stream }) => stream === created).map(({ cursor }) => cursor));
  const replaced = leases.some(({ stream }) => stream !== '' && stream !== created);
  const shorter = lastSeq < head;
  const cursors = leases.map((lease) => (lease.stream === created && !shorter ? lease.cursor : 0));
  const start = Math.max(1, Math.min(...cursors) + 1);
  const sources = new Map<string, number[]>();
  for (const lease of leases) {
    for (const source of Object.keys(lease.sources)) sources.set(source, [...(sources.get(source) ?? []), lease.shard]);
  }
  return {
    // A stream that lost its tail gives the same numbers again: another incarnation, though created at the same time.
    stream: shorter ? `${created}/${nowMs}` : created,
    start,
    lost: firstSeq > start && lastSeq > 0 && head > 0,
    renewed: replaced || shorter,
    sources,
  };
}

/** Asks a source to publish again what it holds for these shards. */
export function republishRequest(source: string, shards: number[]): { subject: string; data: Uint8Array } {
  const [switchId = '', run = ''] = source.split('/');
  return { subject: switchRepublishSubject(switchId), data: sw.RepublishRequest.encode({ run, shards }).finish() };
}

/** Tells each source how far PostgreSQL has what it told. */
export function progressMessages(leases: Lease[]): { subject: string; data: Uint8Array }[] {
  const bySource = new Map<string, { shard: number; seq: bigint }[]>();
  for (const { shard, sources } of leases) {
    for (const [source, seq] of Object.entries(sources)) {
      const shards = bySource.get(source) ?? [];
      shards.push({ shard, seq: BigInt(seq) });
      bySource.set(source, shards);
    }
  }
  return [...bySource].map(([source, shards]) => {
    const [switchId = '', run = ''] = source.split('/');
    return { subject: switchProgressSubject(switchId), data: sw.SourceProgress.encode({ run, shards }).finish() };
  });
}
