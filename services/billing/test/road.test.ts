/** Reserve, settle, balance: the questions of a call, over gRPC on a real database. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { A, B, DECK, fresh, leg, NOON, pays, S, settleRequest, World } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.start();
  await world.importDeck(DECK);
});

after(() => world.close());

describe('a callback', () => {
  test('is quoted for both legs, held, charged leg by leg, and leaves nothing held', async () => {
    const account = await world.account(5);
    const sessionId = fresh('session');
    const [a, b] = [fresh('leg'), fresh('leg')];

    const forA = await world.reserve({ sessionId, payer: pays(account), legs: [leg(a, A)] });
    assert.equal(forA.outcome, 'OUTCOME_OK');
    assert.equal(forA.maxUs, 3600n * S);
    assert.ok(forA.capped);
    assert.deepEqual(forA.held, { micros: 3_650_000n, currency: 'EUR' });

    // A has run 60 s and waits 40 s more while B rings: the rest pays 1,610 s of 0.06 + 0.12 a minute to the last cent.
    const both = await world.reserve({
      sessionId,
      payer: pays(account),
      legs: [leg(a, A, { elapsedUs: 60n * S, leadUs: 40n * S }), leg(b, B, { startAtUs: NOON + 100n * S })],
    });
    assert.deepEqual([both.outcome, both.maxUs, both.capped], ['OUTCOME_OK', 1610n * S, false]);
    assert.deepEqual(await world.purse(account), [5_000_000n, 5_000_000n]);
    const { rows } = await world.pool.query(
      'SELECT leg_id, amount, paid_until_us FROM billing.hold WHERE session_id = $1',
      [sessionId],
    );
    assert.deepEqual(Object.fromEntries(rows.map((row) => [row.leg_id, [row.amount, row.paid_until_us]])), {
      [a]: [1_760_000n, NOON + 1710n * S],
      [b]: [3_240_000n, NOON + 1710n * S],
    });

    const settledB = await world.settle(
      settleRequest(61, { legId: b, sessionId, role: 'b', accountNumber: account, toNumber: B }, { number: B }),
    );
    assert.deepEqual(
      [settledB.outcome, settledB.cost?.micros, settledB.balance?.micros],
      ['OUTCOME_SETTLED', 240_000n, 4_760_000n],
    );
    assert.deepEqual(await world.purse(account), [4_760_000n, 1_760_000n]);
    const settledA = await world.settle(settleRequest(200.25, { legId: a, sessionId, accountNumber: account }));
    assert.equal(settledA.cost?.micros, 50_000n + 201_000n);
    assert.deepEqual(await world.purse(account), [4_509_000n, 0n]);
    assert.deepEqual(await world.entries(account), [
      ['top_up', 5_000_000n],
      ['call', -240_000n],
      ['call', -251_000n],
    ]);
    const cdr = await world.cdr(a);
    assert.deepEqual(
      [cdr.cost, cdr.billedUs, cdr.deck, cdr.deckVersion, cdr.transferId],
      [{ micros: 251_000n, currency: 'EUR' }, 200_250_000n, 'standard', 1, settledA.transferId],
    );
    assert.deepEqual(await world.problems(), []);
  });
});
