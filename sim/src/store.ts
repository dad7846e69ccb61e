import type { Batch, CommitResult, Lease, Row, Store } from '@ringback/durable';

interface ShardRow {
  owner: string | undefined;
  lease: Lease;
}

/** Is told of what was committed, before anybody is answered. */
export type Committed = (batch: Batch) => void;

const copy = (lease: Lease): Lease => ({ ...lease, sources: { ...lease.sources } });

/** Text that PostgreSQL would not take (SQLSTATE 22021). */
const refused = (batch: Batch): boolean =>
  batch.rows.some(({ id, key, body }) => [id, key, body].some((text) => text.includes('\u0000')));

/** What PostgreSQL holds for the loop. Each method is one transaction; it passes the same tests as the real one. */
export class Database {
  readonly #nowUs: () => number;
  readonly #shards: ShardRow[] = [];
  readonly #members = new Map<string, number>();
  readonly #open = new Map<string, Row>();
  readonly #closed = new Map<string, { shard: number; closedAtUs: number }>();
  readonly #committed: Committed;

  constructor(nowUs: () => number, shards: number, committed: Committed = () => {}) {
    this.#nowUs = nowUs;
    this.#committed = committed;
    for (let shard = 0; shard < shards; shard += 1) {
      this.#shards.push({ owner: undefined, lease: { shard, epoch: 0, stream: '', cursor: 0, sources: {} } });
    }
  }

  #alive(owner: string): boolean {
    return (this.#members.get(owner) ?? 0) > this.#nowUs();
  }

  /** Sessions that are open. */
  get open(): ReadonlyMap<string, Row> {
    return this.#open;
  }

  epochOf(shard: number): number {
    return this.#shards[shard]!.lease.epoch;
  }

  heartbeat(owner: string, ttlMs: number): number {
    this.#members.set(owner, this.#nowUs() + ttlMs * 1000);
    return [...this.#members.keys()].filter((id) => this.#alive(id)).length;
  }

  /** A lease that ran out, for tests of the takeover. */
  expire(owner: string): void {
    this.#members.set(owner, this.#nowUs());
  }

  claim(owner: string, limit: number): Lease[] {
    const free = this.#shards.filter((row) => !row.owner || (row.owner !== owner && !this.#alive(row.owner)));
    return free.slice(0, limit).map((row) => {
      row.owner = owner;
      row.lease = { ...row.lease, epoch: row.lease.epoch + 1 };
      return copy(row.lease);
    });
  }

  owned(owner: string): Lease[] {
    return this.#shards.filter((row) => row.owner === owner).map(({ lease }) => copy(lease));
  }

  release(owner: string, shards?: readonly number[]): void {
    for (const row of this.#shards) {
      if (row.owner === owner && (!shards || shards.includes(row.lease.shard))) row.owner = undefined;
    }
    if (!shards) this.#members.delete(owner);
  }

  loadOpen(shards: readonly number[]): Row[] {
    const wanted = new Set(shards);
    return [...this.#open.values()].filter(({ shard }) => wanted.has(shard)).map((row) => ({ ...row }));
  }

  loadRecent(shards: readonly number[], sinceUs: number): { key: string; closedAtUs: number }[] {
    const wanted = new Set(shards);
    return [...this.#closed]
      .filter(([, { shard, closedAtUs }]) => wanted.has(shard) && closedAtUs >= sinceUs)
      .map(([key, { closedAtUs }]) => ({ key, closedAtUs }));
  }

  commit(batch: Batch): CommitResult {
    for (const { shard, epoch } of batch.leases) {
      const row = this.#shards[shard];
      if (row?.owner !== batch.owner || row.lease.epoch !== epoch) return { is: 'stale' };
    }
    if (refused(batch)) return { is: 'refused', error: new Error('invalid byte sequence for encoding "UTF8": 0x00') };
    this.#committed(batch);
    for (const lease of batch.leases) this.#shards[lease.shard]!.lease = copy(lease);
    for (const row of batch.rows) {
      if (row.closedAtUs === null) {
        this.#open.set(row.id, { ...row });
        continue;
      }
      this.#open.delete(row.id);
      const last = this.#closed.get(row.key)?.closedAtUs ?? 0;
      this.#closed.set(row.key, { shard: row.shard, closedAtUs: Math.max(last, row.closedAtUs) });
    }
    return { is: 'ok' };
  }
}

/** How one process reaches the database: when its transactions run, and what it hears of them. */
export interface Connection {
  run<T>(transaction: () => T): Promise<T>;
  commit(transaction: () => CommitResult): Promise<CommitResult>;
}

export function storeOver(database: Database, connection: Connection): Store {
  return {
    heartbeat: (owner, ttlMs) => connection.run(() => database.heartbeat(owner, ttlMs)),
    claim: (owner, limit) => connection.run(() => database.claim(owner, limit)),
    owned: (owner) => connection.run(() => database.owned(owner)),
    release: (owner, shards) => connection.run(() => database.release(owner, shards)),
    loadOpen: (shards) => connection.run(() => database.loadOpen(shards)),
    loadRecent: (shards, sinceUs) => connection.run(() => database.loadRecent(shards, sinceUs)),
    commit: (batch) => connection.commit(() => database.commit(batch)),
  };
}
