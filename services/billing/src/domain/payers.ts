import type { Books } from './books.ts';
import { budgetKeys } from './loss-budget.ts';
import type { Account, Hold, Payer } from './model.ts';

/** Changes to what payers have, gathered within one decision. Amounts in micro-units. */
export class Purses {
  readonly #books: Books;
  readonly accounts = new Map<string, Account>();
  readonly budgets = new Map<string, bigint>();

  constructor(books: Books) {
    this.#books = books;
  }

  account(number: string): Account | undefined {
    return this.accounts.get(number) ?? this.#books.accounts.get(number);
  }

  /** Promises more (or, negative, less) of a payer's money. */
  hold(payer: Payer, amount: bigint): void {
    this.move(payer, 0n, amount);
  }

  /** Changes a payer's balance and what of it is held. A budget counts both as used. */
  move(payer: Payer, balance: bigint, held: bigint): void {
    if (payer.kind === 'account') {
      const account = this.account(payer.account);
      if (!account) throw new Error('an account of the batch was not loaded');
      this.accounts.set(account.number, { ...account, balance: account.balance + balance, held: account.held + held });
    } else if (payer.kind === 'loss') {
      for (const key of budgetKeys(payer)) {
        const used = this.budgets.get(key) ?? this.#books.budgets.get(key) ?? 0n;
        this.budgets.set(key, used - balance + held);
      }
    }
  }

  /** Gives back what a pending hold promised. */
  release(hold: Hold): void {
    this.hold(hold.payer, -hold.amount);
  }
}

export const samePayer = (a: Payer, b: Payer): boolean =>
  (a.kind === 'account' && b.kind === 'account' && a.account === b.account) ||
  (a.kind === 'loss' &&
    b.kind === 'loss' &&
    a.accessNumber === b.accessNumber &&
    a.callerId === b.callerId &&
    a.day === b.day) ||
  (a.kind === 'nobody' && b.kind === 'nobody');
