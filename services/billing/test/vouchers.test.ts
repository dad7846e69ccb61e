/** Vouchers: made in batches, kept as keyed hashes, redeemed once, hard to guess. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { call, createLogger, grpcClient, nowUs, readConfig } from '@ringback/service-kit';
import { redeem } from '../src/domain/vouchers.ts';
import { type Account, Books, type Environment } from '../src/core.ts';
import { CONFIG, startBilling } from '../src/index.ts';
import { readCode, VoucherCodes } from '../src/voucher-codes.ts';
import { DECK, fresh, S, World } from './support/world.ts';

const KEY = '5eed'.repeat(16);
const HOUR = 3_600n * S;
let world: World;
before(async () => {
  world = await World.start({ VOUCHER_KEY: KEY });
  await world.importDeck(DECK);
});
after(() => world.close());

const make = (count: number, micros = 5_000_000n, requestId = fresh('batch'), currency = 'EUR') =>
  call(world.ledger, world.ledger.createVouchers, {
    requestId,
    count,
    value: { micros, currency },
    expiresAtUs: 4_000_000_000_000_000n,
    note: 'kiosk',
  });
const tryCode = (accountNumber: string, code: string, more: Partial<billing.RedeemVoucherRequest> = {}) =>
  call(world.ledger, world.ledger.redeemVoucher, {
    requestId: fresh('redeem'),
    accountNumber,
    code,
    source: '',
    ...more,
  });
/** A code that looks right and is none. */
const wrong = (): string =>
  new VoucherCodes(
    fresh('ab')
      .replace(/[^0-9a-f]/g, '')
      .padEnd(64, '7'),
  ).codes(fresh('x'), 1)[0]!;

describe('a batch', () => {
  test('has codes of 16 digits with a check digit, told again for the same request, and kept as hashes alone', async () => {
    const requestId = fresh('batch');
    const first = await make(100, 5_000_000n, requestId);
    assert.deepEqual(await make(100, 5_000_000n, requestId), first);
    assert.equal(new Set(first.codes).size, 100);
    for (const code of first.codes) assert.match(code, /^\d{16}$/);
    assert.ok(
      first.codes.every((code) => readCode(`${code.slice(0, 4)} ${code.slice(4, 8)}-${code.slice(8)}`) === code),
    );
    const dump = await world.database.query(
      `SELECT (SELECT string_agg(v::text, '') FROM billing.voucher v) || (SELECT string_agg(a::text || convert_from(decode(encode(response, 'hex'), 'escape'), 'LATIN1'), '') FROM billing.answer a) AS text`,
    );
    assert.ok(!first.codes.some((code) => String(dump[0]!.text).includes(code)), 'a code is in the database');
    assert.deepEqual(
      first.codes,
      new VoucherCodes(KEY).codes(first.batchId, 100),
      'another process with the key makes the same codes',
    );
  });

  test('can be voided: what is left is worth nothing', async () => {
    const account = await world.account(0);
    const { batchId, codes } = await make(3);
    await tryCode(account, codes[0]!);
    const requestId = fresh('void');
    const ask = () => call(world.ledger, world.ledger.voidVouchers, { requestId, batchId });
    assert.deepEqual([await ask(), await ask()], [{ voided: 2 }, { voided: 2 }]);
    assert.equal((await tryCode(account, codes[1]!)).outcome, 'OUTCOME_INVALID');
    const { batches } = await call(world.ledger, world.ledger.listVoucherBatches, {});
    const found = batches.find((batch) => batch.batchId === batchId)!;
    assert.deepEqual([found.count, found.redeemed, found.voidedAtUs > 0n], [3, 1, true]);
  });

  test('needs sense: a value, a count, a time to come', async () => {
    const ask = (request: Partial<billing.CreateVouchersRequest>) =>
      call(
        world.ledger,
        world.ledger.createVouchers,
        billing.CreateVouchersRequest.fromPartial({
          requestId: fresh('batch'),
          count: 1,
          value: { micros: 1n, currency: 'EUR' },
          expiresAtUs: 4_000_000_000_000_000n,
          ...request,
        }),
      );
    await assert.rejects(ask({ count: 0 }), /count: is zero/);
    await assert.rejects(ask({ count: 10_001 }), /count: is more than 10000/);
    await assert.rejects(ask({ value: { micros: 0n, currency: 'EUR' } }), /value.micros: is not positive/);
    await assert.rejects(ask({ expiresAtUs: nowUs() - S }), /expires_at_us: is over/);
  });
});

