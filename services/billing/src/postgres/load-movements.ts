import type { PoolClient } from '@ringback/service-kit';
import type { Books } from '../domain/books.ts';
import type { Question } from '../domain/decide.ts';
import type { PastTransfer, TransferKind, VoucherBatch } from '../domain/model.ts';
import { type CdrRow, cdrFromRow } from './cdr-rows.ts';

type Movement = Exclude<Question, { kind: 'expire' | 'reserve' | 'settle' }>;

/** Accounts that a movement names itself. */
export function accountsOf(question: Movement): string[] {
  switch (question.kind) {
    case 'topUp':
    case 'adjust':
    case 'setCreditLimit':
    case 'redeem':
      return [question.request.accountNumber];
    case 'transferCredit':
      return [question.request.fromAccount, question.request.toAccount];
    default:
      return [];
  }
}

const READ_CDRS = 'SELECT * FROM billing.cdr WHERE leg_id = ANY($1::text[])';
const READ_TRANSFERS = `SELECT t.id, t.kind, t.session_id, t.leg_id, e.account, e.currency, e.amount
  FROM billing.transfer t JOIN billing.entry e ON e.transfer_id = t.id WHERE t.id = ANY($1::uuid[])`;
const READ_CORRECTIONS = `SELECT t.of_transfer, t.kind, e.account, sum(e.amount) AS amount
  FROM billing.transfer t JOIN billing.entry e ON e.transfer_id = t.id WHERE t.of_transfer = ANY($1::uuid[])
  GROUP BY t.of_transfer, t.kind, e.account`;
const READ_RATES = `SELECT DISTINCT ON (from_currency, to_currency) id, from_currency AS "from", to_currency AS "to", rate_nanos AS "rateNanos"
  FROM billing.exchange_rate WHERE valid_from_us <= (extract(epoch FROM clock_timestamp()) * 1000000)::int8
  ORDER BY from_currency, to_currency, valid_from_us DESC, id DESC`;

/**
 * Loads what refunds, reversals and changes of money refer to, and answers whose accounts they touch. Transfers and CDRs
 * are never changed, so they are read before the locks; what corrected them since is read behind them (`loadCorrections`).
 */
export async function loadPast(client: PoolClient, questions: readonly Question[], books: Books): Promise<string[]> {
  const legs = questions.flatMap((each) => (each.kind === 'refund' ? [each.request.legId] : []));
  const wanted = new Set(questions.flatMap((each) => (each.kind === 'reverse' ? [each.request.transferId] : [])));
  if (legs.length > 0) {
    for (const row of (await client.query<CdrRow>(READ_CDRS, [legs])).rows) {
      books.cdrs.set(row.leg_id, cdrFromRow(row));
      if (row.transfer_id !== null) wanted.add(row.transfer_id);
    }
  }
  if (wanted.size === 0) return [];
  const { rows } = await client.query<{
    id: string;
    kind: TransferKind;
    session_id: string;
    leg_id: string;
    account: string;
    currency: string;
    amount: bigint;
  }>(READ_TRANSFERS, [[...wanted]]);
  for (const [id, lines] of Map.groupBy(rows, (row) => row.id)) {
    const { kind, session_id: sessionId, leg_id: legId } = lines[0]!;
    const entries = lines.map(({ account, currency, amount }) => ({ account, currency, amount }));
    books.transfers.set(id, { id, kind, sessionId, legId, entries, reversed: false, refunds: new Map() });
  }
  return rows.map(({ account }) => account).filter((account) => !account.includes(':'));
}

/** What was corrected before, behind the locks of the accounts concerned. */
export async function loadCorrections(client: PoolClient, books: Books): Promise<void> {
  if (books.transfers.size === 0) return;
  // Transfers between platform accounts have no account to lock by: their row is the lock.
  await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', ['ringback:billing:corrections']);
  const { rows } = await client.query<{ of_transfer: string; kind: TransferKind; account: string; amount: bigint }>(
    READ_CORRECTIONS,
    [[...books.transfers.keys()]],
  );
  for (const { of_transfer, kind, account, amount } of rows) {
    const past = books.transfers.get(of_transfer)!;
    const refunds = kind === 'refund' ? new Map([...past.refunds, [account, amount]]) : past.refunds;
    const after: PastTransfer = { ...past, refunds, reversed: past.reversed || kind === 'reversal' };
    books.transfers.set(of_transfer, after);
  }
}

