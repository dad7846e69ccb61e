import type { PoolClient } from '@ringback/service-kit';
import type { Decision } from '../domain/decide.ts';
import { splitBudgetKey } from '../domain/loss-budget.ts';
import type { Account, Changes, Hold, Payer } from '../domain/model.ts';
import { cdrToRow } from './cdr-rows.ts';
import { writeMovements } from './write-movements.ts';

/** One statement writes what the whole batch decided. Each table's rows travel as one JSON text. */
const WRITE = {
  name: 'write-changes',
  text: `WITH
    changed_account AS (
      UPDATE billing.account a SET balance = n.balance, held = n.held, credit_limit = n.credit_limit
      FROM json_to_recordset($1) AS n(number text, balance int8, held int8, credit_limit int8) WHERE a.number = n.number RETURNING 1),
    changed_budget AS (
      UPDATE billing.loss_budget b SET used = n.used
      FROM json_to_recordset($2) AS n(day int4, key text, used int8) WHERE b.day = n.day AND b.key = n.key),
    new_hold AS (INSERT INTO billing.hold SELECT * FROM json_populate_recordset(NULL::billing.hold, $3)),
    changed_hold AS (
      UPDATE billing.hold h SET account = n.account, budget_day = n.budget_day, budget_access_number = n.budget_access_number,
        budget_caller_id = n.budget_caller_id, currency = n.currency, amount = n.amount, state = n.state, expired = n.expired,
        deck = n.deck, deck_version = n.deck_version, paid_until_us = n.paid_until_us,
        shard = n.shard, epoch = n.epoch
      FROM json_populate_recordset(NULL::billing.hold, $4) AS n WHERE h.leg_id = n.leg_id),
    new_transfer AS (INSERT INTO billing.transfer SELECT * FROM json_populate_recordset(NULL::billing.transfer, $5)),
    new_entry AS (
      INSERT INTO billing.entry (transfer_id, account, currency, amount)
      SELECT * FROM json_to_recordset($6) AS n(transfer_id uuid, account text, currency text, amount int8)),
    new_cdr AS (INSERT INTO billing.cdr SELECT * FROM json_populate_recordset(NULL::billing.cdr, $7)),
    new_answer AS (
      INSERT INTO billing.answer
      SELECT request_id, decode(request_hash, 'base64'), decode(response, 'base64'), at_us
      FROM json_to_recordset($8) AS n(request_id text, request_hash text, response text, at_us int8)),
    raised_fence AS (
      INSERT INTO billing.fence AS f SELECT * FROM json_to_recordset($9) AS n(shard int4, epoch int8) ORDER BY shard
      ON CONFLICT (shard) DO UPDATE SET epoch = greatest(f.epoch, excluded.epoch))
    SELECT 1`,
};

/** Writes the decisions of a batch. `seenHolds` existed when the books were loaded. */
export async function writeChanges(
  client: PoolClient,
  decisions: readonly Decision[],
  seenHolds: ReadonlySet<string>,
  nowUs: bigint,
): Promise<void> {
  const all = decisions.map(({ changes }) => changes);
  // A batch may change the same account or hold several times: the last state counts.
  const accounts = new Map<string, Account>(
    all.flatMap((each) => (each.accounts ?? []).map((one) => [one.number, one])),
  );
  const holds = new Map<string, Hold>(all.flatMap((each) => (each.holds ?? []).map((one) => [one.legId, one])));
  const budgets = new Map<string, bigint>(all.flatMap((each) => [...(each.budgets ?? [])]));
  const fences = new Map<number, bigint>(all.flatMap((each) => [...(each.fences ?? [])]));
  const transfers = all.flatMap((each) => each.transfers ?? []);
  const cdrs = all.flatMap((each) => each.cdrs ?? []);
  const remembered = decisions.flatMap(({ remember }) => (remember ? [remember] : []));
  const holdRows = [...holds.values()].map(holdToRow);
  const tables = [
    [...accounts.values()].map(({ number, balance, held, creditLimit }) => ({
      number,
      balance,
      held,
      credit_limit: creditLimit ?? 0n,
    })),
    [...budgets].map(([key, used]) => ({ ...splitBudgetKey(key), used })),
    holdRows.filter(({ leg_id }) => !seenHolds.has(leg_id)),
    holdRows.filter(({ leg_id }) => seenHolds.has(leg_id)),
    transfers.map(transferToRow),
    transfers.flatMap(({ id, entries }) => entries.map((entry) => ({ transfer_id: id, ...entry }))),
    cdrs.map((cdr) => cdrToRow(cdr, nowUs)),
    remembered.map(({ requestId, hash, response }) => ({
      request_id: requestId,
      request_hash: hash.toString('base64'),
      response: Buffer.from(response).toString('base64'),
      at_us: nowUs,
    })),
    [...fences].map(([shard, epoch]) => ({ shard, epoch })),
  ];
  if (tables.every((rows) => rows.length === 0)) return;
  await client.query(WRITE, tables.map(toJson));
  await writeMovements(client, all, nowUs);
}

/** 64-bit numbers travel as text: JSON numbers would pass through floating point on this side. */
const toJson = (rows: readonly unknown[]): string =>
  JSON.stringify(rows, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

function holdToRow(hold: Hold) {
  return {
    leg_id: hold.legId,
    session_id: hold.sessionId,
    ...payerColumns(hold.payer),
    currency: hold.currency,
    amount: hold.amount,
    state: hold.state,
    expired: hold.expired,
    deck: hold.pinned.deck,
    deck_version: hold.pinned.version,
    created_at_us: hold.createdAtUs,
    paid_until_us: hold.paidUntilUs,
    shard: hold.shard,
    epoch: hold.epoch,
  };
}

const payerColumns = (payer: Payer) => ({
  account: payer.kind === 'account' ? payer.account : '',
  budget_day: payer.kind === 'loss' ? payer.day : null,
  budget_access_number: payer.kind === 'loss' ? payer.accessNumber : '',
  budget_caller_id: payer.kind === 'loss' ? payer.callerId : '',
});

const transferToRow = (transfer: Changes['transfers'][number]) => ({
  id: transfer.id,
  kind: transfer.kind,
  request_id: transfer.requestId,
  session_id: transfer.sessionId,
  leg_id: transfer.legId,
  at_us: transfer.atUs,
  note: transfer.note,
  of_transfer: transfer.ofTransfer,
  exchange_rate_id: transfer.exchangeRateId,
});
