import type { billing } from '@ringback/contracts';
import type { Books } from './books.ts';
import { exchange, exchangeEntries } from './exchange.ts';
import { entries, PLATFORM } from './ledger.ts';
import {
  type Account,
  type Changes,
  type Entry,
  type Environment,
  freeOf,
  Refused,
  type Transfer,
  type TransferKind,
} from './model.ts';

/** What a balance may not exceed, far below what its column holds. */
const HIGHEST_BALANCE = 10n ** 17n;

interface Decided<Response> {
  readonly response: Response;
  readonly changes: Partial<Changes>;
}

/** @throws {Refused} */
export function accountOf(books: Books, field: string, number: string): Account {
  const account = books.accounts.get(number);
  if (!account) throw new Refused('NOT_FOUND', field, 'there is no such account');
  return account;
}

/** The account with `micros` more (or less) on it. @throws {Refused} when that is more than it may have, or not free. */
export function moved(account: Account, micros: bigint, field = 'amount.micros'): Account {
  if (micros < 0n && freeOf(account) < -micros) {
    throw new Refused('FAILED_PRECONDITION', field, 'is more than the account has free of holds');
  }
  const balance = account.balance + micros;
  if (balance > HIGHEST_BALANCE) throw new Refused('INVALID_ARGUMENT', field, 'the balance would be too large');
  return { ...account, balance };
}

export function inCurrencyOf(account: Account, currency: string): void {
  if (currency === account.currency) return;
  throw new Refused('INVALID_ARGUMENT', 'amount.currency', `the account has ${account.currency}`);
}

export const transferOf = (
  env: Environment,
  kind: TransferKind,
  request: { readonly requestId: string; readonly note: string },
  lines: readonly Entry[],
  more: Partial<Transfer> = {},
): Transfer => ({
  id: env.newId(),
  kind,
  requestId: request.requestId,
  sessionId: '',
  legId: '',
  atUs: env.nowUs,
  note: request.note,
  entries: lines,
  ...more,
});

/** Adds money from outside to an account; of another currency at the recorded rate. @throws {Refused} */
export function topUp(books: Books, request: billing.TopUpRequest, env: Environment): Decided<billing.TopUpResponse> {
  const account = accountOf(books, 'account_number', request.accountNumber);
  const { micros: paid, currency: from } = request.amount!;
  const { currency } = account;
  const got = exchange(books, paid, from, currency);
  if (!got) {
    const message = `the account has ${currency}, and there is no exchange rate from ${from}`;
    throw new Refused('INVALID_ARGUMENT', 'amount.currency', message);
  }
  if (got.micros === 0n) throw new Refused('INVALID_ARGUMENT', 'amount.micros', `is nothing in ${currency}`);
  const after = moved(account, got.micros);
  const lines = [
    ...entries(currency, [[account.number, got.micros]]),
    ...exchangeEntries(from, paid, currency, got),
    ...entries(from, [[PLATFORM.cash, -paid]]),
  ];
  const transfer = transferOf(env, 'top_up', request, lines, got.rate && { exchangeRateId: got.rate.id });
  const balance = { micros: after.balance, currency };
  return {
    response: { transferId: transfer.id, balance },
    changes: { accounts: [after], transfers: [transfer] },
  };
}

/** Credit without money (goodwill), or the taking away of it. @throws {Refused} */
export function adjust(
  books: Books,
  request: billing.AdjustBalanceRequest,
  env: Environment,
): Decided<billing.AdjustBalanceResponse> {
  const account = accountOf(books, 'account_number', request.accountNumber);
  const { micros, currency } = request.amount!;
  inCurrencyOf(account, currency);
  const after = moved(account, micros);
  const lines = entries(currency, [
    [account.number, micros],
    [PLATFORM.credits, -micros],
  ]);
  const transfer = transferOf(env, 'adjustment', request, lines);
  return {
    response: { transferId: transfer.id, balance: { micros: after.balance, currency } },
    changes: { accounts: [after], transfers: [transfer] },
  };
}

/** Moves credit from one account to another; only what is not held for calls. @throws {Refused} */
export function transferCredit(
  books: Books,
  request: billing.TransferCreditRequest,
  env: Environment,
): Decided<billing.TransferCreditResponse> {
  const from = accountOf(books, 'from_account', request.fromAccount);
  const to = accountOf(books, 'to_account', request.toAccount);
  const { micros, currency } = request.amount!;
  inCurrencyOf(from, currency);
  const got = exchange(books, micros, currency, to.currency);
  if (!got) {
    const message = `there is no exchange rate from ${currency} to ${to.currency}`;
    throw new Refused('FAILED_PRECONDITION', 'to_account', message);
  }
  if (got.micros === 0n) throw new Refused('INVALID_ARGUMENT', 'amount.micros', `is nothing in ${to.currency}`);
  const [fromAfter, toAfter] = [moved(from, -micros), moved(to, got.micros)];
  const lines = [
    ...entries(currency, [[from.number, -micros]]),
    ...exchangeEntries(currency, micros, to.currency, got),
    ...entries(to.currency, [[to.number, got.micros]]),
  ];
  const transfer = transferOf(env, 'credit_transfer', request, lines, got.rate && { exchangeRateId: got.rate.id });
  return {
    response: {
      transferId: transfer.id,
      balance: { micros: fromAfter.balance, currency },
      arrived: { micros: got.micros, currency: to.currency },
    },
    changes: { accounts: [fromAfter, toAfter], transfers: [transfer] },
  };
}

/** How far below zero an account may go; not less than it owes or has promised already. @throws {Refused} */
export function setCreditLimit(
  books: Books,
  request: billing.SetCreditLimitRequest,
): Decided<billing.SetCreditLimitResponse> {
  const account = accountOf(books, 'account_number', request.accountNumber);
  const { micros, currency } = request.limit!;
  if (currency !== account.currency) {
    throw new Refused('INVALID_ARGUMENT', 'limit.currency', `the account has ${account.currency}`);
  }
  const after = { ...account, creditLimit: micros };
  if (freeOf(after) < 0n) {
    throw new Refused('FAILED_PRECONDITION', 'limit.micros', 'is less than the account owes or has held');
  }
  const { requestId, note } = request;
  const change = { account: account.number, requestId, note, before: account.creditLimit ?? 0n, after: micros };
  return {
    response: { balance: { micros: account.balance, currency }, limit: { micros, currency } },
    changes: { accounts: [after], limits: [change] },
  };
}
