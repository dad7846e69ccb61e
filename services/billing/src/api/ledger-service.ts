import { billing } from '@ringback/contracts';
import { GrpcError, type Logger, nowUs, type Pool, unaryHandlers } from '@ringback/service-kit';
import { type CdrRow, publicCdr } from '../postgres/cdr-rows.ts';
import { checkLedger } from '../postgres/check-ledger.ts';
import type { Teller } from '../postgres/teller.ts';
import { pageToken, readPageToken } from './page-token.ts';
import { refusing } from './refusals.ts';
import { checkOpenAccount, checkPageSize, checkTopUp } from './validate.ts';

const DIGITS = /^\d{1,19}$/;
const MOST_HOLDS = 10_000;

/** LedgerService, for people and tools. */
export function ledgerHandlers(log: Logger, pool: Pool, teller: Teller) {
  return unaryHandlers(
    log,
    refusing({
      openAccount: (request: billing.OpenAccountRequest) => openAccount(pool, request),
      topUp: async (request: billing.TopUpRequest) => {
        checkTopUp(request);
        return (await teller.ask({ kind: 'topUp', request })) as billing.TopUpResponse;
      },
      listLedgerEntries: (request: billing.ListLedgerEntriesRequest) => listLedgerEntries(pool, request),
      listHolds: (request: billing.ListHoldsRequest) => listHolds(pool, request),
      listCdrs: (request: billing.ListCdrsRequest) => listCdrs(pool, request),
      checkLedger: async (): Promise<billing.CheckLedgerResponse> => {
        const { problems, transfers } = await checkLedger(pool);
        return { balanced: problems.length === 0, problems, transfers };
      },
    }),
  );
}

/** Idempotent: an account that is there with the same currency and deck is no error. */
async function openAccount(pool: Pool, request: billing.OpenAccountRequest): Promise<billing.OpenAccountResponse> {
  checkOpenAccount(request);
  const { accountNumber, currency, deck } = request;
  const decks = await pool.query<{ currency: string }>('SELECT currency FROM billing.deck WHERE name = $1', [deck]);
  if (!decks.rows[0]) throw GrpcError.notFound('deck', 'there is no such deck');
  if (decks.rows[0].currency !== currency)
    throw GrpcError.invalidArgument('currency', `the deck has ${decks.rows[0].currency}`);
  await pool.query(
    'INSERT INTO billing.account (number, currency, deck, opened_at_us) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING',
    [accountNumber, currency, deck, nowUs()],
  );
  const { rows } = await pool.query<{ currency: string; deck: string; balance: bigint }>(
    'SELECT currency, deck, balance FROM billing.account WHERE number = $1',
    [accountNumber],
  );
  const found = rows[0]!;
  if (found.currency !== currency || found.deck !== deck) {
    throw GrpcError.alreadyExists(
      'account_number',
      `the account is there, with ${found.currency} and deck ${found.deck}`,
    );
  }
  return { balance: { micros: found.balance, currency } };
}

interface EntryRow {
  id: bigint;
  transfer_id: string;
  account: string;
  currency: string;
  amount: bigint;
  kind: string;
  leg_id: string;
  at_us: bigint;
  note: string;
}

/** In the order they were written. */
async function listLedgerEntries(
  pool: Pool,
  request: billing.ListLedgerEntriesRequest,
): Promise<billing.ListLedgerEntriesResponse> {
  const size = checkPageSize(request.pageSize);
  const after = readPageToken(request.pageToken, [DIGITS])?.[0] ?? '0';
  const { rows } = await pool.query<EntryRow>(
    `SELECT e.id, e.transfer_id, e.account, e.currency, e.amount, t.kind, t.leg_id, t.at_us, t.note
     FROM billing.entry e JOIN billing.transfer t ON t.id = e.transfer_id
     WHERE e.id > $1 AND ($2 = '' OR e.account = $2) AND ($3 = '' OR t.session_id = $3) ORDER BY e.id LIMIT $4`,
    [after, request.accountNumber, request.sessionId, size],
  );
  return {
    entries: rows.map((row) => ({
      transferId: row.transfer_id,
      account: row.account,
      amount: { micros: row.amount, currency: row.currency },
      kind: row.kind,
      legId: row.leg_id,
      atUs: row.at_us,
      note: row.note,
    })),
    nextPageToken: rows.length === size ? pageToken(rows.at(-1)!.id) : '',
  };
}

/** Oldest first. */
async function listHolds(pool: Pool, { all }: billing.ListHoldsRequest): Promise<billing.ListHoldsResponse> {
  const { rows } = await pool.query(
    `SELECT leg_id, session_id, CASE WHEN budget_day IS NULL THEN account ELSE 'platform:loss:' || budget_access_number END AS payer,
       currency, amount, created_at_us, paid_until_us, state
     FROM billing.hold WHERE $1 OR state = 'pending' ORDER BY created_at_us, leg_id LIMIT ${MOST_HOLDS}`,
    [all],
  );
  return {
    holds: rows.map((row) => ({
      legId: row.leg_id,
      sessionId: row.session_id,
      account: row.payer,
      amount: { micros: row.amount, currency: row.currency },
      createdAtUs: row.created_at_us,
      paidUntilUs: row.paid_until_us,
      state: row.state,
    })),
  };
}

/** Newest first. */
async function listCdrs(pool: Pool, request: billing.ListCdrsRequest): Promise<billing.ListCdrsResponse> {
  const size = checkPageSize(request.pageSize);
  const before = readPageToken(request.pageToken, [DIGITS, /^[^]{1,200}$/]);
  const conditions = ['created_at_us >= $1', '($2::int8 = 0 OR created_at_us < $2)'];
  const values: unknown[] = [request.fromUs, request.toUs];
  const where = (value: unknown, sql: (parameter: string) => string): void => {
    values.push(value);
    conditions.push(sql(`$${values.length}`));
  };
  if (request.accountNumber !== '') where(request.accountNumber, (p) => `account_number = ${p}`);
  if (request.sessionId !== '') where(request.sessionId, (p) => `session_id = ${p}`);
  if (request.number !== '') where(request.number, (p) => `(from_number = ${p} OR to_number = ${p})`);
  if (before) {
    where(before[0], (p) => `created_at_us <= ${p}`);
    where(before[1], (p) => `(created_at_us < $${values.length - 1} OR leg_id < ${p})`);
  }
  values.push(size);
  const { rows } = await pool.query<CdrRow>(
    `SELECT * FROM billing.cdr WHERE ${conditions.join(' AND ')} ORDER BY created_at_us DESC, leg_id DESC LIMIT $${values.length}`,
    values,
  );
  const last = rows.length === size ? rows.at(-1) : undefined;
  return { cdrs: rows.map(publicCdr), nextPageToken: last ? pageToken(last.created_at_us, last.leg_id) : '' };
}
