/** The ledger as the database itself keeps it, and what people and tools see of it. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { call, nowUs } from '@ringback/service-kit';
import { A, B, DECK, fresh, leg, NOON, pays, S, settleRequest, World } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.start();
  await world.importDeck(DECK);
});
after(() => world.close());

/** As somebody with every right and no respect: triggers off. */
async function manipulated<T>(sql: string, look: () => Promise<T>, undo: string): Promise<T> {
  const force = (text: string) => world.database.query(`SET session_replication_role = replica; ${text}`);
  await force(sql);
  const seen = await look();
  await force(undo);
  return seen;
}

describe('the database', () => {
  test('lets nobody change or take away an entry, a transfer, a CDR’s money, or a deck version', async () => {
    const account = await world.account(1);
    await world.settle(settleRequest(1, { accountNumber: account }));
    for (const sql of [
      'UPDATE billing.entry SET amount = amount + 1',
      'DELETE FROM billing.entry',
      'TRUNCATE billing.entry',
      "UPDATE billing.transfer SET note = 'other'",
      'DELETE FROM billing.transfer',
      'TRUNCATE billing.transfer',
      'UPDATE billing.cdr SET cost = 0',
      'DELETE FROM billing.cdr',
      "UPDATE billing.deck_version SET csv = ''",
      'DELETE FROM billing.deck_version',
    ]) {
      await assert.rejects(world.pool.query(sql), /is append-only: correct it by a reversing transfer/, sql);
    }
    // Erasure on request leaves the money.
    await world.pool.query("UPDATE billing.cdr SET to_number = 'erased' WHERE account_number = $1", [account]);
  });

  test('takes no transfer that does not sum to zero, has no entries, or names an account that is not there', async () => {
    const account = await world.account(1);
    const id = '01890a5d-ac96-774b-bcce-b302099a8057';
    const transfer = `INSERT INTO billing.transfer VALUES ('${id}', 'top_up', 'x', '', '', 1, '')`;
    const entries = (...rows: [string, string, number][]) =>
      `WITH t AS (${transfer}) INSERT INTO billing.entry (transfer_id, account, currency, amount) VALUES ${rows
        .map(([name, currency, amount]) => `('${id}', '${name}', '${currency}', ${amount})`)
        .join(', ')}`;
    const cash = 'platform:cash';
    await assert.rejects(world.pool.query(transfer), /has no entries/);
    await assert.rejects(world.pool.query(entries([account, 'EUR', 5], [cash, 'EUR', -4])), /does not sum to zero/);
    await assert.rejects(world.pool.query(entries([account, 'EUR', 5], [cash, 'PLN', -5])), /does not sum to zero/);
    await assert.rejects(
      world.pool.query(entries(['nobody', 'EUR', 5], [cash, 'EUR', -5])),
      /there is no account nobody/,
    );
    await assert.rejects(
      world.pool.query(entries([account, 'PLN', 5], [cash, 'PLN', -5])),
      /no account .* of that currency/,
    );
    await assert.rejects(
      world.pool.query(
        `INSERT INTO billing.entry (transfer_id, account, currency, amount) VALUES ('${id}', '${cash}', 'EUR', 1), ('${id}', '${cash}', 'EUR', -1)`,
      ),
      /belongs to no transfer/,
    );
    await assert.rejects(
      world.pool.query('UPDATE billing.account SET balance = -1 WHERE number = $1', [account]),
      /check/,
    );
    await assert.rejects(
      world.pool.query('UPDATE billing.account SET held = balance + 1 WHERE number = $1', [account]),
      /check/,
    );
    assert.deepEqual(await world.problems(), []);
  });
});

