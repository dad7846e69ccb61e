import type { Decision } from './decide.ts';
import type { Account, Cdr, Hold, Payer } from './model.ts';
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

  /** Takes over what was decided, so that the next question of the batch sees it. */
  keep({ changes, remember }: Pick<Decision, 'changes' | 'remember'>): void {
    if (remember) this.answers.set(remember.requestId, remember);
    for (const account of changes.accounts ?? []) this.accounts.set(account.number, account);
    for (const hold of changes.holds ?? []) this.holds.set(hold.legId, hold);
    for (const [key, used] of changes.budgets ?? []) this.budgets.set(key, used);
    for (const [shard, epoch] of changes.fences ?? []) this.fences.set(shard, epoch);
    for (const cdr of changes.cdrs ?? []) this.cdrs.set(cdr.cdr.legId, cdr);
  }

  budgetUsed(payer: Payer & { kind: 'loss' }): { caller: bigint; total: bigint } {
    const [total, caller] = budgetKeys(payer);
    return { total: this.budgets.get(total) ?? 0n, caller: this.budgets.get(caller) ?? 0n };
  }
}
