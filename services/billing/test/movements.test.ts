/** Money that moves besides calls: corrections, refunds, credits, transfers, limits, currencies. Each once, and to the micro-unit. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { call, grpcClient } from '@ringback/service-kit';
import { A, DECK, fresh, leg, pays, S, settleRequest, World } from './support/world.ts';

const EUR = (micros: bigint) => ({ micros, currency: 'EUR' });
let world: World;
before(async () => {
  world = await World.start();
  await world.importDeck(DECK);
  await world.importDeck('@currency,PLN\nprefix,price\n48,0.30\n', 'zloty');
  await world.importDeck('@currency,EUR\nprefix,price,tax_percent\n48,0.06,23\n', 'taxed');
});
after(() => world.close());

const keyed = <T extends object>(request: T) => ({ requestId: fresh('move'), note: 'because', ...request });
const adjust = (request: Partial<billing.AdjustBalanceRequest>) =>
  call(world.ledger, world.ledger.adjustBalance, billing.AdjustBalanceRequest.fromPartial(keyed(request)));
const refund = (request: Partial<billing.RefundLegRequest>) =>
  call(world.ledger, world.ledger.refundLeg, billing.RefundLegRequest.fromPartial(keyed(request)));
const reverse = (request: Partial<billing.ReverseTransferRequest>) =>
  call(world.ledger, world.ledger.reverseTransfer, billing.ReverseTransferRequest.fromPartial(keyed(request)));
const transfer = (request: Partial<billing.TransferCreditRequest>) =>
  call(world.ledger, world.ledger.transferCredit, billing.TransferCreditRequest.fromPartial(keyed(request)));
const limit = (request: Partial<billing.SetCreditLimitRequest>) =>
  call(world.ledger, world.ledger.setCreditLimit, billing.SetCreditLimitRequest.fromPartial(keyed(request)));
const rate = (fromCurrency: string, toCurrency: string, text: string, validFromUs = 0n) =>
  call(world.ledger, world.ledger.setExchangeRate, { rate: { fromCurrency, toCurrency, rate: text, validFromUs } });
/** Asked several times at once, and once more: it is done once, with one answer. */
async function once<T>(ask: () => Promise<T>): Promise<T> {
  const [first, ...others] = [...(await Promise.all([ask(), ask(), ask()])), await ask()];
  for (const other of others) assert.deepEqual(other, first);
  return first!;
}
const refused = (asked: Promise<unknown>, what: RegExp) => assert.rejects(asked, what);

describe('an adjustment', () => {
  test('gives credit, or takes what is free, once', async () => {
    const account = await world.account(1);
    const plus = keyed({ accountNumber: account, amount: EUR(250_000n) });
    assert.equal((await once(() => adjust(plus))).balance?.micros, 1_250_000n);
    await world.reserve({ payer: pays(account), capUs: 60n * S });
    await refused(adjust({ accountNumber: account, amount: EUR(-1_140_001n) }), /more than the account has free/);
    await adjust({ accountNumber: account, amount: EUR(-1_140_000n) });
    assert.deepEqual(await world.purse(account), [110_000n, 110_000n]);
    await refused(adjust({ ...plus, amount: EUR(1n) }), /request_id: was used for another request/);
    await refused(adjust({ accountNumber: 'nobody', amount: EUR(1n) }), /no such account/);
    await refused(adjust({ accountNumber: account, amount: EUR(0n) }), /amount.micros: is zero/);
    await refused(adjust({ accountNumber: account, amount: { micros: 1n, currency: 'PLN' } }), /the account has EUR/);
    assert.deepEqual(await world.problems(), []);
  });
});