describe('CheckLedger', () => {
  test('says what was manipulated, and where', async () => {
    const account = await world.account(5);
    const legId = fresh('leg');
    await world.reserve({ payer: pays(account), legs: [leg(legId, A)], capUs: 60n * S });
    const request = settleRequest(60, { accountNumber: account });
    const { transferId } = await world.settle(request);
    const of = `WHERE account = '${account}' AND transfer_id = '${transferId}'`;
    const cases: [what: RegExp, sql: string, undo: string][] = [
      [
        new RegExp(`transfer ${transferId} sums to 1 EUR`),
        `UPDATE billing.entry SET amount = amount + 1 ${of}`,
        `UPDATE billing.entry SET amount = amount - 1 ${of}`,
      ],
      [
        new RegExp(`account ${account} has a balance of 4890001, its entries sum to 4890000`),
        `UPDATE billing.account SET balance = balance + 1 WHERE number = '${account}'`,
        `UPDATE billing.account SET balance = balance - 1 WHERE number = '${account}'`,
      ],
      [
        new RegExp(`account ${account} has 110000 held, its pending holds sum to 109999`),
        `UPDATE billing.hold SET amount = amount - 1 WHERE leg_id = '${legId}'`,
        `UPDATE billing.hold SET amount = amount + 1 WHERE leg_id = '${legId}'`,
      ],
      [
        new RegExp(`leg ${request.cdr!.legId} cost 7, its transfer moved 110000`),
        `UPDATE billing.cdr SET cost = 7 WHERE transfer_id = '${transferId}'`,
        `UPDATE billing.cdr SET cost = 110000 WHERE transfer_id = '${transferId}'`,
      ],
      [
        new RegExp(`transfer ${transferId} charges a leg that has no CDR`),
        `UPDATE billing.cdr SET transfer_id = NULL, cost = 0 WHERE transfer_id = '${transferId}'`,
        `UPDATE billing.cdr SET transfer_id = '${transferId}', cost = 110000 WHERE leg_id = '${request.cdr!.legId}'`,
      ],
    ];
    for (const [what, sql, undo] of cases) {
      const problems = await manipulated(sql, () => world.problems(), undo);
      assert.ok(
        problems.some((problem) => what.test(problem)),
        `${what} is not in ${problems.join('; ')}`,
      );
    }
    const checked = await call(world.ledger, world.ledger.checkLedger, {});
    assert.ok(checked.balanced && checked.problems.length === 0 && checked.transfers > 1n);
  });
});

