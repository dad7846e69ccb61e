import type { Decision } from './decide.ts';
import type {
  Account,
  Attempts,
  Cdr,
  ExchangeRate,
  Hold,
  PastTransfer,
  Payer,
  Transfer,
  Voucher,
  VoucherBatch,
} from './model.ts';
import { budgetKeys } from './loss-budget.ts';

/** What a batch knows, as loaded under its locks, and how it changes question by question. */
export class Books {
  readonly accounts = new Map<string, Account>();
  readonly holds = new Map<string, Hold>();
  /** Of legs settled before. */
  readonly cdrs = new Map<string, Cdr>();
  readonly answers = new Map<string, { hash: Buffer; response: Uint8Array }>();
  readonly fences = new Map<number, bigint>();
  /** Used of a loss budget, by `budgetKey`. */
  readonly budgets = new Map<string, bigint>();
  /** Those that a movement refers to. */
  readonly transfers = new Map<string, PastTransfer>();
  /** In force now, one for each pair. */
  readonly rates: ExchangeRate[] = [];
  /** By keyed hash of the code, hex. */
  readonly vouchers = new Map<string, Voucher>();
  readonly batches = new Map<string, VoucherBatch>();
  readonly attempts = new Map<string, Attempts>();

  /** Takes over what was decided, so that the next question of the batch sees it. */
  keep({ changes, remember }: Pick<Decision, 'changes' | 'remember'>): void {
    if (remember) this.answers.set(remember.requestId, remember);
    for (const account of changes.accounts ?? []) this.accounts.set(account.number, account);
    for (const hold of changes.holds ?? []) this.holds.set(hold.legId, hold);
    for (const [key, used] of changes.budgets ?? []) this.budgets.set(key, used);
    for (const [shard, epoch] of changes.fences ?? []) this.fences.set(shard, epoch);
    for (const cdr of changes.cdrs ?? []) this.cdrs.set(cdr.cdr.legId, cdr);
    for (const batch of changes.batches ?? []) this.batches.set(batch.id, batch);
    for (const voucher of changes.redeemed ?? []) {
      this.vouchers.set(voucher.hash, voucher);
      const batch = this.batches.get(voucher.batchId);
      if (batch) this.batches.set(batch.id, { ...batch, redeemed: batch.redeemed + 1 });
    }
    for (const attempts of changes.attempts ?? []) this.attempts.set(attempts.subject, attempts);
    for (const transfer of changes.transfers ?? []) this.#correct(transfer);
  }

  /** A refund or reversal counts at once for the transfer it is of. */
  #correct({ kind, ofTransfer, entries }: Transfer): void {
    const past = ofTransfer === undefined ? undefined : this.transfers.get(ofTransfer);
    if (!past) return;
    const refunds = new Map(past.refunds);
    if (kind === 'refund') {
      for (const { account, amount } of entries) refunds.set(account, (refunds.get(account) ?? 0n) + amount);
    }
    this.transfers.set(past.id, { ...past, refunds, reversed: past.reversed || kind === 'reversal' });
  }

  budgetUsed(payer: Payer & { kind: 'loss' }): { caller: bigint; total: bigint } {
    const [total, caller] = budgetKeys(payer);
    return { total: this.budgets.get(total) ?? 0n, caller: this.budgets.get(caller) ?? 0n };
  }
}
