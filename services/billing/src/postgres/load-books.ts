import type { PoolClient } from '@ringback/service-kit';
import { Books } from '../domain/books.ts';
import type { Question } from '../domain/decide.ts';
import { budgetKeys, dayOf, splitBudgetKey } from '../domain/loss-budget.ts';
import type { Hold, Payer } from '../domain/model.ts';
import { type CdrRow, cdrFromRow } from './cdr-rows.ts';
import { accountsOf, loadCorrections, loadPast, loadRates, lockVouchers } from './load-movements.ts';

/** The hold of a leg came to be, or changed its payer, between finding out whom to lock and the lock: load again. */
export class LoadAgain extends Error {
  override readonly name = 'LoadAgain';
}

interface Keys {
  readonly accounts: string[];
  readonly legs: string[];
  readonly requests: string[];
  readonly shards: number[];
  readonly budgets: string[];
}

/** What a batch of questions touches, as far as they say it themselves. */
function keysOf(questions: readonly Question[]): Keys {
  const keys = {
    accounts: new Set<string>(),
    legs: new Set<string>(),
    requests: new Set<string>(),
    shards: new Set<number>(),
    budgets: new Set<string>(),
  };
  const addBudget = (accessNumber: string, callerId: string, day: number): void => {
    for (const key of budgetKeys({ kind: 'loss', accessNumber, callerId, day })) keys.budgets.add(key);
  };
  for (const question of questions) {
    if (question.kind === 'expire') {
      keys.legs.add(question.legId);
      continue;
    }
    const { request } = question;
    keys.requests.add(request.requestId);
    if (question.kind === 'reserve') {
      const { payer, legs, shard, atUs } = question.request;
      keys.shards.add(shard);
      for (const leg of legs) keys.legs.add(leg.legId);
      if (payer?.$case === 'accountNumber') keys.accounts.add(payer.value);
      if (payer?.$case === 'lossBudget') addBudget(payer.value.accessNumber, payer.value.callerId, dayOf(atUs));
    } else if (question.kind === 'settle') {
      const cdr = question.request.cdr!;
      keys.legs.add(cdr.legId);
      if (cdr.accountNumber !== '') keys.accounts.add(cdr.accountNumber);
      if (question.request.lossBudget) {
        addBudget(cdr.accessNumber, cdr.role === 'a' ? cdr.toNumber : cdr.fromNumber, dayOf(cdr.createdAtUs));
      }
    } else {
      for (const account of accountsOf(question)) keys.accounts.add(account);
    }
  }
  const { accounts, legs, requests, shards, budgets } = keys;
  return {
    accounts: [...accounts],
    legs: [...legs],
    requests: [...requests],
    shards: [...shards],
    budgets: [...budgets],
  };
}

/** One statement locks every account that is asked or pays for a leg asked about, in order of number. */
const LOCK_ACCOUNTS = {
  name: 'lock-accounts',
  text: `SELECT number, currency, deck, balance, held, credit_limit AS "creditLimit" FROM billing.account
    WHERE number IN (SELECT unnest($1::text[]) UNION SELECT account FROM billing.hold WHERE leg_id IN (SELECT unnest($2::text[])))
    ORDER BY number FOR UPDATE`,
};
const LOCK_HOLDS = {
  name: 'lock-holds',
  text: 'SELECT * FROM billing.hold WHERE leg_id IN (SELECT unnest($1::text[])) ORDER BY leg_id FOR UPDATE',
};
const READ_CDRS = { name: 'read-cdrs', text: 'SELECT * FROM billing.cdr WHERE leg_id IN (SELECT unnest($1::text[]))' };
const READ_KEPT = {
  name: 'read-kept',
  text: `SELECT 'answer' AS kind, request_id AS key, request_hash, response, NULL::int8 AS number
      FROM billing.answer WHERE request_id IN (SELECT unnest($1::text[]))
    UNION ALL SELECT 'fence', shard::text, NULL, NULL, epoch FROM billing.fence WHERE shard = ANY($2::int4[])
    UNION ALL SELECT 'revision', '', NULL, NULL, count(*) FROM billing.deck_version`,
};
const MAKE_BUDGETS = `INSERT INTO billing.loss_budget (day, key)
  SELECT day, key FROM unnest($1::int4[], $2::text[]) AS b(day, key) ORDER BY day, key ON CONFLICT DO NOTHING`;