describe('a refund', () => {
  test('gives back parts of what a leg cost, with the tax in proportion, and never more than was paid', async () => {
    const account = await world.account(5, 'taxed');
    const before = [await world.platform('platform:revenue'), await world.platform('platform:tax')];
    const request = settleRequest(100, { accountNumber: account });
    const { cost } = await world.settle(request);
    assert.equal(cost?.micros, 123_000n);
    const { legId } = request.cdr!;
    const part = keyed({ legId, amount: EUR(41_000n) });
    await once(() => refund(part));
    assert.deepEqual(await world.purse(account), [4_918_000n, 0n]);
    const tax = async () => (await world.platform('platform:tax')) - before[1]!;
    assert.equal(await tax(), 23_000n - 7_666n); // a third, rounded down
    await refused(refund({ legId, amount: EUR(82_001n) }), /more than is left to give back/);
    const rest = await refund({ legId });
    assert.equal(rest.amount?.micros, 82_000n);
    assert.deepEqual([await tax(), await world.platform('platform:revenue')], [0n, before[0]]);
    await refused(refund({ legId }), /nothing is left to give back/);
    assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
    await refused(refund({ legId: 'none' }), /no such leg was settled/);
    assert.deepEqual(await world.problems(), []);
  });

  test('is of what the account paid: not of a shortfall, nor of what nobody paid', async () => {
    const account = await world.account(0.1);
    const short = settleRequest(100, { accountNumber: account });
    assert.equal((await world.settle(short)).shortfall?.micros, 50_000n);
    const { amount } = await refund({ legId: short.cdr!.legId });
    assert.equal(amount?.micros, 100_000n);
    const unanswered = settleRequest(undefined, { accountNumber: account });
    await world.settle(unanswered);
    await refused(refund({ legId: unanswered.cdr!.legId }), /nobody paid for this leg/);
    assert.deepEqual(await world.problems(), []);
  });

  test('asked for twice at once under two keys is given once', async () => {
    const account = await world.account(5);
    const request = settleRequest(60, { accountNumber: account });
    await world.settle(request);
    const { legId } = request.cdr!;
    const both = await Promise.allSettled(Array.from({ length: 6 }, () => refund({ legId })));
    assert.equal(both.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
    assert.deepEqual(await world.problems(), []);
  });
});

describe('a reversal', () => {
  test('takes a top-up back, once, and only what is not held', async () => {
    const account = await world.account(0);
    const { transferId } = await world.topUp(account, 1_000_000n);
    const held = await world.reserve({ payer: pays(account), capUs: 600n * S });
    assert.equal(held.held?.micros, 650_000n);
    await refused(reverse({ transferId }), /transfer_id: is more than the account has free of holds/);
    await world.topUp(account, 1_000_000n);
    const request = keyed({ transferId });
    const { transferId: reversal } = await once(() => reverse(request));
    assert.deepEqual(await world.purse(account), [1_000_000n, 650_000n]);
    await refused(reverse({ transferId }), /was reversed before/);
    await refused(reverse({ transferId: reversal }), /kind reversal is not reversed/);
    await refused(reverse({ transferId: '01890a5d-ac96-774b-bcce-b302099a8057' }), /no such transfer/);
    await refused(reverse({ transferId: 'top' }), /transfer_id: is not a UUID/);
    assert.deepEqual(await world.problems(), []);
  });

  test('takes a charge back with its tax and shortfall; a refund and a reversal exclude each other', async () => {
    const account = await world.account(0.1, 'taxed');
    const all = ['platform:revenue', 'platform:tax', 'platform:shortfall'];
    const sums = () => Promise.all(all.map((name) => world.platform(name)));
    const before = await sums();
    const { transferId } = await world.settle(settleRequest(100, { accountNumber: account }));
    await reverse({ transferId });
    assert.deepEqual(await sums(), before);
    assert.deepEqual(await world.purse(account), [100_000n, 0n]);
    const second = settleRequest(60, { accountNumber: account });
    const settled = await world.settle(second);
    await refund({ legId: second.cdr!.legId, amount: EUR(1n) });
    await refused(reverse({ transferId: settled.transferId }), /was refunded in part/);
    await reverse({ transferId: (await world.settle(settleRequest(1, { accountNumber: account }))).transferId });
    assert.deepEqual(await world.problems(), []);
  });
});

describe('a transfer of credit', () => {
  test('moves only what is not held for a call that is up', async () => {
    const [from, to] = [await world.account(5), await world.account(0)];
    await world.reserve({ payer: pays(from), capUs: 3600n * S }); // 3.65
    await refused(
      transfer({ fromAccount: from, toAccount: to, amount: EUR(1_350_001n) }),
      /more than the account has free of holds/,
    );
    const request = keyed({ fromAccount: from, toAccount: to, amount: EUR(1_350_000n) });
    const done = await once(() => transfer(request));
    assert.deepEqual([done.balance?.micros, done.arrived?.micros], [3_650_000n, 1_350_000n]);
    assert.deepEqual(
      [await world.purse(from), await world.purse(to)],
      [
        [3_650_000n, 3_650_000n],
        [1_350_000n, 0n],
      ],
    );
    await refused(
      transfer({ fromAccount: from, toAccount: from, amount: EUR(1n) }),
      /to_account: is the one it leaves/,
    );
    await refused(
      transfer({ fromAccount: from, toAccount: 'nobody', amount: EUR(1n) }),
      /to_account: there is no such/,
    );
    assert.deepEqual(await world.problems(), []);
  });

  test('in a circle, all at once, ends: nothing waits for itself, nothing is lost', async () => {
    const accounts = await Promise.all([1, 1, 1, 1].map((euros) => world.account(euros)));
    const second = await world.second();
    const other = grpcClient(billing.LedgerServiceClient, `127.0.0.1:${second.port}`);
    const asks = Array.from({ length: 60 }, (_, index) => {
      const [fromAccount, toAccount] = [accounts[index % 4]!, accounts[(index + 1) % 4]!];
      const request = keyed({ fromAccount, toAccount, amount: EUR(BigInt(index + 1)) });
      const at = index % 3 === 0 ? other : world.ledger;
      return call(at, at.transferCredit, request, { deadlineMs: 20_000 });
    });
    await Promise.all(asks);
    other.close();
    await second.stop();
    const purses = await Promise.all(accounts.map((account) => world.purse(account)));
    assert.equal(
      purses.reduce((sum, [balance]) => sum + balance, 0n),
      4_000_000n,
    );
    assert.deepEqual(await world.problems(), []);
  });
});

describe('currencies', () => {
  test('are changed at the recorded rate in force; the rest of the division stays with the platform', async () => {
    const euro = await world.account(5);
    const zloty = fresh('acc');
    await call(world.ledger, world.ledger.openAccount, { accountNumber: zloty, currency: 'PLN', deck: 'zloty' });
    const move = () => transfer({ fromAccount: euro, toAccount: zloty, amount: EUR(1_000_003n) });
    await refused(move(), /to_account: there is no exchange rate from EUR to PLN/);
    await rate('EUR', 'PLN', '4.3');
    await rate('EUR', 'PLN', '4.271515');
    await rate('EUR', 'PLN', '9', 4_000_000_000_000_000n); // not yet
    const { arrived, transferId } = await move();
    assert.deepEqual(arrived, { micros: 4_271_527n, currency: 'PLN' }); // 4271527.814545
    const { rows } = await world.pool.query(
      `SELECT r.rate_nanos FROM billing.transfer t JOIN billing.exchange_rate r ON r.id = t.exchange_rate_id WHERE t.id = $1`,
      [transferId],
    );
    assert.equal(rows[0].rate_nanos, 4_271_515_000n);
    await reverse({ transferId });
    assert.deepEqual(await world.purse(euro), [5_000_000n, 0n]);
    const topped = await call(world.ledger, world.ledger.topUp, {
      ...keyed({}),
      accountNumber: zloty,
      amount: EUR(2_000_000n),
    });
    assert.deepEqual(topped.balance, { micros: 8_543_030n, currency: 'PLN' });
    const { rates } = await call(world.ledger, world.ledger.listExchangeRates, {});
    assert.deepEqual(
      rates.map((each) => each.rate),
      ['9', '4.271515', '4.3'],
    );
    await refused(rate('EUR', 'PLN', '0'), /rate.rate: is not positive/);
    await refused(rate('EUR', 'PLN', '1e3'), /rate.rate: is not a decimal number/);
    await refused(rate('EUR', 'EUR', '1'), /rate.to_currency: is the same currency/);
    assert.deepEqual(await world.problems(), []);
  });
});

describe('a credit limit', () => {
  test('lets an account go below zero that far, for holds and charges, and not further', async () => {
    const account = await world.account(0);
    const call60 = () => world.reserve({ payer: pays(account), capUs: 60n * S, minUs: 60n * S });
    assert.equal((await call60()).outcome, 'OUTCOME_NO_CREDIT');
    const request = keyed({ accountNumber: account, limit: EUR(220_000n) });
    await once(() => limit(request));
    const legId = fresh('leg');
    const sessionId = fresh('session');
    await world.reserve({ sessionId, legs: [leg(legId, A)], payer: pays(account), capUs: 60n * S, minUs: 60n * S });
    assert.equal((await call60()).outcome, 'OUTCOME_OK');
    assert.equal((await call60()).outcome, 'OUTCOME_NO_CREDIT');
    await world.settle(settleRequest(60, { legId, sessionId, accountNumber: account }));
    assert.deepEqual(await world.purse(account), [-110_000n, 110_000n]);
    await refused(limit({ accountNumber: account, limit: EUR(219_999n) }), /less than the account owes or has held/);
    const longer = await world.settle(settleRequest(600, { accountNumber: account }));
    assert.equal(longer.shortfall?.micros, 650_000n);
    const { creditLimit } = await call(world.billing, world.billing.getBalance, {
      requestId: '',
      accountNumber: account,
    });
    assert.deepEqual(creditLimit, EUR(220_000n));
    const { rows } = await world.pool.query(
      'SELECT limit_before, limit_after, note FROM billing.account_change WHERE account = $1',
      [account],
    );
    assert.deepEqual(rows, [{ limit_before: 0n, limit_after: 220_000n, note: 'because' }]);
    await assert.rejects(
      world.pool.query('UPDATE billing.account SET balance = -220001 WHERE number = $1', [account]),
      /account_spends_what_it_has/,
    );
    await refused(limit({ accountNumber: account, limit: EUR(-1n) }), /limit.micros: is negative/);
    assert.deepEqual(await world.problems(), []);
  });
});
