import { billing } from '@ringback/contracts';
import type { Books } from './books.ts';
import { entries, PLATFORM } from './ledger.ts';
import { type Changes, type Environment, Refused } from './model.ts';

/** What a balance may not exceed, far below what its column holds. */
const HIGHEST_BALANCE = 10n ** 17n;

/** Adds money from outside to an account. @throws {Refused} */
export function topUp(
  books: Books,
  request: billing.TopUpRequest,
  env: Environment,
): { response: billing.TopUpResponse; changes: Partial<Changes> } {
  const account = books.accounts.get(request.accountNumber);
  const { micros, currency } = request.amount!;
  if (!account) throw new Refused('NOT_FOUND', 'account_number', 'there is no such account');
  if (currency !== account.currency) {
    throw new Refused('INVALID_ARGUMENT', 'amount.currency', `the account has ${account.currency}`);
  }
  const balance = account.balance + micros;
  if (balance > HIGHEST_BALANCE)
    throw new Refused('INVALID_ARGUMENT', 'amount.micros', 'the balance would be too large');
  const transfer = {
    id: env.newId(),
    kind: 'top_up' as const,
    requestId: request.requestId,
    sessionId: '',
    legId: '',
    atUs: env.nowUs,
    note: request.note,
    entries: entries(currency, [
      [account.number, micros],
      [PLATFORM.cash, -micros],
    ]),
  };
  return {
    response: billing.TopUpResponse.fromPartial({ transferId: transfer.id, balance: { micros: balance, currency } }),
    changes: { accounts: [{ ...account, balance }], transfers: [transfer] },
  };
}
