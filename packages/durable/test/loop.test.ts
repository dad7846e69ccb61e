import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { decodeLive, DURABLE_MIGRATIONS, Loop, PostgresStore } from '@ringback/durable';
import { createPool, migrate, type Pool } from '@ringback/service-kit';
import { type TestDatabase, testDatabase } from '@ringback/service-kit/testing';
import { Agent, type CounterLoop, type CounterOptions, counterMachine, realClock, Stream, Watcher } from './toy.ts';

let database: TestDatabase;
let pool: Pool;
let schemas = 0;
/** Also those of a test that failed half-way: a loop that nobody stops keeps the process alive. */
let started: CounterLoop[] = [];

afterEach(async () => {
  for (const loop of started) await loop.stop();
  started = [];
});
before(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
});
after(async () => {
  await pool.end();
  await database.close();
});

interface World {
  schema: string;
  stream: Stream;
  agent: Agent;
  start(
    fields?: Partial<CounterOptions>,
  ): Promise<{ loop: CounterLoop; watch: Watcher; source: ReturnType<Stream['source']> }>;
  /** State as it is committed, by key. */
  stored(key: string): Promise<{ count: number; told: number; owed: unknown[]; closed: boolean } | undefined>;
}

async function world(shards = 4): Promise<World> {
  const schema = `loop_${'abcdefghijklmnopqrstuvwxyz'[schemas++]}`;
  await migrate(pool, DURABLE_MIGRATIONS, schema);
  const stream = new Stream();
  const agent = new Agent();
  return {
    schema,
    stream,
    agent,
    async start(fields = {}) {
      const watch = new Watcher();
      const source = stream.source();
      const loop: CounterLoop = new Loop({
        machine: counterMachine,
        store: new PostgresStore(pool, schema, shards),
        source,
        performer: agent,
        clock: realClock,
        owner: crypto.randomUUID(),
        sessionId: (shard, id) => `${shard}-${id}`,
        shards,
        leaseTtlMs: 300,
        heartbeatMs: 50,
        recentUs: 60_000_000,
        maxBatch: 100,
        observe: watch,
        ...fields,
      });
      started.push(loop);
      await loop.start();
      return { loop, watch, source };
    },
    async stored(key) {
      const [row] = await database.query(
        `SELECT body, closed_at_us FROM ${schema}.session WHERE key = $1 ORDER BY created_at_us DESC`,
        [key],
      );
      if (!row) return undefined;
      const live = decodeLive(counterMachine, {
        id: '',
        shard: 0,
        key,
        version: 1,
        body: String(row.body),
        createdAtUs: 0,
      });
      return { ...live.state, owed: live.owed, closed: row.closed_at_us !== null };
    },
  };
}

const stateOf = (loop: CounterLoop, key: string) => [...loop.sessions()].find((live) => live.key === key)?.state;