export async function loadRates(client: PoolClient, questions: readonly Question[], books: Books): Promise<void> {
  const changes = ({ kind }: Question): boolean => kind === 'topUp' || kind === 'transferCredit' || kind === 'redeem';
  if (questions.some(changes)) books.rates.push(...(await client.query(READ_RATES)).rows);
}

const MAKE_ATTEMPTS =
  'INSERT INTO billing.voucher_attempt (subject) SELECT unnest($1::text[]) AS subject ORDER BY subject ON CONFLICT DO NOTHING';
const LOCK_ATTEMPTS = `SELECT subject, failures, since_us AS "sinceUs", locked_until_us AS "lockedUntilUs"
  FROM billing.voucher_attempt WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE`;
const LOCK_VOUCHERS =
  "SELECT * FROM billing.voucher WHERE code_hash IN (SELECT decode(h, 'hex') FROM unnest($1::text[]) AS h) ORDER BY code_hash FOR UPDATE";
const LOCK_BATCHES = `SELECT b.*, (SELECT count(*) FROM billing.voucher v WHERE v.batch_id = b.id AND v.redeemed_by IS NOT NULL) AS redeemed
  FROM billing.voucher_batch b WHERE id = ANY($1::uuid[]) ORDER BY id`;

/** Attempts, then vouchers, then their batches, each in order of its key. */
export async function lockVouchers(client: PoolClient, questions: readonly Question[], books: Books): Promise<void> {
  const redeems = questions.filter((each) => each.kind === 'redeem');
  const batches = new Set(questions.flatMap((each) => (each.kind === 'voidVouchers' ? [each.request.batchId] : [])));
  if (redeems.length > 0) {
    const subjects = [...new Set(redeems.flatMap((each) => each.subjects))].sort();
    await client.query(MAKE_ATTEMPTS, [subjects]);
    for (const row of (await client.query(LOCK_ATTEMPTS, [subjects])).rows) books.attempts.set(row.subject, row);
    const { rows } = await client.query(LOCK_VOUCHERS, [redeems.map(({ hash }) => hash)]);
    for (const row of rows) {
      const hash = row.code_hash.toString('hex');
      const redeemed =
        row.redeemed_by === null
          ? undefined
          : { by: row.redeemed_by, atUs: row.redeemed_at_us, transferId: row.transfer_id };
      books.vouchers.set(hash, { hash, batchId: row.batch_id, serial: row.serial, redeemed });
      batches.add(row.batch_id);
    }
  }
  if (batches.size === 0) return;
  // A batch that is voided in this moment is, for a redemption that has its voucher, voided before or after.
  const lock = questions.some(({ kind }) => kind === 'voidVouchers') ? ' FOR UPDATE' : ' FOR SHARE';
  for (const row of (await client.query(LOCK_BATCHES + lock, [[...batches]])).rows) {
    books.batches.set(row.id, batchFromRow(row));
  }
}

export interface VoucherBatchRow {
  id: string;
  currency: string;
  value: bigint;
  count: number;
  created_at_us: bigint;
  expires_at_us: bigint;
  voided_at_us: bigint | null;
  redeemed: bigint;
  note: string;
}

export const batchFromRow = (row: VoucherBatchRow): VoucherBatch => ({
  id: row.id,
  currency: row.currency,
  value: row.value,
  count: row.count,
  createdAtUs: row.created_at_us,
  expiresAtUs: row.expires_at_us,
  voidedAtUs: row.voided_at_us ?? undefined,
  redeemed: Number(row.redeemed),
  note: row.note,
});
