/** The ledger guards itself: by privileges besides its triggers, at every instant, and without one account that all wait for. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { createLogger, createPool, readConfig } from '@ringback/service-kit';
import { testDatabase } from '@ringback/service-kit/testing';
import { CONFIG, startBilling } from '../src/index.ts';
import { DECK, fresh, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.start({ LEDGER_CHECK_INTERVAL: '1s' });
  await world.importDeck(DECK);
});
after(() => world.close());

test('whoever owns the tables has no right to change what is written, triggers or not', async () => {
  const database = await testDatabase();
  const name = new URL(database.url).pathname.slice(1);
  await database.query(`CREATE ROLE ${name}_owner LOGIN PASSWORD 'p'`);
  await database.query(`GRANT CREATE ON DATABASE ${name} TO ${name}_owner`);
  const url = new URL(database.url);
  [url.username, url.password] = [`${name}_owner`, 'p'];
  const env = { DATABASE_URL: url.href, GRPC_LISTEN: '127.0.0.1:0' };
  const running = await startBilling(readConfig(CONFIG, env), createLogger('billing', 'silent'));
  const pool = createPool(url.href, { max: 1 });
  try {
    for (const sql of [
      'UPDATE billing.entry SET amount = amount + 1',
      'DELETE FROM billing.entry',
      'TRUNCATE billing.entry',
      "UPDATE billing.transfer SET note = ''",
      'DELETE FROM billing.transfer',
      'DELETE FROM billing.answer',
      'DELETE FROM billing.hold',
      'DELETE FROM billing.account',
      'DELETE FROM billing.cdr',
      'UPDATE billing.exchange_rate SET rate_nanos = 1',
    ]) {
      await assert.rejects(pool.query(sql), /permission denied/, sql);
    }
    await pool.query("INSERT INTO billing.deck VALUES ('d', 'EUR')");
    await running.maintain();
  } finally {
    await pool.end();
    await running.stop();
    await database.close();
  }
});

describe('at every instant', () => {
  test('while calls are charged, whoever looks sees entries that sum to zero and balances that equal them', async () => {
    const accounts = await Promise.all([5, 5, 5].map((euros) => world.account(euros)));
    let done = false;
    const looks = (async () => {
      let count = 0;
      for (; !done; count++) {
        const { rows } = await world.pool.query(
          `SELECT (SELECT count(*) FROM (SELECT 1 FROM billing.entry GROUP BY transfer_id, currency HAVING sum(amount) <> 0) t)
             + (SELECT count(*) FROM billing.account a
                WHERE balance <> (SELECT coalesce(sum(amount), 0) FROM billing.entry e WHERE e.account = a.number)) AS wrong`,
        );
        assert.equal(rows[0].wrong, 0n);
      }
      return count;
    })();
    for (let round = 0; round < 15; round++) {
      const legs = accounts.flatMap((account) => [1, 2].map((n) => settleRequest(n, { accountNumber: account })));
      await Promise.all([...legs.map((each) => world.settle(each)), world.topUp(accounts[0]!, 1n)]);
    }
    done = true;
    assert.ok((await looks) > 3);
  });
});

describe('the platform’s accounts', () => {
  test('serialise nobody: a charge waits for no other charge, though both are revenue', async () => {
    const [slow, quick] = [await world.account(5), await world.account(5)];
    const client = await world.pool.connect();
    try {
      // Another process has charged `slow`, and has not committed: the same revenue account, not yet to be seen.
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM billing.account WHERE number = $1 FOR UPDATE', [slow]);
      await client.query(
        `WITH t AS (INSERT INTO billing.transfer VALUES ($1, 'call', 'r', '', '', 1, ''))
         INSERT INTO billing.entry (transfer_id, account, currency, amount)
         VALUES ($1, $2, 'EUR', -7), ($1, 'platform:revenue', 'EUR', 7)`,
        ['01890a5d-ac96-774b-bcce-b302099a8057', slow],
      );
      assert.equal((await world.settle(settleRequest(60, { accountNumber: quick }))).cost?.micros, 110_000n);
    } finally {
      await client.query('ROLLBACK');
      client.release();
    }
  });

  test('have no row: their balance is the sum of what was booked', async () => {
    const account = await world.account(5);
    const revenue = async () => {
      const { rows } = await world.pool.query(
        "SELECT balance FROM billing.platform_balance WHERE account = 'platform:revenue' AND currency = 'EUR'",
      );
      return (rows[0]?.balance as bigint | undefined) ?? 0n;
    };
    const before = await revenue();
    await world.settle(settleRequest(60, { accountNumber: account }));
    assert.equal((await revenue()) - before, 110_000n);
    const { rows } = await world.pool.query("SELECT 1 FROM billing.account WHERE number LIKE '%:%'");
    assert.equal(rows.length, 0);
  });
});

test('the job that checks the ledger says which account differs', async () => {
  const lines: string[] = [];
  const log = createLogger('billing', 'error');
  log.error = ((fields: { problem?: string }) => lines.push(fields.problem ?? '')) as typeof log.error;
  const env = { ...world.env, LEDGER_CHECK_INTERVAL: '1s', MAINTENANCE_INTERVAL: '100ms' };
  const account = await world.account(5);
  const force = (sql: string) => world.database.query(`SET session_replication_role = replica; ${sql}`);
  await force(`UPDATE billing.account SET balance = balance + 5 WHERE number = '${account}'`);
  const watching = await startBilling(readConfig(CONFIG, env), log);
  try {
    const said = `account ${account} has a balance of 5000005, its entries sum to 5000000`;
    for (const deadline = Date.now() + 10_000; !lines.includes(said) && Date.now() < deadline; ) await pause(20);
    assert.deepEqual(lines.filter((line) => line.includes(account)).slice(0, 1), [said]);
  } finally {
    await watching.stop();
    await force(`UPDATE billing.account SET balance = balance - 5 WHERE number = '${account}'`);
  }
  assert.deepEqual(await world.problems(), []);
});

test('a transfer of credit races a call: what the call holds is never sent away, whoever comes first', async () => {
  for (let round = 0; round < 10; round++) {
    const [from, to] = [await world.account(1), await world.account(0)];
    const requestId = fresh('race');
    const { ledger } = world;
    const [held, sent] = await Promise.allSettled([
      world.reserve(reserveRequest({ payer: pays(from), capUs: 900n * S, minUs: 900n * S })), // 0.95
      new Promise((resolve, reject) => {
        const amount = { micros: 900_000n, currency: 'EUR' };
        const request = { requestId, fromAccount: from, toAccount: to, amount, note: '' };
        ledger.transferCredit(request, (error, response) => (error ? reject(error) : resolve(response)));
      }),
    ]);
    assert.equal(held!.status, 'fulfilled');
    const ok = held!.status === 'fulfilled' && held!.value.outcome === 'OUTCOME_OK';
    assert.equal(ok, sent!.status === 'rejected', 'one of both, not both and not neither');
    assert.equal((await world.purse(from))[0] + (await world.purse(to))[0], 1_000_000n);
  }
  assert.deepEqual(await world.problems(), []);
});
