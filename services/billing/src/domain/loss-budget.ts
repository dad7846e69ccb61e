import type { Payer } from './model.ts';

const DAY_US = 86_400_000_000n;

/** Days since 1970-01-01 (UTC): the day to whose budget a call belongs. */
export const dayOf = (atUs: bigint): number => Number(atUs / DAY_US);

/** Keys of the budgets that a call to an unknown caller takes from: of everything, and of this caller. */
export const budgetKeys = (payer: Payer & { kind: 'loss' }): readonly [total: string, caller: string] => [
  `${payer.day}/total`,
  `${payer.day}/caller/${payer.callerId}`,
];

/** Day and key of a budget row. */
export function splitBudgetKey(key: string): { day: number; key: string } {
  const slash = key.indexOf('/');
  return { day: Number(key.slice(0, slash)), key: key.slice(slash + 1) };
}
