import { readdir, readFile } from 'node:fs/promises';
import { Pool, type PoolClient, type PoolConfig, types } from 'pg';
import { traceQueries } from './postgres-traced.ts';
import type { AttributeValue } from './telemetry/conventions.ts';

export type { Pool, PoolClient };

const INT8 = 20;
const NUMERIC = 1700;

/**
 * Connection pool whose int8 (and whole numeric) values are bigint. An idle client's error is not the process's end.
 * `traced`: the schema under whose name statements that belong to a trace are told.
 */
export function createPool(
  url: string,
  { traced, ...options }: PoolConfig & { traced?: AttributeValue<'db.namespace'> } = {},
): Pool {
  const pool = new Pool({
    connectionString: url,
    max: 8,
    keepAlive: true,
    connectionTimeoutMillis: 5_000,
    types: {
      getTypeParser: ((oid: number, format: 'text' | 'binary') =>
        (oid === INT8 || oid === NUMERIC) && format !== 'binary'
          ? (text: string) => (/^-?\d+$/.test(text) ? BigInt(text) : text)
          : types.getTypeParser(oid, format)) as typeof types.getTypeParser,
    },
    ...options,
  });
  // A backend that was killed while its client sat idle: the pool drops the client, the next query gets another one.
  pool.on('error', () => {});
  if (traced) traceQueries(pool, traced);
  return pool;
}

/** Runs `work` in one transaction: COMMIT when it returns, ROLLBACK when it throws (the error goes on). */
export async function transaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: Error) => {
      broken ??= rollbackError;
    });
    throw error;
  } finally {
    client.removeListener('error', onError);
    client.release(broken);
  }
}

/**
 * Applies the plain SQL files `NNN-name.sql` of a directory to one schema, each once, in order, in one transaction, under
 * an advisory lock, so that several processes may start at once.
 * @throws Error when a file that was applied has changed since.
 */
export async function migrate(pool: Pool, directory: URL, schema: string): Promise<void> {
  if (!/^[a-z_]+$/.test(schema)) throw new Error(`not a schema name: ${schema}`);
  const files = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  await transaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`ringback:migrate:${schema}`]);
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await client.query(`SET LOCAL search_path TO ${schema}`);
    await client.query(
      'CREATE TABLE IF NOT EXISTS migration (name text PRIMARY KEY, sql text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())',
    );
    const applied = new Map(
      (await client.query<{ name: string; sql: string }>('SELECT name, sql FROM migration')).rows.map((row) => [
        row.name,
        row.sql,
      ]),
    );
    for (const name of files) {
      const sql = await readFile(new URL(name, directory), 'utf8');
      const before = applied.get(name);
      if (before === sql) continue;
      if (before !== undefined) throw new Error(`migration ${schema}/${name} was applied with another text`);
      await client.query(sql);
      await client.query('INSERT INTO migration (name, sql) VALUES ($1, $2)', [name, sql]);
    }
  });
}