describe('a voucher', () => {
  test('is redeemed once, however many try at once, at two processes', async () => {
    const accounts = await Promise.all([0, 0, 0].map((euros) => world.account(euros)));
    const { codes } = await make(1);
    const second = await world.second();
    const other = grpcClient(billing.LedgerServiceClient, `127.0.0.1:${second.port}`);
    const answers = await Promise.all(
      accounts.flatMap((account) => [
        tryCode(account, codes[0]!),
        call(other, other.redeemVoucher, {
          requestId: fresh('redeem'),
          accountNumber: account,
          code: codes[0]!,
          source: '',
        }),
      ]),
    );
    other.close();
    await second.stop();
    assert.equal(answers.filter(({ outcome }) => outcome === 'OUTCOME_REDEEMED').length, 1);
    const purses = await Promise.all(accounts.map((account) => world.purse(account)));
    assert.equal(
      purses.reduce((sum, [balance]) => sum + balance, 0n),
      5_000_000n,
    );
    await assert.rejects(
      world.pool.query(
        'UPDATE billing.voucher SET redeemed_by = NULL, redeemed_at_us = NULL, transfer_id = NULL WHERE redeemed_by IS NOT NULL',
      ),
      /a voucher is redeemed once/,
    );
    assert.deepEqual(await world.problems(), []);
  });

  test('answers a repetition with what it answered', async () => {
    const account = await world.account(1);
    const { codes } = await make(1);
    const requestId = fresh('redeem');
    const ask = (code: string) => tryCode(account, code, { requestId });
    const first = await ask(codes[0]!);
    assert.deepEqual([first.amount?.micros, first.balance?.micros], [5_000_000n, 6_000_000n]);
    assert.deepEqual(await ask(codes[0]!), first);
    await assert.rejects(ask(wrong()), /request_id: was used for another request/);
  });

  test('of another currency is changed at the recorded rate; without one it stays what it is', async () => {
    const account = await world.account(0);
    const { codes } = await make(1, 5_000_000n, fresh('batch'), 'PLN');
    await assert.rejects(
      tryCode(account, codes[0]!),
      /code: the voucher is in PLN, and there is no exchange rate to EUR/,
    );
    const rate = { fromCurrency: 'PLN', toCurrency: 'EUR', rate: '0.234567', validFromUs: 0n };
    await call(world.ledger, world.ledger.setExchangeRate, { rate });
    assert.equal((await tryCode(account, codes[0]!)).amount?.micros, 1_172_835n);
    assert.deepEqual(await world.problems(), []);
  });

  test('that has expired is worth nothing', async () => {
    const account = await world.account(0);
    const { batchId, codes } = await make(1);
    await world.database.query(
      `SET session_replication_role = replica; UPDATE billing.voucher_batch SET expires_at_us = 5 WHERE id = '${batchId}'`,
    );
    assert.equal((await tryCode(account, codes[0]!)).outcome, 'OUTCOME_INVALID');
  });
});

