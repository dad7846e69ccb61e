import type { Entry, Payer } from './model.ts';

/** Accounts of the platform. They have no row with a balance: it is the sum of their entries, so that nothing waits for it. */
export const PLATFORM = {
  /** Money that came in from outside (negative: what callers have paid in). */
  cash: 'platform:cash',
  revenue: 'platform:revenue',
  tax: 'platform:tax',
  /** Holds posted because no truth came, until it comes. */
  suspense: 'platform:suspense',
  /** What calls cost beyond what their account could pay. */
  shortfall: 'platform:shortfall',
  /** Credit that no money came in for. */
  credits: 'platform:credits',
  /** What vouchers were worth when they were redeemed (negative): their sale is booked where they are sold. */
  vouchers: 'platform:vouchers',
  /** Money changed between currencies: what came in of one, what went out of the other. */
  exchange: 'platform:exchange',
  /** Calls to unknown callers of an access number. */
  loss: (accessNumber: string): string => `platform:loss:${accessNumber}`,
} as const;

/** The account that a payer's entries are booked on. */
export function accountOf(payer: Payer): string {
  switch (payer.kind) {
    case 'account':
      return payer.account;
    case 'loss':
      return PLATFORM.loss(payer.accessNumber);
    case 'nobody':
      return PLATFORM.shortfall;
  }
}

/** Entries without those of nothing. */
export const entries = (currency: string, amounts: readonly (readonly [account: string, amount: bigint])[]): Entry[] =>
  amounts.filter(([, amount]) => amount !== 0n).map(([account, amount]) => ({ account, currency, amount }));
