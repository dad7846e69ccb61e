/** Two askers at once, backends killed in the middle, the database away: nothing is held or charged twice, or lost. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { billing } from '@ringback/contracts';
import { call, grpcClient } from '@ringback/service-kit';
import type { RunningBilling } from '../src/index.ts';
import { someBackendWaits } from './support/backends.ts';
import { A, DECK, fresh, leg, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

let world: World;
let second: RunningBilling;
let other: billing.BillingServiceClient;
before(async () => {
  world = await World.start();
  await world.importDeck(DECK);
  second = await world.second();
  other = grpcClient(billing.BillingServiceClient, `127.0.0.1:${second.port}`);
});
after(async () => {
  other.close();
  await second.stop();
  await world.close();
});

/** Runs `ask` while `lock` is held by somebody else, kills every backend that waits for it, and lets the lock go. */
async function killedWhileWaiting<T>(lock: string, ask: () => Promise<T>): Promise<PromiseSettledResult<T>> {
  const client = await world.pool.connect();
  try {
    await client.query('BEGIN');
    await client.query(lock);
    const asked = Promise.allSettled([ask()]);
    for (const pid of await someBackendWaits(world.pool)) await client.query('SELECT pg_terminate_backend($1)', [pid]);
    const [result] = await asked;
    return result!;
  } finally {
    await client.query('ROLLBACK');
    client.release();
  }
}

describe('two at once', () => {
  test('calls of one account at two processes are never promised the same money', async () => {
    const account = await world.account(1);
    const ask = (at: billing.BillingServiceClient) =>
      call(at, at.reserve, reserveRequest({ payer: pays(account), capUs: 200n * S, minUs: 200n * S }));
    // 0.25 each: four of them can be paid.
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(index % 2 ? other : world.billing)));
    assert.equal(answers.filter(({ outcome }) => outcome === 'OUTCOME_OK').length, 4);
    assert.equal(answers.filter(({ outcome }) => outcome === 'OUTCOME_NO_CREDIT').length, 16);
    assert.deepEqual(await world.purse(account), [1_000_000n, 1_000_000n]);
  });

  test('the same request at two processes is one', async () => {
    const account = await world.account(5);
    for (let round = 0; round < 10; round++) {
      const request = reserveRequest({ payer: pays(account), capUs: 60n * S });
      const [legId, sessionId] = [request.legs[0]!.legId, request.sessionId];
      const held = await Promise.all([world.billing, other, other].map((at) => call(at, at.reserve, request)));
      assert.deepEqual(held[1], held[0]);
      assert.deepEqual(held[2], held[0]);
      const end = settleRequest(10, { legId, sessionId, accountNumber: account });
      const settled = await Promise.all(
        [world.billing, other, other].map((at, index) =>
          call(at, at.settle, index < 2 ? end : { ...end, requestId: fresh('settle') }),
        ),
      );
      assert.equal(new Set(settled.map(({ transferId }) => transferId)).size, 1);
    }
    assert.deepEqual(await world.purse(account), [5_000_000n - 10n * 60_000n, 0n]);
  });

  test('a leg that nobody held, settled by two processes at once, has one CDR', async () => {
    const account = await world.account(5);
    for (let round = 0; round < 10; round++) {
      const request = settleRequest(10, { accountNumber: account });
      const answers = await Promise.all(
        [world.billing, other].map((at) => call(at, at.settle, { ...request, requestId: fresh('settle') })),
      );
      assert.deepEqual(answers.map(({ outcome }) => outcome).sort(), ['OUTCOME_ALREADY_SETTLED', 'OUTCOME_SETTLED']);
    }
    assert.deepEqual(await world.purse(account), [5_000_000n - 10n * 60_000n, 0n]);
  });

  test('top-ups with one key add once', async () => {
    const account = await world.account(0);
    await Promise.all(Array.from({ length: 10 }, () => world.topUp(account, 1_000_000n, `key-${account}`)));
    assert.deepEqual(await world.purse(account), [1_000_000n, 0n]);
  });
});

describe('a backend killed', () => {
  const LOCKS = {
    'before it has its accounts': (account: string) =>
      `SELECT 1 FROM billing.account WHERE number = '${account}' FOR UPDATE`,
    'when it reads the holds': () => 'LOCK TABLE billing.hold IN ACCESS EXCLUSIVE MODE',
    'when it reads the answers': () => 'LOCK TABLE billing.answer IN ACCESS EXCLUSIVE MODE',
    'in its one writing statement': () => 'LOCK TABLE billing.answer IN SHARE MODE',
  };
  for (const [when, lock] of Object.entries(LOCKS)) {
    test(`${when}: nothing has happened, and asking again does it once`, async () => {
      const account = await world.account(5);
      const request = reserveRequest({ payer: pays(account), capUs: 60n * S });
      const lost = await killedWhileWaiting(lock(account), () => world.reserve(request));
      assert.equal(lost.status, 'rejected');
      assert.match(String(lost.reason), /the database is away: ask again/);
      assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
      assert.equal((await world.reserve(request)).outcome, 'OUTCOME_OK');
      assert.deepEqual(await world.purse(account), [5_000_000n, 110_000n]);

      const { legId } = request.legs[0]!;
      const end = settleRequest(10, { legId, sessionId: request.sessionId, accountNumber: account });
      assert.equal((await killedWhileWaiting(lock(account), () => world.settle(end))).status, 'rejected');
      assert.deepEqual(await world.purse(account), [5_000_000n, 110_000n]);
      assert.equal((await world.settle(end)).outcome, 'OUTCOME_SETTLED');
      assert.deepEqual(await world.purse(account), [4_940_000n, 0n]);
      assert.deepEqual(await world.problems(), []);
    });
  }

  test('after its commit, before its answer: asking again gets the stored answer, and charges nothing again', async () => {
    const account = await world.account(5);
    const request = settleRequest(60, { accountNumber: account });
    // COMMIT waits for a standby that does not exist: it has happened, and nobody is told.
    await world.database.query("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
    await world.database.query('SELECT pg_reload_conf()');
    const asked = Promise.allSettled([world.settle(request)]);
    let killed = false;
    for (const deadline = Date.now() + 10_000; !killed && Date.now() < deadline; await pause(5)) {
      const rows = await world.database.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()",
      );
      killed = rows.length > 0;
    }
    const [lost] = await asked;
    await world.database.query('ALTER SYSTEM RESET synchronous_standby_names');
    await world.database.query('SELECT pg_reload_conf()');
    assert.ok(killed);
    assert.equal(lost?.status, 'rejected');
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
    assert.equal((await world.settle(request)).cost?.micros, 110_000n);
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
    assert.deepEqual(await world.problems(), []);
  });

  test('a question that cannot be written does not take the others of its batch with it', async () => {
    const account = await world.account(5);
    await world.database.query("ALTER TABLE billing.hold ADD CONSTRAINT no_poison CHECK (session_id <> 'poison')");
    const good = Array.from({ length: 9 }, () => reserveRequest({ payer: pays(account), capUs: 10n * S }));
    const poison = reserveRequest({ payer: pays(account), sessionId: 'poison', legs: [leg(fresh('leg'), A)] });
    const answers = await Promise.allSettled(
      [...good.slice(0, 4), poison, ...good.slice(4)].map((each) => world.reserve(each)),
    );
    assert.match(String((answers[4] as PromiseRejectedResult).reason), /the database refuses what was decided/);
    assert.equal(answers.filter(({ status }) => status === 'fulfilled').length, 9);
    assert.deepEqual(await world.purse(account), [5_000_000n, 9n * 60_000n]);
  });
});