describe('guessing', () => {
  test('locks the account after five wrong codes: right ones are refused as well; slips of the finger do not count', async () => {
    const account = await world.account(0);
    const { codes } = await make(1);
    const slip = codes[0]!.slice(0, -1) + ((Number(codes[0]!.at(-1)) + 1) % 10);
    for (let i = 0; i < 10; i++) assert.equal((await tryCode(account, slip)).outcome, 'OUTCOME_INVALID');
    for (let i = 0; i < 5; i++) assert.equal((await tryCode(account, wrong())).outcome, 'OUTCOME_INVALID');
    const locked = await tryCode(account, codes[0]!);
    assert.equal(locked.outcome, 'OUTCOME_LOCKED');
    assert.ok(locked.lockedUntilUs > nowUs() + 3_500n * S);
    assert.deepEqual(await world.purse(account), [0n, 0n]);
  });

  test('from one source over many accounts locks the source, of which only a keyed hash is kept', async () => {
    const source = '+48601999888';
    const accounts = await Promise.all([0, 0, 0, 0, 0, 0].map((euros) => world.account(euros)));
    for (const account of accounts.slice(0, 5)) await tryCode(account, wrong(), { source });
    const { codes } = await make(1);
    assert.equal((await tryCode(accounts[5]!, codes[0]!, { source })).outcome, 'OUTCOME_LOCKED');
    assert.equal((await tryCode(accounts[5]!, codes[0]!, { source: '+48601999889' })).outcome, 'OUTCOME_REDEEMED');
    const rows = await world.database.query('SELECT subject FROM billing.voucher_attempt');
    assert.ok(!rows.some(({ subject }) => String(subject).includes('601999888')));
  });

  test('is counted anew after an hour, and a lock ends', () => {
    const books = new Books();
    const account: Account = { number: 'a', currency: 'EUR', deck: 'd', balance: 0n, held: 0n };
    books.accounts.set('a', account);
    books.batches.set('b', {
      id: 'b',
      currency: 'EUR',
      value: 7n,
      count: 1,
      createdAtUs: 0n,
      expiresAtUs: 100n * HOUR,
      voidedAtUs: undefined,
      redeemed: 0,
      note: '',
    });
    books.vouchers.set('right', { hash: 'right', batchId: 'b', serial: 1, redeemed: undefined });
    let ids = 0;
    const at = (moment: bigint, hash: string): string => {
      const env = { nowUs: moment, newId: () => `t${++ids}` } as unknown as Environment;
      const request = billing.RedeemVoucherRequest.fromPartial({ accountNumber: 'a' });
      const { response, changes } = redeem(books, request, { hash, subjects: ['account:a'] }, env);
      books.keep({ changes, remember: undefined });
      return response.outcome;
    };
    const wrongs = (from: bigint, count: number) =>
      Array.from({ length: count }, (_, index) => at(from + BigInt(index), 'wrong'));
    assert.deepEqual(new Set(wrongs(HOUR, 4)), new Set(['OUTCOME_INVALID']));
    wrongs(2n * HOUR + S, 4);
    assert.equal(at(2n * HOUR + 2n * S, 'wrong'), 'OUTCOME_INVALID'); // the fifth of this hour
    assert.equal(at(3n * HOUR, 'right'), 'OUTCOME_LOCKED');
    assert.equal(at(3n * HOUR + 3n * S, 'right'), 'OUTCOME_REDEEMED');
    assert.equal(at(3n * HOUR + 4n * S, 'right'), 'OUTCOME_INVALID');
    assert.equal(books.accounts.get('a')?.balance, 7n);
  });
});

test('without a key there are no vouchers, and a bad key is named at the start', async () => {
  const other = await World.start();
  try {
    const request = billing.RedeemVoucherRequest.fromPartial({ requestId: 'r', accountNumber: 'a', code: '1' });
    await assert.rejects(call(other.ledger, other.ledger.redeemVoucher, request), /VOUCHER_KEY is not set/);
  } finally {
    await other.close();
  }
  const config = { DATABASE_URL: 'postgres://nowhere', GRPC_LISTEN: '127.0.0.1:0', VOUCHER_KEY: 'secret' };
  await assert.rejects(startBilling(readConfig(CONFIG, config), createLogger('billing', 'silent')), /VOUCHER_KEY/);
});
