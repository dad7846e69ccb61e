import type { billing } from '@ringback/contracts';
import type { Books } from './books.ts';
import { entries, PLATFORM } from './ledger.ts';
import {
  type Account,
  type Changes,
  type Environment,
  type PastTransfer,
  Refused,
  type TransferKind,
} from './model.ts';
import { accountOf, moved, transferOf } from './movements.ts';

/** What people may take back. What the platform corrects by itself (expiry) is not among them, nor what corrects. */
const REVERSIBLE: readonly TransferKind[] = ['top_up', 'adjustment', 'credit_transfer', 'voucher', 'call'];

/**
 * Gives back what a leg cost, or a part of it; its tax in proportion. All refunds together are at most what was paid, and
 * the one that makes it all gives back all of the tax.
 * @throws {Refused}
 */
export function refund(
  books: Books,
  request: billing.RefundLegRequest,
  env: Environment,
): { response: billing.RefundLegResponse; changes: Partial<Changes> } {
  const cdr = books.cdrs.get(request.legId);
  if (!cdr) throw new Refused('NOT_FOUND', 'leg_id', 'no such leg was settled');
  const charged = books.transfers.get(cdr.transferId);
  if (cdr.payer.kind !== 'account' || !charged) {
    throw new Refused('FAILED_PRECONDITION', 'leg_id', 'nobody paid for this leg');
  }
  if (charged.reversed) throw new Refused('FAILED_PRECONDITION', 'leg_id', 'its charge was reversed');
  const account = accountOf(books, 'leg_id', cdr.payer.account);
  const { currency } = cdr;
  const given = charged.refunds.get(account.number) ?? 0n;
  const left = cdr.cost - cdr.shortfall - given;
  const amount = request.amount?.micros ?? left;
  if (request.amount && request.amount.currency !== currency) {
    throw new Refused('INVALID_ARGUMENT', 'amount.currency', `it was charged in ${currency}`);
  }
  if (left === 0n) throw new Refused('FAILED_PRECONDITION', 'leg_id', 'nothing is left to give back');
  if (amount > left) throw new Refused('FAILED_PRECONDITION', 'amount.micros', 'is more than is left to give back');
  const taxGiven = -(charged.refunds.get(PLATFORM.tax) ?? 0n);
  const tax = (amountOn(charged, PLATFORM.tax) * (given + amount)) / cdr.cost - taxGiven;
  const after = moved(account, amount);
  const lines = entries(currency, [
    [account.number, amount],
    [PLATFORM.revenue, tax - amount],
    [PLATFORM.tax, -tax],
  ]);
  const { sessionId, legId } = charged;
  const transfer = transferOf(env, 'refund', request, lines, { sessionId, legId, ofTransfer: charged.id });
  return {
    response: {
      transferId: transfer.id,
      amount: { micros: amount, currency },
      balance: { micros: after.balance, currency },
    },
    changes: { accounts: [after], transfers: [transfer] },
  };
}

/** Takes a transfer back by one with all its entries reversed. @throws {Refused} */
export function reverse(
  books: Books,
  request: billing.ReverseTransferRequest,
  env: Environment,
): { response: billing.ReverseTransferResponse; changes: Partial<Changes> } {
  const past = books.transfers.get(request.transferId);
  if (!past) throw new Refused('NOT_FOUND', 'transfer_id', 'there is no such transfer');
  if (!REVERSIBLE.includes(past.kind)) {
    throw new Refused('FAILED_PRECONDITION', 'transfer_id', `a transfer of kind ${past.kind} is not reversed`);
  }
  if (past.reversed) throw new Refused('FAILED_PRECONDITION', 'transfer_id', 'was reversed before');
  if (past.refunds.size > 0) {
    throw new Refused('FAILED_PRECONDITION', 'transfer_id', 'was refunded in part: refund the rest');
  }
  const accounts = new Map<string, Account>();
  for (const { account: number, amount } of past.entries) {
    const account = accounts.get(number) ?? books.accounts.get(number);
    if (account) accounts.set(number, moved(account, -amount, 'transfer_id'));
    else if (number.startsWith('platform:loss:')) {
      throw new Refused('FAILED_PRECONDITION', 'transfer_id', 'a budget of unknown callers paid for it');
    }
  }
  const lines = past.entries.map((entry) => ({ ...entry, amount: -entry.amount }));
  const { sessionId, legId } = past;
  const transfer = transferOf(env, 'reversal', request, lines, { sessionId, legId, ofTransfer: past.id });
  return {
    response: { transferId: transfer.id },
    changes: { accounts: [...accounts.values()], transfers: [transfer] },
  };
}

const amountOn = ({ entries: lines }: PastTransfer, account: string): bigint =>
  lines.reduce((sum, entry) => (entry.account === account ? sum + entry.amount : sum), 0n);
