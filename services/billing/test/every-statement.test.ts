/**
 * The road to the database breaks at every statement of every kind of transaction, before it and after it: nothing has
 * happened or all of it has, and asking again makes it once.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { call, nowUs } from '@ringback/service-kit';
import { StatementProxy } from './support/statement-proxy.ts';
import { A, B, DECK, fresh, leg, NOON, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

const EUR = (micros: bigint) => ({ micros, currency: 'EUR' });
const INBOUND = '+48223000000';
const MOST_STATEMENTS = 30;
let world: World;
let proxy: StatementProxy;
before(async () => {
  const env = {
    VOUCHER_KEY: 'ab'.repeat(32),
    LOSS_BUDGET_DECK: 'standard',
    LOSS_BUDGET_PER_CALLER: '1000 EUR',
    LOSS_BUDGET_PER_DAY: '1000000 EUR',
    HOLD_EXPIRY_SLACK: '10s',
  };
  world = await World.start(env, async (url) => (proxy = await StatementProxy.start(url)).url);
  await world.importDeck(DECK);
  await call(world.ledger, world.ledger.setExchangeRate, {
    rate: { fromCurrency: 'PLN', toCurrency: 'EUR', rate: '0.25', validFromUs: 0n },
  });
});
after(async () => {
  await world.close();
  await proxy.close();
});

/** What is asked, and what it leaves behind: read again after each attempt. */
interface Case {
  ask(): Promise<unknown>;
  /** Of the accounts and budgets concerned. */
  state(): Promise<unknown>;
}

const purses = (...accounts: string[]) => Promise.all(accounts.map((account) => world.purse(account)));
/** A call of now, so that its hold is not expired. */
async function heldCall(account: string, ago = 0n): Promise<{ sessionId: string; legId: string; startAtUs: bigint }> {
  const [sessionId, legId] = [fresh('session'), fresh('leg')];
  const startAtUs = nowUs() - ago;
  await world.reserve({ sessionId, payer: pays(account), legs: [leg(legId, A, { startAtUs })], capUs: 60n * S });
  return { sessionId, legId, startAtUs };
}

