import { billing } from '@ringback/contracts';
import type { Books } from './books.ts';
import { exchange, exchangeEntries } from './exchange.ts';
import { entries, PLATFORM } from './ledger.ts';
import { type AttemptPolicy, type Attempts, type Changes, type Environment, Refused } from './model.ts';
import { accountOf, moved, transferOf } from './movements.ts';

const { RedeemVoucherResponse_Outcome: Outcome } = billing;

/** Five wrong codes within an hour lock for an hour. */
export const DEFAULT_ATTEMPTS: AttemptPolicy = { most: 5, windowUs: 3_600_000_000n, lockUs: 3_600_000_000n };

/** A new batch; `hashes` are those of its codes, by serial number. @throws {Refused} */
export function createVouchers(
  request: billing.CreateVouchersRequest,
  made: { readonly batchId: string; readonly hashes: readonly string[] },
  env: Environment,
): { response: billing.CreateVouchersResponse; changes: Partial<Changes> } {
  if (request.expiresAtUs <= env.nowUs) throw new Refused('INVALID_ARGUMENT', 'expires_at_us', 'is over');
  const { micros: value, currency } = request.value!;
  const { count, expiresAtUs, note } = request;
  const id = made.batchId;
  const common = { createdAtUs: env.nowUs, expiresAtUs, voidedAtUs: undefined, redeemed: 0, note };
  return {
    // The codes are made from the batch's id again: they are kept nowhere.
    response: { batchId: id, codes: [] },
    changes: {
      batches: [{ id, currency, value, count, ...common }],
      newVouchers: made.hashes.map((hash, index) => ({ hash, batchId: id, serial: index + 1, redeemed: undefined })),
    },
  };
}

/** @throws {Refused} */
export function voidVouchers(
  books: Books,
  request: billing.VoidVouchersRequest,
  env: Environment,
): { response: billing.VoidVouchersResponse; changes: Partial<Changes> } {
  const batch = books.batches.get(request.batchId);
  if (!batch) throw new Refused('NOT_FOUND', 'batch_id', 'there is no such batch');
  const response = { voided: batch.count - batch.redeemed };
  if (batch.voidedAtUs !== undefined) return { response, changes: {} };
  return { response, changes: { batches: [{ ...batch, voidedAtUs: env.nowUs }] } };
}

/**
 * Adds a voucher's worth to an account, once. Whatever is wrong with a code has one answer and counts as an attempt; while an
 * account or source is locked, right codes are refused like wrong ones.
 * @throws {Refused}
 */
export function redeem(
  books: Books,
  request: billing.RedeemVoucherRequest,
  keys: { readonly hash: string; readonly subjects: readonly string[] },
  env: Environment,
): { response: billing.RedeemVoucherResponse; changes: Partial<Changes> } {
  const account = accountOf(books, 'account_number', request.accountNumber);
  const attempts = keys.subjects.map(
    (subject) => books.attempts.get(subject) ?? { subject, failures: 0, sinceUs: 0n, lockedUntilUs: 0n },
  );
  const lockedUntilUs = attempts.reduce((last, each) => (each.lockedUntilUs > last ? each.lockedUntilUs : last), 0n);
  if (lockedUntilUs > env.nowUs) return answer({ outcome: Outcome.LOCKED, lockedUntilUs });

  const voucher = books.vouchers.get(keys.hash);
  const batch = voucher && books.batches.get(voucher.batchId);
  if (!batch || voucher.redeemed || batch.voidedAtUs !== undefined || batch.expiresAtUs <= env.nowUs) {
    const counted = attempts.map((each) => failed(each, env));
    return answer({ outcome: Outcome.INVALID }, { attempts: counted });
  }
  const { currency } = account;
  const got = exchange(books, batch.value, batch.currency, currency);
  if (!got || got.micros === 0n) {
    const message = `the voucher is in ${batch.currency}, and there is no exchange rate to ${currency}`;
    throw new Refused('FAILED_PRECONDITION', 'code', message);
  }
  const after = moved(account, got.micros, 'code');
  const lines = [
    ...entries(currency, [[account.number, got.micros]]),
    ...exchangeEntries(batch.currency, batch.value, currency, got),
    ...entries(batch.currency, [[PLATFORM.vouchers, -batch.value]]),
  ];
  const note = `voucher ${batch.id}/${voucher.serial}`;
  const more = got.rate && { exchangeRateId: got.rate.id };
  const transfer = transferOf(env, 'voucher', { requestId: request.requestId, note }, lines, more);
  const redeemed = { by: account.number, atUs: env.nowUs, transferId: transfer.id };
  return answer(
    {
      outcome: Outcome.REDEEMED,
      transferId: transfer.id,
      amount: { micros: got.micros, currency },
      balance: { micros: after.balance, currency },
    },
    {
      accounts: [after],
      transfers: [transfer],
      redeemed: [{ ...voucher, redeemed }],
    },
  );
}

const answer = (response: Partial<billing.RedeemVoucherResponse>, changes: Partial<Changes> = {}) => ({
  response: billing.RedeemVoucherResponse.fromPartial(response),
  changes,
});

/** One more wrong code; the count begins anew when its window is over. */
function failed({ subject, failures, sinceUs }: Attempts, env: Environment): Attempts {
  const { most, windowUs, lockUs } = env.voucherAttempts ?? DEFAULT_ATTEMPTS;
  const within = sinceUs + windowUs > env.nowUs;
  const count = within ? failures + 1 : 1;
  if (count >= most) return { subject, failures: 0, sinceUs: 0n, lockedUntilUs: env.nowUs + lockUs };
  return { subject, failures: count, sinceUs: within ? sinceUs : env.nowUs, lockedUntilUs: 0n };
}
