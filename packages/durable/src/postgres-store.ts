import type { Pool } from 'pg';
import { int4Array, int8Array, textArray } from './binary-array.ts';
import type { Batch, CommitResult, Lease, Row, Store } from './ports.ts';

/** Directory of the SQL files that make the loop's tables, for the owner's schema. */
export const DURABLE_MIGRATIONS = new URL('../migrations/', import.meta.url);

/** SQLSTATE raised by `require_fence`. */
const STALE = 'RB001';

const LEASE_COLUMNS = 'shard, epoch, stream, cursor, sources';

interface LeaseRow {
  shard: number;
  epoch: bigint;
  stream: string;
  cursor: bigint;
  sources: string;
}

const toLease = (row: LeaseRow): Lease => ({
  shard: row.shard,
  epoch: Number(row.epoch),
  stream: row.stream,
  cursor: Number(row.cursor),
  sources: JSON.parse(row.sources),
});

/** The store on PostgreSQL; its tables stand in `schema`. */
export class PostgresStore implements Store {
  readonly #pool: Pool;
  readonly #schema: string;
  readonly #shards: number;
  readonly #commitSql: string;

  constructor(pool: Pool, schema: string, shards: number) {
    if (!/^[a-z_]+$/.test(schema)) throw new Error(`not a schema name: ${schema}`);
    this.#pool = pool;
    this.#schema = schema;
    this.#shards = shards;
    this.#commitSql = commitStatement(schema);
  }

  async heartbeat(owner: string, ttlMs: number): Promise<number> {
    const s = this.#schema;
    const { rows } = await this.#pool.query<{ alive: bigint }>(
      `WITH mine AS (
         INSERT INTO ${s}.member (id, expires_at) VALUES ($1, clock_timestamp() + $2 * interval '1 ms')
         ON CONFLICT (id) DO UPDATE SET expires_at = excluded.expires_at
       ), gone AS (
         DELETE FROM ${s}.member WHERE expires_at < clock_timestamp() - interval '1 hour'
       )
       SELECT 1 + count(*) AS alive FROM ${s}.member WHERE id <> $1 AND expires_at > clock_timestamp()`,
      [owner, ttlMs],
    );
    return Number(rows[0]?.alive ?? 1);
  }

  async claim(owner: string, limit: number): Promise<Lease[]> {
    const s = this.#schema;
    await this.#pool.query(`INSERT INTO ${s}.shard (shard) SELECT generate_series(0, $1 - 1) ON CONFLICT DO NOTHING`, [
      this.#shards,
    ]);
    const { rows } = await this.#pool.query<LeaseRow>(
      `UPDATE ${s}.shard SET owner = $1, epoch = epoch + 1
       WHERE shard IN (
         SELECT shard FROM ${s}.shard AS free
         WHERE owner IS NULL OR (owner <> $1 AND NOT EXISTS (
           SELECT 1 FROM ${s}.member WHERE id = free.owner AND expires_at > clock_timestamp()))
         ORDER BY shard LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING ${LEASE_COLUMNS}`,
      [owner, limit],
    );
    return rows.map(toLease);
  }

  async owned(owner: string): Promise<Lease[]> {
    const { rows } = await this.#pool.query<LeaseRow>(
      `SELECT ${LEASE_COLUMNS} FROM ${this.#schema}.shard WHERE owner = $1 ORDER BY shard`,
      [owner],
    );
    return rows.map(toLease);
  }

  async release(owner: string, shards?: number[]): Promise<void> {
    const s = this.#schema;
    if (shards) {
      await this.#pool.query(`UPDATE ${s}.shard SET owner = NULL WHERE owner = $1 AND shard = ANY($2)`, [
        owner,
        shards,
      ]);
      return;
    }
    await this.#pool.query(
      `WITH freed AS (UPDATE ${s}.shard SET owner = NULL WHERE owner = $1) DELETE FROM ${s}.member WHERE id = $1`,
      [owner],
    );
  }

  async loadOpen(shards: number[]): Promise<Row[]> {
    const { rows } = await this.#pool.query(
      `SELECT id, shard, key, version, body, created_at_us FROM ${this.#schema}.session
       WHERE closed_at_us IS NULL AND shard = ANY($1)`,
      [shards],
    );
    return rows.map((row) => ({ ...row, createdAtUs: Number(row.created_at_us), closedAtUs: null }));
  }

  async loadRecent(shards: number[], sinceUs: number): Promise<{ key: string; closedAtUs: number }[]> {
    const { rows } = await this.#pool.query(
      `SELECT key, max(closed_at_us) AS closed_at_us FROM ${this.#schema}.session
       WHERE closed_at_us >= $2 AND shard = ANY($1) GROUP BY key`,
      [shards, sinceUs],
    );
    return rows.map(({ key, closed_at_us }) => ({ key, closedAtUs: Number(closed_at_us) }));
  }

  async commit({ owner, leases, rows, facts, parked }: Batch): Promise<CommitResult> {
    const pluck = <T, K extends keyof T>(items: T[], key: K): T[K][] => items.map((item) => item[key]);
    try {
      await this.#pool.query({
        name: `${this.#schema}-durable-commit`,
        text: this.#commitSql,
        values: [
          owner,
          leases.length,
          int4Array(pluck(leases, 'shard')),
          int8Array(pluck(leases, 'epoch')),
          textArray(pluck(leases, 'stream')),
          int8Array(pluck(leases, 'cursor')),
          textArray(leases.map(({ sources }) => JSON.stringify(sources))),
          textArray(pluck(rows, 'id')),
          int4Array(pluck(rows, 'shard')),
          textArray(pluck(rows, 'key')),
          int4Array(pluck(rows, 'version')),
          textArray(pluck(rows, 'body')),
          int8Array(pluck(rows, 'createdAtUs')),
          int8Array(pluck(rows, 'closedAtUs')),
          int4Array(pluck(facts, 'shard')),
          textArray(pluck(facts, 'body')),
          pluck(parked, 'id'),
          int4Array(pluck(parked, 'shard')),
          int8Array(pluck(parked, 'atUs')),
          textArray(pluck(parked, 'source')),
          textArray(pluck(parked, 'kind')),
          textArray(pluck(parked, 'sessionId')),
          textArray(pluck(parked, 'error')),
        ],
      });
      return { is: 'ok' };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      const code = (error as { code?: unknown }).code;
      if (code === STALE) return { is: 'stale' };
      if (typeof code === 'string' && /^(22|23)/.test(code)) return { is: 'refused', error };
      return { is: 'unknown', error };
    }
  }
}