const CASES: Record<string, () => Promise<Case>> = {
  reserve: async () => {
    const account = await world.account(5);
    const legs = [leg(fresh('leg'), A), leg(fresh('leg'), B)];
    const request = reserveRequest({ payer: pays(account), legs, capUs: 60n * S });
    return { ask: () => world.reserve(request), state: () => purses(account) };
  },
  'reserve again, for longer': async () => {
    const account = await world.account(5);
    const { sessionId, legId, startAtUs } = await heldCall(account);
    const legs = [leg(legId, A, { startAtUs, elapsedUs: 30n * S })];
    const request = reserveRequest({ sessionId, payer: pays(account), legs, capUs: 600n * S });
    return { ask: () => world.reserve(request), state: () => purses(account) };
  },
  'reserve from the loss budget': async () => {
    const callerId = `+4860${String(nowUs()).slice(-9)}`;
    const payer = { $case: 'lossBudget' as const, value: { accessNumber: INBOUND, callerId } };
    const request = reserveRequest({ payer, capUs: 60n * S });
    const state = () => world.pool.query('SELECT used FROM billing.loss_budget WHERE key = $1', [`caller/${callerId}`]);
    return { ask: () => world.reserve(request), state: async () => (await state()).rows };
  },
  'settle of an answered leg': async () => {
    const account = await world.account(5);
    const { sessionId, legId } = await heldCall(account);
    const request = settleRequest(30, { sessionId, legId, accountNumber: account });
    return { ask: () => world.settle(request), state: () => purses(account) };
  },
  'settle of an unanswered leg': async () => {
    const account = await world.account(5);
    const { sessionId, legId } = await heldCall(account);
    const request = settleRequest(undefined, { sessionId, legId, accountNumber: account });
    return { ask: () => world.settle(request), state: () => purses(account) };
  },
  'settle of a leg that nobody held': async () => {
    const account = await world.account(5);
    const request = settleRequest(30, { accountNumber: account });
    return { ask: () => world.settle(request), state: () => purses(account) };
  },
  'settle from the loss budget': async () => {
    const toNumber = `+4861${String(nowUs()).slice(-9)}`;
    const request = settleRequest(30, { toNumber }, { lossBudget: true });
    const state = () => world.pool.query('SELECT used FROM billing.loss_budget WHERE key = $1', [`caller/${toNumber}`]);
    return { ask: () => world.settle(request), state: async () => (await state()).rows };
  },
  expiry: async () => {
    const account = await world.account(5);
    await heldCall(account, 100n * S);
    return { ask: () => world.maintain(), state: () => purses(account) };
  },
  'settle of an expired leg (correction)': async () => {
    const account = await world.account(5);
    const { sessionId, legId } = await heldCall(account, 100n * S);
    await world.maintain();
    const request = settleRequest(30, { sessionId, legId, accountNumber: account });
    return { ask: () => world.settle(request), state: () => purses(account) };
  },
  'top-up': async () => {
    const account = await world.account(0);
    const request = {
      requestId: fresh('top'),
      accountNumber: account,
      amount: { micros: 7n * S, currency: 'PLN' },
      note: '',
    };
    return { ask: () => call(world.ledger, world.ledger.topUp, request), state: () => purses(account) };
  },
  adjustment: async () => {
    const account = await world.account(1);
    const request = { requestId: fresh('adjust'), accountNumber: account, amount: EUR(-5n), note: '' };
    return { ask: () => call(world.ledger, world.ledger.adjustBalance, request), state: () => purses(account) };
  },
  refund: async () => {
    const account = await world.account(5);
    const charged = settleRequest(60, { accountNumber: account });
    await world.settle(charged);
    const request = { requestId: fresh('refund'), legId: charged.cdr!.legId, amount: EUR(50_000n), note: '' };
    return { ask: () => call(world.ledger, world.ledger.refundLeg, request), state: () => purses(account) };
  },
  reversal: async () => {
    const account = await world.account(5);
    const { transferId } = await world.topUp(account, 5n);
    const request = { requestId: fresh('reverse'), transferId, note: '' };
    return { ask: () => call(world.ledger, world.ledger.reverseTransfer, request), state: () => purses(account) };
  },
  'transfer of credit': async () => {
    const [from, to] = [await world.account(5), await world.account(0)];
    const request = { requestId: fresh('transfer'), fromAccount: from, toAccount: to, amount: EUR(5n), note: '' };
    return { ask: () => call(world.ledger, world.ledger.transferCredit, request), state: () => purses(from, to) };
  },
  'credit limit': async () => {
    const account = await world.account(0);
    const request = { requestId: fresh('limit'), accountNumber: account, limit: EUR(5n), note: '' };
    const state = () =>
      world.pool.query('SELECT limit_after FROM billing.account_change WHERE account = $1', [account]);
    const ask = () => call(world.ledger, world.ledger.setCreditLimit, request);
    return { ask, state: async () => (await state()).rows };
  },
  'batch of vouchers': async () => {
    const note = fresh('note');
    const request = {
      requestId: fresh('batch'),
      count: 3,
      value: EUR(5n),
      expiresAtUs: NOON + 4_000_000_000n * S,
      note,
    };
    const state = () =>
      world.pool.query(
        'SELECT count(*) FROM billing.voucher JOIN billing.voucher_batch ON id = batch_id WHERE note = $1',
        [note],
      );
    const ask = () => call(world.ledger, world.ledger.createVouchers, request);
    return { ask, state: async () => (await state()).rows };
  },
  'voiding of vouchers': async () => {
    const made = await voucher();
    const request = { requestId: fresh('void'), batchId: made.batchId };
    const state = async () => {
      const { batches } = await call(world.ledger, world.ledger.listVoucherBatches, {});
      return batches.find(({ batchId }) => batchId === made.batchId)!.voidedAtUs > 0n;
    };
    return { ask: () => call(world.ledger, world.ledger.voidVouchers, request), state };
  },
  'redemption of a voucher': async () => {
    const account = await world.account(0);
    const { code } = await voucher();
    const request = { requestId: fresh('redeem'), accountNumber: account, code, source: 'x' };
    return { ask: () => call(world.ledger, world.ledger.redeemVoucher, request), state: () => purses(account) };
  },
  'wrong code of a voucher': async () => {
    const account = await world.account(0);
    const request = { requestId: fresh('redeem'), accountNumber: account, code: '0000000000000000', source: '' };
    const state = () =>
      world.pool.query('SELECT failures FROM billing.voucher_attempt WHERE subject = $1 AND failures > 0', [
        `account:${account}`,
      ]);
    const ask = () => call(world.ledger, world.ledger.redeemVoucher, request);
    return { ask, state: async () => (await state()).rows };
  },
};

