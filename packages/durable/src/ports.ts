import type { Address } from './machine.ts';

/** A shard as this process owns it: fencing epoch, and how far the stream was applied. */
export interface Lease {
  shard: number;
  epoch: number;
  /** Incarnation of the stream that `cursor` counts in; empty: none was read yet. */
  stream: string;
  /** Last stream sequence applied. */
  cursor: number;
  /** Last event number applied, by source incarnation. */
  sources: Record<string, number>;
}

export interface Row {
  id: string;
  shard: number;
  key: string;
  version: number;
  body: string;
  createdAtUs: number;
  /** null: open. */
  closedAtUs: number | null;
}

/** An event that no session could take, kept where an operator sees it. */
export interface Parked {
  id: string;
  shard: number;
  atUs: number;
  source: string;
  kind: string;
  sessionId: string;
  error: string;
}

export interface Batch {
  owner: string;
  leases: Lease[];
  rows: Row[];
  facts: { shard: number; body: string }[];
  parked: Parked[];
}

/**
 * - `ok`: committed.
 * - `stale`: another process owns a shard of the batch; nothing was written.
 * - `unknown`: the connection broke; the batch may be committed or not.
 * - `refused`: the data was refused (SQLSTATE 22, 23); nothing was written.
 */
export type CommitResult =
  | { is: 'ok' }
  | { is: 'stale' }
  | { is: 'unknown'; error: Error }
  | { is: 'refused'; error: Error };

export interface Store {
  /** Renews this process's lease for `ttlMs`; answers how many processes are alive. */
  heartbeat(owner: string, ttlMs: number): Promise<number>;
  /** Takes up to `limit` shards that nobody living owns, each with a higher epoch. */
  claim(owner: string, limit: number): Promise<Lease[]>;
  owned(owner: string): Promise<Lease[]>;
  /** Gives shards back; without `shards` all, and the process's lease as well. */
  release(owner: string, shards?: number[]): Promise<void>;
  loadOpen(shards: number[]): Promise<Row[]>;
  loadRecent(shards: number[], sinceUs: number): Promise<{ key: string; closedAtUs: number }[]>;
  commit(batch: Batch): Promise<CommitResult>;
}

/** One event as it came from the stream. */
export interface Sourced<E> {
  shard: number;
  /** Stream sequence of the message; the cursor moves to it once all its events are applied. */
  streamSeq: number;
  /** Last event of its message. */
  last: boolean;
  stream: string;
  /** Source incarnation ("switch-1/run"), and the number it gave the event. */
  source: string;
  /** 0: poison without a number. */
  seq: number;
  address: Address;
  kind: string;
  /** May an event with a key make a new session? */
  opens: boolean;
  event: E;
  /** It could not be read: it is parked with this reason. */
  poison?: string;
  /** Told to a session that is closed it is dropped, not parked. */
  mayBeLate?: boolean;
}

export interface Source<E> {
  /**
   * Reads on from the cursors of these leases until closed; a call replaces the reading before. Delivery waits for
   * `deliver` (backpressure).
   */
  read(leases: Lease[], deliver: (events: Sourced<E>[]) => Promise<void>): Promise<void>;
  /** A source's numbers had a gap: it is asked to publish again what it holds. */
  republish(source: string, shards: number[]): void;
  /** These numbers are durable; sources may forget them. */
  progress(leases: Lease[]): void;
  close(): Promise<void>;
}

/** What came of an attempt to perform an effect. */
export type Outcome<E> = { done: true; event?: E } | { done: false; retryAfterMs: number };

export interface Performer<E, X> {
  /** Must be idempotent by `id`; never throws for what can be tried again. */
  perform(effect: {
    id: string;
    body: X;
    sessionId: string;
    shard: number;
    epoch: number;
    attempt: number;
    giveUpAtUs: number;
  }): Promise<Outcome<E>>;
}

export interface Clock {
  nowUs(): number;
  newId(): string;
  /** Calls back after `ms`; answers a function that cancels. */
  after(ms: number, callback: () => void): () => void;
}