/** One statement, one round trip: fence, cursors, sessions, facts, parked events. */
function commitStatement(s: string): string {
  return `
WITH fence AS (
  UPDATE ${s}.shard AS t SET stream = f.stream, cursor = f.cursor, sources = f.sources
  FROM unnest($3::int[], $4::int8[], $5::text[], $6::int8[], $7::text[]) AS f (shard, epoch, stream, cursor, sources)
  WHERE t.shard = f.shard AND t.owner = $1::uuid AND t.epoch = f.epoch
  RETURNING 1
), checked AS (
  SELECT ${s}.require_fence(count(*) = $2::int) AS held FROM fence
), sessions AS (
  INSERT INTO ${s}.session (id, shard, key, version, body, created_at_us, closed_at_us)
  SELECT r.* FROM checked,
    unnest($8::text[], $9::int[], $10::text[], $11::int[], $12::text[], $13::int8[], $14::int8[]) AS r
  WHERE held
  ON CONFLICT (id) DO UPDATE
    SET version = excluded.version, body = excluded.body, closed_at_us = excluded.closed_at_us
), facts AS (
  INSERT INTO ${s}.outbox (shard, body)
  SELECT r.* FROM checked, unnest($15::int[], $16::text[]) AS r WHERE held
), quarantined AS (
  INSERT INTO ${s}.parked (id, shard, at_us, source, kind, session_id, error)
  SELECT r.* FROM checked,
    unnest($17::uuid[], $18::int[], $19::int8[], $20::text[], $21::text[], $22::text[], $23::text[]) AS r
  WHERE held
)
SELECT held FROM checked`;
}