const LOCK_BUDGETS = `SELECT day, key, used FROM billing.loss_budget
  WHERE (day, key) IN (SELECT * FROM unnest($1::int4[], $2::text[])) ORDER BY day, key FOR UPDATE`;

/**
 * Locks and loads everything a batch touches: accounts in order of number, then budgets, then holds, so that batches of
 * several processes never wait for each other in a circle. What is read after a lock is what the last holder of it wrote.
 * @throws {LoadAgain}
 */
export async function loadBooks(
  client: PoolClient,
  questions: readonly Question[],
): Promise<{ books: Books; revision: bigint; seenHolds: ReadonlySet<string> }> {
  const keys = keysOf(questions);
  const books = new Books();
  keys.accounts.push(...(await loadPast(client, questions, books)));
  const accounts = await client.query(LOCK_ACCOUNTS, [keys.accounts, keys.legs]);
  for (const row of accounts.rows) books.accounts.set(row.number, row);
  const holds = (await client.query<HoldRow>(LOCK_HOLDS, [keys.legs])).rows.map(holdFromRow);
  for (const hold of holds) {
    if (hold.payer.kind === 'account' && !books.accounts.has(hold.payer.account)) throw new LoadAgain();
    books.holds.set(hold.legId, hold);
    if (hold.payer.kind === 'loss') keys.budgets.push(...budgetKeys(hold.payer));
  }
  if (keys.budgets.length > 0) await lockBudgets(client, books, [...new Set(keys.budgets)].map(splitBudgetKey));
  const kept = await client.query(READ_KEPT, [keys.requests, keys.shards]);
  let revision = 0n;
  for (const row of kept.rows) {
    if (row.kind === 'answer') books.answers.set(row.key, { hash: row.request_hash, response: row.response });
    else if (row.kind === 'fence') books.fences.set(Number(row.key), row.number);
    else revision = row.number;
  }
  // A posted or voided hold stands for a settled leg: most batches have none, and read no CDRs.
  const done = holds.filter(({ state }) => state !== 'pending').map(({ legId }) => legId);
  if (done.length > 0) {
    for (const row of (await client.query<CdrRow>(READ_CDRS, [done])).rows) books.cdrs.set(row.leg_id, cdrFromRow(row));
  }
  await loadCorrections(client, books);
  await loadRates(client, questions, books);
  await lockVouchers(client, questions, books);
  return { books, revision, seenHolds: new Set(books.holds.keys()) };
}

async function lockBudgets(client: PoolClient, books: Books, keys: { day: number; key: string }[]): Promise<void> {
  const columns = [keys.map(({ day }) => day), keys.map(({ key }) => key)];
  await client.query(MAKE_BUDGETS, columns);
  const { rows } = await client.query<{ day: number; key: string; used: bigint }>(LOCK_BUDGETS, columns);
  for (const { day, key, used } of rows) books.budgets.set(`${day}/${key}`, used);
}

export interface HoldRow {
  leg_id: string;
  session_id: string;
  account: string;
  budget_day: number | null;
  budget_access_number: string;
  budget_caller_id: string;
  currency: string;
  amount: bigint;
  state: Hold['state'];
  expired: boolean;
  deck: string;
  deck_version: number;
  created_at_us: bigint;
  paid_until_us: bigint;
  shard: number;
  epoch: bigint;
}

export function payerFromRow(row: HoldRow): Payer {
  if (row.budget_day !== null) {
    const { budget_access_number: accessNumber, budget_caller_id: callerId, budget_day: day } = row;
    return { kind: 'loss', accessNumber, callerId, day };
  }
  return row.account === '' ? { kind: 'nobody' } : { kind: 'account', account: row.account };
}

const holdFromRow = (row: HoldRow): Hold => ({
  legId: row.leg_id,
  sessionId: row.session_id,
  payer: payerFromRow(row),
  currency: row.currency,
  amount: row.amount,
  state: row.state,
  expired: row.expired,
  pinned: { deck: row.deck, version: row.deck_version },
  createdAtUs: row.created_at_us,
  paidUntilUs: row.paid_until_us,
  shard: row.shard,
  epoch: row.epoch,
});
