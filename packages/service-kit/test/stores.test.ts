import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { jetstreamManager } from '@nats-io/jetstream';
import {
  connectNats,
  createPool,
  ensureStreams,
  loggable,
  migrate,
  type Pool,
  transaction,
} from '@ringback/service-kit';
import { type TestDatabase, testDatabase, testNats } from '@ringback/service-kit/testing';

let database: TestDatabase;
let pool: Pool;
let directory: string;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
  directory = await mkdtemp(join(tmpdir(), 'migrations-'));
});
after(async () => {
  await pool.end();
  await database.close();
  await rm(directory, { recursive: true });
});

test('migrations run once, in order, also when two processes start at once; a changed one is refused', async () => {
  const url = pathToFileURL(`${directory}/`);
  await writeFile(join(directory, '001-first.sql'), 'CREATE TABLE thing (id int8)');
  await writeFile(join(directory, '002-second.sql'), 'INSERT INTO thing VALUES (9007199254740993)');
  await Promise.all([migrate(pool, url, 'demo'), migrate(pool, url, 'demo')]);
  assert.deepEqual((await pool.query('SELECT id FROM demo.thing')).rows, [{ id: 9007199254740993n }]);
  await writeFile(join(directory, '001-first.sql'), 'SELECT 1');
  await assert.rejects(migrate(pool, url, 'demo'), /demo\/001-first.sql was applied with another text/);
});

test('a transaction that throws leaves nothing', async () => {
  await pool.query('CREATE TABLE t (id int)');
  await assert.rejects(
    transaction(pool, async (client) => {
      await client.query('INSERT INTO t VALUES (1)');
      throw new Error('no');
    }),
    /no/,
  );
  assert.equal((await pool.query('SELECT count(*) FROM t')).rows[0].count, 0n);
});

test('an error of the database is logged without what it refused', async () => {
  await pool.query('CREATE TABLE caller (number text PRIMARY KEY, count int8)');
  const add = "INSERT INTO caller VALUES ('+48601000001', 1)";
  await pool.query(add);
  for (const [statement, code] of [
    [add, '23505'],
    ["SELECT '+48601000001x'::int8", '22P02'],
    ["UPDATE caller SET count = ('9' || '48601000001000000000')::int8", '22003'],
  ] as const) {
    const error = await pool.query(statement).then(
      () => assert.fail('was taken'),
      (thrown: unknown) => thrown,
    );
    const logged = loggable(error) as { code: string; message: string };
    assert.equal(logged.code, code);
    assert.doesNotMatch(JSON.stringify(logged), /601000/);
    assert.ok(logged.message.length > 20, logged.message);
  }
  assert.equal(loggable('no such caller as +48601000001'), 'no such caller as +…');
});

test('streams are made once and found again after a restart of the server', async (t) => {
  const nats = await testNats();
  const connection = await connectNats({ url: nats.url, name: 'test' });
  t.after(async () => {
    await connection.close();
    await nats.close();
  });
  await ensureStreams(await jetstreamManager(connection));
  const reconnected = (async () => {
    for await (const { type } of connection.status()) if (type === 'reconnect') return;
  })();
  await nats.restart();
  await reconnected;
  const manager = await jetstreamManager(connection);
  await ensureStreams(manager);
  const names: string[] = [];
  for await (const { config } of manager.streams.list()) names.push(config.name);
  assert.deepEqual(names.sort(), ['EVENTS', 'FACTS', 'SPANS']);
});
