import { billing } from '@ringback/contracts';
import { GrpcError, type Logger, nowUs, type Pool, serverStream, unaryHandlers } from '@ringback/service-kit';
import { checkLedger } from '../postgres/check-ledger.ts';
import type { Teller } from '../postgres/teller.ts';
import type { VoucherCodes } from '../voucher-codes.ts';
import { exportCdrs, listCdrs } from './cdrs.ts';
import { listDailyTotals } from './daily-totals.ts';
import { listHolds } from './holds.ts';
import { movementHandlers } from './movements.ts';
import { pageToken, readPageToken } from './page-token.ts';
import { refusing, refusingStream } from './refusals.ts';
import { statement } from './statement.ts';
import { checkOpenAccount, checkPageSize } from './validate.ts';
import { voucherHandlers } from './vouchers.ts';

const DIGITS = /^\d{1,19}$/;

/** LedgerService, for people and tools. */
export function ledgerHandlers(log: Logger, pool: Pool, teller: Teller, codes: VoucherCodes | undefined) {
  const unaries = unaryHandlers(
    log,
    refusing({
      openAccount: (request: billing.OpenAccountRequest) => openAccount(pool, request),
      listLedgerEntries: (request: billing.ListLedgerEntriesRequest) => listLedgerEntries(pool, request),
      listHolds: (request: billing.ListHoldsRequest) => listHolds(pool, request),
      listCdrs: (request: billing.ListCdrsRequest) => listCdrs(pool, request),
      listDailyTotals: (request: billing.ListDailyTotalsRequest) => listDailyTotals(pool, request),
      checkLedger: async (): Promise<billing.CheckLedgerResponse> => {
        const { problems, transfers } = await checkLedger(pool);
        return { balanced: problems.length === 0, problems, transfers };
      },
      ...movementHandlers(pool, teller),
      ...voucherHandlers(pool, teller, codes),
    }),
  );
  return {
    ...unaries,
    getStatement: serverStream(
      log,
      refusingStream((request: billing.GetStatementRequest) => statement(pool, request)),
    ),
    exportCdrs: serverStream(
      log,
      refusingStream((request: billing.ExportCdrsRequest) => exportCdrs(pool, request)),
    ),
  };
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
