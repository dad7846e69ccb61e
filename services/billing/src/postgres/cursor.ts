import type { Pool, PoolClient } from '@ringback/service-kit';

const ROWS = 2_000;

/** One moment's view of the database, for reading; the client goes back to its pool, or away when anything failed. */
export async function* snapshot<T>(pool: Pool, read: (client: PoolClient) => AsyncIterable<T>): AsyncGenerator<T> {
  const client = await pool.connect();
  let failed = true;
  // Without a listener an error between two statements would end the process; the next statement throws as well.
  const onError = (): void => {};
  client.on('error', onError);
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    yield* read(client);
    await client.query('COMMIT');
    failed = false;
  } finally {
    client.removeListener('error', onError);
    // Also when the reader left early: closing the connection ends the transaction.
    client.release(failed);
  }
}

/** Rows of a query as they come, some thousand at a time, never all in memory. */
export const cursor = <Row extends object>(
  pool: Pool,
  sql: string,
  values: readonly unknown[],
): AsyncGenerator<Row[]> => snapshot(pool, (client) => fetchAll<Row>(client, sql, values));

export async function* fetchAll<Row extends object>(
  client: PoolClient,
  sql: string,
  values: readonly unknown[],
): AsyncGenerator<Row[]> {
  await client.query(`DECLARE found NO SCROLL CURSOR FOR ${sql}`, [...values]);
  for (;;) {
    const { rows } = await client.query<Row>(`FETCH ${ROWS} FROM found`);
    if (rows.length > 0) yield rows;
    if (rows.length < ROWS) break;
  }
  await client.query('CLOSE found');
}