async function voucher(): Promise<{ batchId: string; code: string }> {
  const request = {
    requestId: fresh('batch'),
    count: 1,
    value: EUR(5n),
    expiresAtUs: NOON + 4_000_000_000n * S,
    note: '',
  };
  const { batchId, codes } = await call(world.ledger, world.ledger.createVouchers, request);
  return { batchId, code: codes[0]! };
}

describe('the road to the database breaks at each statement of', () => {
  for (const [name, make] of Object.entries(CASES)) {
    test(name, async () => {
      let broken = 0;
      for (const when of ['before', 'after'] as const) {
        for (let statement = 1; ; statement++) {
          assert.ok(statement < MOST_STATEMENTS, 'it has no last statement');
          const { ask, state } = await make();
          const nothing = await state();
          proxy.arm({ statement, when });
          const [asked] = await Promise.allSettled([ask()]);
          if (!proxy.disarm()) {
            // It has fewer statements than that: all of them were gone through.
            assert.equal(asked!.status, 'fulfilled');
            break;
          }
          broken++;
          assert.equal(asked!.status, 'rejected', `answered though statement ${statement} was cut off (${when})`);
          const meanwhile = await state();
          const answer = await ask();
          const everything = await state();
          assert.notDeepEqual(everything, nothing, 'it does nothing');
          const oneOf = [nothing, everything].map((each) => JSON.stringify(each, text));
          assert.ok(
            oneOf.includes(JSON.stringify(meanwhile, text)),
            `half of it has happened at statement ${statement}`,
          );
          // Once more: the same answer, and nothing else.
          assert.deepEqual(await ask(), answer);
          assert.deepEqual(await state(), everything);
        }
      }
      assert.ok(broken >= 10, `only ${broken} breaks`);
      assert.deepEqual(await world.problems(), []);
    });
  }
});

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

test('the database is away in the middle of 100 calls: each is charged once, to the micro-unit, when it is back', async () => {
  // OUTAGE_SECONDS=30 is the whole story; what happens is the same.
  const outageMs = Number(process.env.OUTAGE_SECONDS ?? 2) * 1000;
  const accounts = await Promise.all(Array.from({ length: 10 }, () => world.account(100)));
  let refused = 0;
  /** As the dialer does: the same question again until it is answered. */
  const insist = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!/UNAVAILABLE|away|Deadline|deadline/.test(String((error as { code?: string }).code) + String(error)))
          throw error;
        refused++;
      }
    }
  };
  let up = 0;
  const startAtUs = nowUs();
  const one = async (index: number): Promise<void> => {
    const account = accounts[index % accounts.length]!;
    const [sessionId, legId] = [fresh('session'), fresh('leg')];
    const at = (elapsedUs: bigint) => [leg(legId, A, { startAtUs, elapsedUs })];
    const reserve = (elapsedUs: bigint, capUs: bigint) =>
      reserveRequest({ sessionId, payer: pays(account), legs: at(elapsedUs), capUs });
    const [first, second] = [reserve(0n, 60n * S), reserve(30n * S, 600n * S)];
    assert.equal((await insist(() => world.reserve(first))).outcome, 'OUTCOME_OK');
    if (++up === 50) {
      proxy.down();
      setTimeout(() => proxy.up(), outageMs);
    }
    assert.equal((await insist(() => world.reserve(second))).outcome, 'OUTCOME_OK');
    const end = { answeredAtUs: startAtUs, endedAtUs: startAtUs + 100n * S };
    const request = settleRequest(100, { sessionId, legId, accountNumber: account, ...end });
    assert.equal((await insist(() => world.settle(request))).cost?.micros, 150_000n);
  };
  await Promise.all(Array.from({ length: 100 }, (_, index) => one(index)));
  assert.ok(refused > 0, 'nobody noticed');
  assert.deepEqual(
    await purses(...accounts),
    accounts.map(() => [100_000_000n - 10n * 150_000n, 0n]),
  );
  assert.deepEqual(await world.problems(), []);
});