describe('the loop', () => {
  test('applies every event once, whatever is told twice, and performs what is owed', async () => {
    const { stream, agent, start, stored } = await world();
    const { loop, watch } = await start();
    for (const seq of [1, 2, 2, 1, 3]) stream.publish(1, seq, 'count');
    await watch.until(() => stateOf(loop, 'k1')?.told === 3);
    assert.deepEqual([...agent.performed.values()], [1, 2, 3]);
    await loop.stop();
    assert.deepEqual(await stored('k1'), { count: 3, told: 3, owed: [], closed: false });
  });

  test('a gap is not jumped over: the source is asked to tell it again', async () => {
    const { stream, start } = await world();
    const { loop, watch, source } = await start();
    stream.publish(1, 1, 'count');
    stream.publish(1, 3, 'count');
    await watch.until(() => source.republished.length > 0);
    assert.deepEqual(source.republished, [['s/1', [1]]]);
    for (const seq of [1, 2, 3]) stream.publish(1, seq, 'count');
    await watch.until(() => stateOf(loop, 'k1')?.told === 3);
    assert.equal(stateOf(loop, 'k1')?.count, 3);
    await loop.stop();
  });

  test('a process that dies is followed by one that goes on where it was: nothing lost, nothing twice', async () => {
    const { stream, agent, start, stored } = await world();
    // It never beats again after its start, so nothing renews its lease once that is over.
    const first = await start({ leaseTtlMs: 3_600_000, heartbeatMs: 3_600_000 });
    stream.publish(1, 1, 'count');
    await first.watch.until(() => stateOf(first.loop, 'k1')?.told === 1);
    // The effect is under way when the process dies: its outcome is never heard of.
    agent.gate = new Promise(() => {});
    stream.publish(1, 2, 'count');
    await first.watch.until(() => stateOf(first.loop, 'k1')?.count === 2);
    const dead = first.loop as unknown as { stop(): Promise<void> };
    await database.query('SELECT 1');
    agent.gate = Promise.resolve();
    const owed = (await stored('k1'))?.owed as { id: string }[];
    assert.equal(owed.length, 1);
    // Not stopped: it dies by losing its shards, as one that was stopped with SIGSTOP does.
    await database.query(`UPDATE loop_c.member SET expires_at = now() - interval '1 s'`);
    const second = await start({ heartbeatMs: 20 });
    // What was owed is performed because it is owed: nothing else happens to that session.
    await second.watch.until(() => stateOf(second.loop, 'k1')?.told === 2);
    stream.publish(1, 3, 'count');
    await second.watch.until(() => stateOf(second.loop, 'k1')?.told === 3);
    const repeated = agent.attempts.filter(({ id }) => id === owed[0]!.id);
    assert.equal(repeated.length, 2, 'performed again, under the same id');
    assert.ok(repeated[1]!.epoch > repeated[0]!.epoch);
    await dead.stop();
    await second.loop.stop();
    assert.deepEqual(await stored('k1'), { count: 3, told: 3, owed: [], closed: false });
  });

  test('one that is stopped while it loads again stops', async () => {
    const { start, stream, schema } = await world();
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    class Slow extends PostgresStore {
      slow = false;
      override async owned(owner: string) {
        if (this.slow) {
          asked.resolve();
          await gate.promise;
        }
        return super.owned(owner);
      }
    }
    const store = new Slow(pool, schema, 4);
    const { loop } = await start({ store, heartbeatMs: 3_600_000 });
    store.slow = true;
    // Its next commit is refused, so that it has to load.
    await database.query(`UPDATE ${schema}.shard SET epoch = epoch + 1`);
    stream.publish(1, 1, 'count');
    await asked.promise;
    const stopped = loop.stop();
    gate.resolve();
    await stopped;
    const [left] = await database.query(`SELECT count(*)::int AS shards FROM ${schema}.shard WHERE owner IS NOT NULL`);
    assert.equal(left?.shards, 0);
  });

  test('two processes share the shards; one that stops gives its own to the other', async () => {
    const { start } = await world(8);
    const one = await start();
    await one.watch.until(() => one.loop.shardCount === 8);
    const two = await start();
    await two.watch.until(() => one.loop.shardCount === 4 && two.loop.shardCount === 4);
    await one.loop.stop();
    await two.watch.until(() => two.loop.shardCount === 8);
    await two.loop.stop();
  });

  test('an event whose step throws is parked, and the rest goes on', async () => {
    const { stream, start, schema } = await world();
    const { loop, watch } = await start();
    stream.publish(1, 1, 'count');
    stream.publish(1, 2, 'throw');
    stream.publish(1, 3, 'count');
    await watch.until(() => stateOf(loop, 'k1')?.told === 2);
    await loop.stop();
    const rows = await database.query(`SELECT kind, error FROM ${schema}.parked`);
    assert.deepEqual(rows, [{ kind: 'throw', error: 'this event is poison' }]);
  });

  test('data that the database refuses is found by halving, and parked', async () => {
    const { stream, start, schema } = await world();
    // PostgreSQL takes no U+0000 in text (SQLSTATE 22021): only the commit notices.
    for (let seq = 1; seq <= 9; seq += 1) stream.publish(1, seq, 'count', seq === 5 ? 'bad\u0000key' : 'k1');
    const { loop, watch } = await start();
    await watch.until(() => stateOf(loop, 'k1')?.told === 8);
    await loop.stop();
    const rows = await database.query(`SELECT error FROM ${schema}.parked`);
    assert.equal(rows.length, 1);
    assert.match(String(rows[0]?.error), /invalid byte sequence/);
  });

  test('a commit whose outcome is unknown is loaded again, not guessed', async () => {
    const { stream, start, stored } = await world();
    const store = new PostgresStore(pool, `loop_${'abcdefghijklmnopqrstuvwxyz'[schemas - 1]}`, 4);
    const commit = store.commit.bind(store);
    let lost = 0;
    store.commit = async (batch) => {
      const result = await commit(batch);
      // Committed, and the connection breaks before the answer arrives: twice.
      if (batch.rows.length > 0 && lost++ < 2) return { is: 'unknown', error: new Error('connection reset') };
      return result;
    };
    const { loop, watch } = await start({ store });
    for (let seq = 1; seq <= 5; seq += 1) stream.publish(2, seq, 'count');
    await watch.until(() => stateOf(loop, 'k2')?.told === 5);
    await loop.stop();
    assert.deepEqual(await stored('k2'), { count: 5, told: 5, owed: [], closed: false });
    assert.ok(lost >= 2);
  });

  test('a commit whose outcome is unknown, and that was not done, has no effects', async () => {
    const { agent, stream, start, stored } = await world();
    const store = new PostgresStore(pool, `loop_${'abcdefghijklmnopqrstuvwxyz'[schemas - 1]}`, 4);
    const commit = store.commit.bind(store);
    let notDone = 0;
    let effectsOfNothing = 0;
    store.commit = (batch) => {
      effectsOfNothing = Math.max(effectsOfNothing, agent.attempts.length);
      if (batch.rows.length === 0 || notDone >= 3) {
        store.commit = commit;
        return commit(batch);
      }
      notDone += 1;
      return Promise.resolve({ is: 'unknown', error: new Error('connection reset') });
    };
    const { loop, watch } = await start({ store });
    stream.publish(2, 1, 'count');
    await watch.until(() => stateOf(loop, 'k2')?.told === 1);
    await loop.stop();
    assert.equal(notDone, 3);
    assert.equal(effectsOfNothing, 0, 'performed before anything was committed');
    assert.deepEqual(await stored('k2'), { count: 1, told: 1, owed: [], closed: false });
  });

  test('a session closes when nothing is owed any more; the next event of its key begins another', async () => {
    const { stream, agent, start, schema } = await world();
    const { loop, watch } = await start();
    let open = (): void => {};
    agent.gate = new Promise((resolve) => {
      open = resolve;
    });
    stream.publish(1, 1, 'count');
    await watch.until(() => agent.attempts.length === 1);
    stream.publish(1, 2, 'close');
    await watch.until(() => loop.session([...loop.sessions()][0]!.id)?.closing === true);
    open();
    await watch.until(() => [...loop.sessions()].length === 0);
    stream.publish(1, 3, 'count');
    await watch.until(() => stateOf(loop, 'k1')?.told === 1);
    await loop.stop();
    const rows = await database.query(
      `SELECT closed_at_us IS NULL AS open FROM ${schema}.session ORDER BY created_at_us`,
    );
    assert.deepEqual(rows, [{ open: false }, { open: true }]);
    assert.equal((await database.query(`SELECT body FROM ${schema}.outbox`)).length, 1);
  });
});
