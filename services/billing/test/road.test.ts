/** Reserve, settle, balance: the questions of a call, over gRPC on a real database. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call } from '@ringback/service-kit';
import { A, B, DECK, fresh, leg, NOON, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

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

describe('Reserve', () => {
  test('refuses what cannot pay its connect fees and first increments, and holds nothing', async () => {
    const account = await world.account(0.17); // 0.05 + 0.001 for A, 0.12 for B: one thousandth short
    const legs = [leg(fresh('leg'), A), leg(fresh('leg'), B)];
    const short = await world.reserve({ payer: pays(account), legs });
    assert.deepEqual([short.outcome, short.balance?.micros], ['OUTCOME_NO_CREDIT', 170_000n]);
    assert.deepEqual(await world.purse(account), [170_000n, 0n]);
    await world.topUp(account, 1_000n);
    const enough = await world.reserve({ payer: pays(account), legs });
    assert.deepEqual([enough.outcome, enough.maxUs, enough.held?.micros], ['OUTCOME_OK', 1n * S, 171_000n]);
  });

  test('a call shorter than wished for is no call', async () => {
    const account = await world.account(0.08);
    const legs = [leg(fresh('leg'), A)];
    assert.equal((await world.reserve({ payer: pays(account), legs, minUs: 31n * S })).outcome, 'OUTCOME_NO_CREDIT');
    assert.equal((await world.reserve({ payer: pays(account), legs, minUs: 30n * S })).maxUs, 30n * S);
  });

  test('free seconds are no credit: the first increment after them has to be covered as well', async () => {
    const name = fresh('deck');
    await world.importDeck('@currency,EUR\nprefix,price,increment,free_seconds\n48,0.60,60,30\n', name);
    const account = await world.account(0.599999, name);
    const request = { payer: pays(account), legs: [leg(fresh('leg'), A)], capUs: 600n * S };
    assert.equal((await world.reserve(request)).outcome, 'OUTCOME_NO_CREDIT');
    await world.topUp(account, 1n);
    assert.equal((await world.reserve(request)).maxUs, 90n * S);
  });

  test('names the leg that is blocked or has no price', async () => {
    const payer = pays(await world.account(5));
    for (const number of ['+449012345678', '+12125550100']) {
      const legs = [leg(fresh('leg'), A), leg(fresh('leg'), number)];
      const answer = await world.reserve({ payer, legs });
      assert.deepEqual([answer.outcome, answer.legId], ['OUTCOME_BLOCKED', legs[1]!.legId]);
    }
  });

  test('an unknown account is none', async () => {
    assert.equal((await world.reserve({ payer: pays('nobody') })).outcome, 'OUTCOME_UNKNOWN_ACCOUNT');
  });

  test('the same request again gets the same answer and holds once; another one under its key is refused', async () => {
    const account = await world.account(5);
    const request = reserveRequest({ payer: pays(account), capUs: 60n * S });
    const first = await world.reserve(request);
    // The next owner of the session asks again: later, with a higher epoch.
    assert.deepEqual(await world.reserve({ ...request, epoch: 2n, atUs: NOON + S }), first);
    assert.deepEqual(await world.purse(account), [5_000_000n, 110_000n]);
    await assert.rejects(world.reserve({ ...request, capUs: 61n * S }), /request_id: was used for another request/);
    await world.restart();
    assert.deepEqual(await world.reserve(request), first);
  });

  test('again for the same legs replaces their holds; other sessions’ money is not touched', async () => {
    const account = await world.account(1);
    const other = await world.reserve({ payer: pays(account), capUs: 300n * S });
    const sessionId = fresh('session');
    const a = fresh('leg');
    const ask = (elapsedUs: bigint, capUs: bigint) =>
      world.reserve({ sessionId, payer: pays(account), legs: [leg(a, A, { elapsedUs })], capUs });
    assert.equal((await ask(0n, 60n * S)).held?.micros, 110_000n);
    const extended = await ask(50n * S, 3600n * S);
    // 1.00 − 0.35 of the other call = 0.65: 600 s in all, of which 50 are over.
    assert.deepEqual([extended.maxUs, extended.capped], [550n * S, false]);
    assert.deepEqual(await world.purse(account), [1_000_000n, 1_000_000n]);
    assert.equal(other.held?.micros, 350_000n);
    // At the balance's true maximum an extension gives what is left, and keeps it held.
    assert.equal((await ask(60n * S, 3600n * S)).maxUs, 540n * S);
    assert.deepEqual(await world.purse(account), [1_000_000n, 1_000_000n]);
  });

  test('a settled leg is not held again, whether it was held before or not', async () => {
    const account = await world.account(5);
    const [held, never] = [fresh('leg'), fresh('leg')];
    const sessionId = fresh('session');
    await world.reserve({ sessionId, payer: pays(account), legs: [leg(held, A)] });
    for (const legId of [held, never]) {
      await world.settle(settleRequest(undefined, { legId, sessionId, accountNumber: account }));
      const late = await world.reserve({
        sessionId,
        payer: pays(account),
        legs: [leg(fresh('leg'), A), leg(legId, A)],
      });
      assert.deepEqual([late.outcome, late.legId], ['OUTCOME_TOMBSTONE', legId]);
    }
    assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
  });

  test('a leg of another session is refused', async () => {
    const payer = pays(await world.account(5));
    const legs = [leg(fresh('leg'), A)];
    await world.reserve({ payer, legs });
    await assert.rejects(world.reserve({ payer, legs }), /legs\[0\].leg_id: belongs to another session/);
  });

  test('a stale owner holds nothing, and does not spoil the key for its successor', async () => {
    const account = await world.account(5);
    const shard = 7;
    await world.reserve({ payer: pays(account), shard, epoch: 5n, capUs: 60n * S });
    const request = reserveRequest({ payer: pays(account), shard, epoch: 4n, capUs: 60n * S });
    assert.equal((await world.reserve(request)).outcome, 'OUTCOME_STALE_EPOCH');
    assert.equal((await world.reserve({ ...request, shard: 8 })).outcome, 'OUTCOME_OK');
    const again = reserveRequest({ payer: pays(account), shard, epoch: 4n, capUs: 60n * S });
    assert.equal((await world.reserve(again)).outcome, 'OUTCOME_STALE_EPOCH');
    assert.equal((await world.reserve({ ...again, epoch: 6n })).outcome, 'OUTCOME_OK');
  });

  test('inbound legs cost nothing where no deck rates access numbers', async () => {
    const account = await world.account(0.12);
    const legs = [leg(fresh('leg'), '+48223000000', { inbound: true }), leg(fresh('leg'), B)];
    const answer = await world.reserve({ payer: pays(account), legs });
    assert.deepEqual([answer.outcome, answer.maxUs], ['OUTCOME_OK', 60n * S]);
  });
});

describe('Settle', () => {
  test('an unanswered leg costs nothing and frees its hold; every attempted leg has its CDR, also without account', async () => {
    const account = await world.account(5);
    const [a, trigger] = [fresh('leg'), fresh('leg')];
    const sessionId = fresh('session');
    await world.reserve({ sessionId, payer: pays(account), legs: [leg(a, A)] });
    const answer = await world.settle(
      settleRequest(undefined, { legId: a, sessionId, accountNumber: account, result: 'busy' }),
    );
    assert.deepEqual([answer.cost?.micros, answer.transferId], [0n, '']);
    await world.settle(
      settleRequest(undefined, {
        legId: trigger,
        sessionId,
        role: 'trigger',
        result: 'rejected',
        reason: 'unknown_caller',
      }),
    );
    assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
    assert.equal((await world.cdr(a)).result, 'busy');
    assert.equal((await world.cdr(trigger)).reason, 'unknown_caller');
  });

  test('is done once a leg, whatever the key; the stored figures are told', async () => {
    const account = await world.account(5);
    const request = settleRequest(60, { accountNumber: account });
    const first = await world.settle(request);
    assert.deepEqual(await world.settle(request), first);
    const other = await world.settle({ ...request, requestId: fresh('settle') });
    assert.deepEqual(other, { ...first, outcome: 'OUTCOME_ALREADY_SETTLED' });
    const longer = settleRequest(600, { accountNumber: account, legId: request.cdr!.legId });
    assert.equal((await world.settle(longer)).cost?.micros, 110_000n);
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
    await assert.rejects(world.settle({ ...longer, requestId: request.requestId }), /request_id: was used for another/);
  });

  test('a call longer than its hold takes what is free, not what other calls hold; the rest is the platform’s loss', async () => {
    const account = await world.account(1);
    const sessionId = fresh('session');
    const a = fresh('leg');
    await world.reserve({ payer: pays(account), capUs: 300n * S }); // 0.35 of another call
    await world.reserve({ sessionId, payer: pays(account), legs: [leg(a, A)], capUs: 60n * S }); // 0.11
    const before = await world.platform('platform:shortfall');
    const answer = await world.settle(settleRequest(1000, { legId: a, sessionId, accountNumber: account }));
    assert.deepEqual(
      [answer.cost?.micros, answer.shortfall?.micros, answer.balance?.micros],
      [1_050_000n, 400_000n, 350_000n],
    );
    assert.deepEqual(await world.purse(account), [350_000n, 350_000n]);
    assert.equal((await world.platform('platform:shortfall')) - before, -400_000n);
    const cdr = await world.cdr(a);
    assert.deepEqual([cdr.shortfall?.micros, cdr.note], [400_000n, 'the account could not pay all of it']);
  });

  test('a platform’s cut-off is charged at most the paid-for time', async () => {
    const account = await world.account(5);
    const request = settleRequest(60.9, { accountNumber: account }, { maxBillableUs: 60n * S });
    assert.equal((await world.settle(request)).cost?.micros, 110_000n);
    const cdr = await world.cdr(request.cdr!.legId);
    assert.deepEqual([cdr.billedUs, cdr.note], [60n * S, 'cut off by the platform: charged for the paid-for time']);
  });

  test('an end before its answer is charged as 0 s, and says so', async () => {
    const account = await world.account(5);
    const request = settleRequest(-3600, { accountNumber: account });
    assert.equal((await world.settle(request)).cost?.micros, 50_000n);
    assert.match((await world.cdr(request.cdr!.legId)).note, /a clock jumped/);
  });

  test('the deck version of the first Reserve is the one that is charged', async () => {
    const name = fresh('deck');
    await world.importDeck('@currency,EUR\nprefix,price\n48,0.06\n', name);
    const account = await world.account(5, name);
    const sessionId = fresh('session');
    const a = fresh('leg');
    await world.reserve({ sessionId, payer: pays(account), legs: [leg(a, A)] });
    await world.importDeck('@currency,EUR\nprefix,price\n48,0.60\n', name);
    await world.reserve({ sessionId, payer: pays(account), legs: [leg(a, A, { elapsedUs: S })] });
    assert.equal(
      (await world.settle(settleRequest(60, { legId: a, sessionId, accountNumber: account }))).cost?.micros,
      60_000n,
    );
    assert.equal((await world.cdr(a)).deckVersion, 1);
    const later = settleRequest(60, { accountNumber: account });
    assert.equal((await world.settle(later)).cost?.micros, 600_000n);
  });

  test('an answered leg without a price is not charged, and says so', async () => {
    const account = await world.account(5);
    const request = settleRequest(60, { accountNumber: account }, { number: '+12125550100' });
    assert.equal((await world.settle(request)).cost?.micros, 0n);
    assert.equal((await world.cdr(request.cdr!.legId)).note, 'not charged: no_prefix');
  });

  test('tax is booked apart', async () => {
    const name = fresh('deck');
    await world.importDeck('@currency,EUR\nprefix,price,tax_percent\n48,0.60,23\n', name);
    const account = await world.account(5, name);
    const before = await world.platform('platform:tax');
    const request = settleRequest(60, { accountNumber: account });
    assert.equal((await world.settle(request)).cost?.micros, 738_000n);
    assert.equal((await world.platform('platform:tax')) - before, 138_000n);
  });
});

test('what is not an answer is refused: a balance of nobody is not found', async () => {
  const answer = await call(world.billing, world.billing.getBalance, { requestId: '', accountNumber: 'nobody' });
  assert.equal(answer.found, false);
  assert.deepEqual(await world.problems(), []);
});
