import { after, before } from 'node:test';
import { DURABLE_MIGRATIONS, PostgresStore } from '@ringback/durable';
import { storeContract } from '@ringback/durable/testing';
import { createPool, migrate, type Pool } from '@ringback/service-kit';
import { type TestDatabase, testDatabase } from '@ringback/service-kit/testing';

let database: TestDatabase;
let pool: Pool;
let schemas = 0;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
});
after(async () => {
  await pool.end();
  await database.close();
});

storeContract('PostgreSQL', async (shards) => {
  const schema = `store_${'abcdefghijklmnopqrstuvwxyz'[schemas++]}`;
  await migrate(pool, DURABLE_MIGRATIONS, schema);
  return {
    store: new PostgresStore(pool, schema, shards),
    async expire(owner) {
      await pool.query(`UPDATE ${schema}.member SET expires_at = clock_timestamp() - interval '1 s' WHERE id = $1`, [
        owner,
      ]);
    },
  };
});