describe('lists', () => {
  test('entries in their order, page by page, of an account or a session', async () => {
    const account = await world.account(5);
    const sessionId = fresh('session');
    for (let i = 1; i <= 4; i++) await world.settle(settleRequest(i, { accountNumber: account, sessionId }));
    const seen: bigint[] = [];
    let pageToken = '';
    do {
      const request = { accountNumber: account, sessionId: '', pageSize: 2, pageToken };
      const page = await call(world.ledger, world.ledger.listLedgerEntries, request);
      assert.ok(page.entries.length <= 2);
      seen.push(...page.entries.map(({ amount }) => amount!.micros));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    assert.deepEqual(seen, [5_000_000n, -51_000n, -52_000n, -53_000n, -54_000n]);
    const ofSession = billing.ListLedgerEntriesRequest.fromPartial({ sessionId });
    const { entries } = await call(world.ledger, world.ledger.listLedgerEntries, ofSession);
    assert.equal(entries.length, 8);
    assert.equal(
      entries.reduce((sum, { amount }) => sum + amount!.micros, 0n),
      0n,
    );
  });

  test('CDRs newest first, page by page, by account, session, number and time', async () => {
    const account = await world.account(5);
    const sessionId = fresh('session');
    const at = (second: bigint) => ({ createdAtUs: NOON + second * S, answeredAtUs: 0n, endedAtUs: NOON + 100n * S });
    const legs = [1n, 2n, 3n, 3n, 4n].map((second) => ({ legId: fresh('leg'), ...at(second) }));
    for (const cdr of legs) {
      await world.settle(settleRequest(undefined, { sessionId, accountNumber: account, toNumber: cdr.legId, ...cdr }));
    }
    const list = async (filter: Partial<billing.ListCdrsRequest>) => {
      const request = billing.ListCdrsRequest.fromPartial({ accountNumber: account, ...filter });
      return call(world.ledger, world.ledger.listCdrs, request);
    };
    const seen: string[] = [];
    let pageToken = '';
    do {
      const page = await list({ pageSize: 2, pageToken });
      seen.push(...page.cdrs.map(({ legId }) => legId));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    assert.equal(seen.length, 5);
    assert.deepEqual([...seen].sort(), legs.map(({ legId }) => legId).sort());
    assert.deepEqual([seen[0], seen[4]], [legs[4]!.legId, legs[0]!.legId]);
    assert.deepEqual(
      (await list({ number: legs[1]!.legId })).cdrs.map(({ legId }) => legId),
      [legs[1]!.legId],
    );
    assert.equal((await list({ fromUs: NOON + 2n * S, toUs: NOON + 4n * S })).cdrs.length, 3);
    assert.equal((await list({ sessionId: 'none' })).cdrs.length, 0);
  });

  test('open holds with their owner, age and account; ended ones on request', async () => {
    const account = await world.account(5);
    const sessionId = fresh('session');
    const [a, b] = [fresh('leg'), fresh('leg')];
    const owner = { shard: 7, epoch: 3n };
    await world.reserve({
      sessionId,
      payer: pays(account),
      legs: [leg(a, A), leg(b, B)],
      capUs: 60n * S,
      ...owner,
    });
    await world.settle(settleRequest(undefined, { legId: b, sessionId, accountNumber: account }));
    const list = async (all: boolean) => {
      const { holds } = await call(world.ledger, world.ledger.listHolds, billing.ListHoldsRequest.fromPartial({ all }));
      return holds.filter((hold) => hold.sessionId === sessionId).map(({ legId, state }) => [legId, state]);
    };
    assert.deepEqual(await list(false), [[a, 'pending']]);
    assert.deepEqual(await list(true), [
      [a, 'pending'],
      [b, 'voided'],
    ]);
    const { holds } = await call(
      world.ledger,
      world.ledger.listHolds,
      billing.ListHoldsRequest.fromPartial({ all: false }),
    );
    const found = holds.find(({ legId }) => legId === a)!;
    const age = nowUs() - NOON;
    assert.ok(found.ageUs <= age && found.ageUs > age - 60n * S, 'since when it is held');
    assert.deepEqual(
      { ...found, ageUs: 0n },
      {
        legId: a,
        sessionId,
        account,
        amount: { micros: 110_000n, currency: 'EUR' },
        createdAtUs: NOON,
        paidUntilUs: NOON + 60n * S,
        state: 'pending',
        expired: false,
        ageUs: 0n,
        shard: 7,
        epoch: 3n,
      },
    );
    const older = async (olderThanUs: bigint, accountNumber = account) => {
      const request = billing.ListHoldsRequest.fromPartial({ olderThanUs, accountNumber, pageSize: 1 });
      return (await call(world.ledger, world.ledger.listHolds, request)).holds.map(({ legId }) => legId);
    };
    assert.deepEqual(await older(0n), [a]);
    assert.deepEqual(await older(age + 3600n * S), []);
    assert.deepEqual(await older(0n, 'nobody'), []);
  });
});

describe('accounts', () => {
  const open = (accountNumber: string, currency = 'EUR', deck = 'standard') =>
    call(world.ledger, world.ledger.openAccount, { accountNumber, currency, deck });

  test('are opened once; the same again is no error, another one under the number is', async () => {
    const account = await world.account(3);
    assert.equal((await open(account)).balance?.micros, 3_000_000n);
    await world.importDeck(DECK, 'gold');
    await assert.rejects(open(account, 'EUR', 'gold'), /ALREADY_EXISTS|account_number: the account is there/);
    await assert.rejects(open(fresh('acc'), 'EUR', 'none'), /deck: there is no such deck/);
    await assert.rejects(open(fresh('acc'), 'PLN'), /currency: the deck has EUR/);
  });

  test('take money in their currency only', async () => {
    const account = await world.account(0);
    const topUp = (accountNumber: string, currency: string, micros = 1n) =>
      call(world.ledger, world.ledger.topUp, {
        requestId: fresh('top'),
        accountNumber,
        amount: { micros, currency },
        note: '',
      });
    await assert.rejects(topUp(account, 'PLN'), /amount.currency: the account has EUR/);
    await assert.rejects(topUp('nobody', 'EUR'), /account_number: there is no such account/);
    await assert.rejects(topUp(account, 'EUR', 2n ** 62n), /amount.micros: the balance would be too large/);
    assert.deepEqual(await world.entries(account), []);
  });
});
