/** What every store of the loop has to do, PostgreSQL's and any stand-in's: one file of tests, so that none of them lies. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Batch, Lease, Row, Store } from './ports.ts';

/** A fresh store with this many shards, and a way to let processes' leases run out. */
export interface StoreUnderTest {
  store: Store;
  /** This process's lease has expired. */
  expire(owner: string): Promise<void>;
}

const SHARDS = 6;
const TTL_MS = 60_000;

const row = (id: string, shard: number, fields: Partial<Row> = {}): Row => ({
  id,
  shard,
  key: `key of ${id}`,
  version: 1,
  body: '{}',
  createdAtUs: 1_000,
  closedAtUs: null,
  ...fields,
});

const batch = (owner: string, leases: Lease[], fields: Partial<Batch> = {}): Batch => ({
  owner,
  leases,
  rows: [],
  facts: [],
  parked: [],
  ...fields,
});

const shardsOf = (leases: Lease[]): number[] => leases.map(({ shard }) => shard).sort((one, two) => one - two);
const at = (leases: Lease[], shard: number): Lease => leases.find((lease) => lease.shard === shard)!;

/** Registers the tests; `open` makes a fresh store of six shards. */
export function storeContract(name: string, open: (shards: number) => Promise<StoreUnderTest>): void {
  const owned = async (store: Store, owner: string, limit = SHARDS): Promise<Lease[]> => {
    await store.heartbeat(owner, TTL_MS);
    return store.claim(owner, limit);
  };
  const ids = (): [string, string, string] => [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];

  describe(`${name} as the loop's store`, () => {
    test('counts the processes that are alive, the asking one included', async () => {
      const { store, expire } = await open(SHARDS);
      const [one, two] = ids();
      assert.equal(await store.heartbeat(one, TTL_MS), 1);
      assert.equal(await store.heartbeat(two, TTL_MS), 2);
      await expire(one);
      assert.equal(await store.heartbeat(two, TTL_MS), 1);
      assert.equal(await store.heartbeat(one, TTL_MS), 2);
    });

    test('gives up to the limit of free shards, each with a higher epoch than ever before', async () => {
      const { store } = await open(SHARDS);
      const [one, two] = ids();
      const first = await owned(store, one, 4);
      assert.deepEqual(shardsOf(first), [0, 1, 2, 3]);
      assert.deepEqual(first[0], { shard: 0, epoch: 1, stream: '', cursor: 0, sources: {} });
      assert.deepEqual(shardsOf(await owned(store, two)), [4, 5]);
      assert.deepEqual(await store.claim(two, SHARDS), []);
      await store.release(one, [2]);
      assert.deepEqual(shardsOf(await store.owned(one)), [0, 1, 3]);
      const [taken] = await store.claim(two, SHARDS);
      assert.deepEqual([taken?.shard, taken?.epoch], [2, 2]);
    });

    test('a process whose lease has run out loses its shards to whoever asks, one that beats does not', async () => {
      const { store, expire } = await open(SHARDS);
      const [one, two] = ids();
      await owned(store, one);
      assert.deepEqual(await owned(store, two), []);
      await expire(one);
      assert.deepEqual(shardsOf(await store.owned(one)), [0, 1, 2, 3, 4, 5], 'nobody took them yet');
      assert.equal((await store.claim(two, 4)).length, 4);
      assert.equal((await store.owned(one)).length, 2);
    });

    test('of two that claim at the same time each shard goes to one', async () => {
      const { store } = await open(SHARDS);
      const owners = ids();
      for (const owner of owners) await store.heartbeat(owner, TTL_MS);
      const taken = await Promise.all(owners.map((owner) => store.claim(owner, 2)));
      const shards = taken.flatMap(shardsOf);
      assert.equal(new Set(shards).size, shards.length);
      for (const [index, owner] of owners.entries()) {
        assert.deepEqual(shardsOf(await store.owned(owner)), shardsOf(taken[index]!));
      }
    });

    test('keeps cursor, sources and sessions together, and gives them to the next owner', async () => {
      const { store } = await open(SHARDS);
      const [one, two] = ids();
      const lease = at(await owned(store, one), 3);
      const moved = { ...lease, stream: 'S', cursor: 17, sources: { 'sw/run': 5 } };
      const rows = [row('a', 3, { body: '{"x":"ż"}' }), row('b', 3, { closedAtUs: 5_000 })];
      assert.deepEqual(await store.commit(batch(one, [moved], { rows })), { is: 'ok' });
      await store.release(one);
      assert.deepEqual(await store.owned(one), []);
      const next = at(await owned(store, two), 3);
      assert.deepEqual(next, { ...moved, epoch: lease.epoch + 1 });
      const loaded = await store.loadOpen([3]);
      assert.equal(loaded.length, 1);
      const { id, shard, key, version, body, createdAtUs, closedAtUs } = loaded[0]!;
      assert.deepEqual({ id, shard, key, version, body, createdAtUs, closedAtUs }, rows[0]);
      assert.deepEqual(await store.loadOpen([2, 4]), []);
    });

    test('tells when a key closed last, where that is recent', async () => {
      const { store } = await open(SHARDS);
      const [one] = ids();
      const lease = at(await owned(store, one), 1);
      const rows = [
        row('a', 1, { key: 'k', closedAtUs: 5_000 }),
        row('b', 1, { key: 'k', closedAtUs: 9_000 }),
        row('c', 1, { key: 'old', closedAtUs: 2_000 }),
        row('d', 1, { key: 'open' }),
      ];
      await store.commit(batch(one, [lease], { rows }));
      assert.deepEqual(await store.loadRecent([1], 4_000), [{ key: 'k', closedAtUs: 9_000 }]);
      assert.deepEqual(await store.loadRecent([0], 0), []);
    });

    test('a session is written over, and closes', async () => {
      const { store } = await open(SHARDS);
      const [one] = ids();
      const lease = at(await owned(store, one), 1);
      await store.commit(batch(one, [lease], { rows: [row('a', 1)] }));
      await store.commit(batch(one, [lease], { rows: [row('a', 1, { body: '{"n":2}', version: 2 })] }));
      assert.deepEqual(
        (await store.loadOpen([1])).map(({ body, version }) => [body, version]),
        [['{"n":2}', 2]],
      );
      await store.commit(batch(one, [lease], { rows: [row('a', 1, { closedAtUs: 7_000 })] }));
      assert.deepEqual(await store.loadOpen([1]), []);
    });

    test('a stale owner writes nothing at all, not even to the shards it still has', async () => {
      const { store, expire } = await open(SHARDS);
      const [one, two] = ids();
      const leases = await owned(store, one);
      await expire(one);
      await store.heartbeat(two, TTL_MS);
      const [taken] = await store.claim(two, 1);
      const mine = leases.find(({ shard }) => shard !== taken!.shard)!;
      const old = at(leases, taken!.shard);
      const rows = [row('kept', mine.shard), row('lost', old.shard)];
      const moved = [mine, old].map((lease) => ({ ...lease, stream: 'S', cursor: 9 }));
      assert.deepEqual(await store.commit(batch(one, moved, { rows })), { is: 'stale' });
      assert.deepEqual(await store.loadOpen([mine.shard, old.shard]), []);
      assert.equal(at(await store.owned(one), mine.shard).cursor, 0);
      // The new owner is not hindered; neither is the old one where it owns.
      assert.deepEqual(await store.commit(batch(two, [taken!], { rows: [rows[1]!] })), { is: 'ok' });
      assert.deepEqual(await store.commit(batch(one, [mine], { rows: [rows[0]!] })), { is: 'ok' });
    });

    test('an owner that lost a shard and has it again may not write with its earlier epoch', async () => {
      const { store } = await open(SHARDS);
      const [one] = ids();
      const before = at(await owned(store, one), 0);
      await store.release(one, [0]);
      const [again] = await store.claim(one, 1);
      assert.equal(again?.epoch, before.epoch + 1);
      assert.deepEqual(await store.commit(batch(one, [before])), { is: 'stale' });
      assert.deepEqual(await store.commit(batch(one, [again!])), { is: 'ok' });
    });

    test('of two commits with the same shard at the same time none is lost', async () => {
      const { store, expire } = await open(SHARDS);
      const [one, two] = ids();
      const old = at(await owned(store, one), 2);
      await expire(one);
      await store.heartbeat(two, TTL_MS);
      const [results, taken] = await Promise.all([
        Promise.all([1, 2, 3].map((n) => store.commit(batch(one, [{ ...old, stream: 'S', cursor: n }])))),
        store.claim(two, SHARDS),
      ]);
      // A shard that was just being written to is passed over, and taken with the next try.
      const { cursor } = at([...taken, ...(await store.claim(two, SHARDS))], 2);
      // What was committed before the takeover is what the new owner reads, everything later was refused.
      const committed = results.flatMap(({ is }, index) => (is === 'ok' ? [index + 1] : []));
      assert.ok(committed.length === 0 ? cursor === 0 : committed.includes(cursor));
      assert.deepEqual(await store.commit(batch(one, [{ ...old, cursor: 99 }])), { is: 'stale' });
    });

    test('data that cannot be kept is refused, and nothing of its batch is written', async () => {
      const { store } = await open(SHARDS);
      const [one] = ids();
      const lease = at(await owned(store, one), 4);
      const rows = [row('good', 4), row('bad', 4, { key: 'NUL \u0000' })];
      const result = await store.commit(batch(one, [{ ...lease, stream: 'S', cursor: 3 }], { rows }));
      assert.equal(result.is, 'refused');
      assert.deepEqual(await store.loadOpen([4]), []);
      assert.equal(at(await store.owned(one), 4).cursor, 0);
    });
  });
}
