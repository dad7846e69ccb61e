import type { Books } from './books.ts';
import { accountOf, entries, PLATFORM } from './ledger.ts';
import type { Changes, Environment } from './model.ts';
import { Purses } from './payers.ts';

/**
 * Posts a pending hold in full when its paid-for time and the slack have passed and nobody told how the call ended. Money
 * under a call that may still be up is never freed; Settle takes the posting back when the truth comes.
 */
export function expire(books: Books, legId: string, env: Environment): Partial<Changes> {
  const hold = books.holds.get(legId);
  if (hold?.state !== 'pending' || hold.paidUntilUs + env.expirySlackUs >= env.nowUs) return {};
  const purses = new Purses(books);
  const expired = { ...hold, state: 'posted' as const, expired: true };
  if (hold.amount === 0n) return { holds: [expired] };
  purses.move(hold.payer, -hold.amount, -hold.amount);
  const { sessionId, amount, currency, payer } = hold;
  const transfer = {
    id: env.newId(),
    kind: 'expiry' as const,
    requestId: `expiry:${legId}`,
    sessionId,
    legId,
    atUs: env.nowUs,
    note: 'paid-for time over and no end reported: held amount posted in full',
    entries: entries(currency, [
      [accountOf(payer), -amount],
      [PLATFORM.suspense, amount],
    ]),
  };
  return { accounts: [...purses.accounts.values()], budgets: purses.budgets, holds: [expired], transfers: [transfer] };
}
