import type { billing } from '@ringback/contracts';
import type { Pool } from '@ringback/service-kit';
import { type CdrRow, publicCdr } from '../postgres/cdr-rows.ts';
import { cursor } from '../postgres/cursor.ts';
import { CDR_CSV_HEADER, cdrCsvLine } from './cdr-csv.ts';
import { pageToken, readPageToken } from './page-token.ts';
import { checkCause, checkPageSize } from './validate.ts';

const DIGITS = /^\d{1,19}$/;

/** What CDRs are searched by; empty and 0 are no condition. */
type Filter = Pick<
  billing.ListCdrsRequest,
  'accountNumber' | 'sessionId' | 'number' | 'fromUs' | 'toUs' | 'cause' | 'result'
>;

class Conditions {
  readonly values: unknown[] = [];
  readonly #sql: string[] = [];

  /** `sql` gets the parameter's name. */
  add(value: unknown, sql: (parameter: string) => string): void {
    this.values.push(value);
    this.#sql.push(sql(`$${this.values.length}`));
  }

  get sql(): string {
    return this.#sql.length === 0 ? 'true' : this.#sql.join(' AND ');
  }
}

/** @throws {Refused} */
function conditionsOf(filter: Filter): Conditions {
  const where = new Conditions();
  if (filter.fromUs !== 0n) where.add(filter.fromUs, (p) => `created_at_us >= ${p}`);
  if (filter.toUs !== 0n) where.add(filter.toUs, (p) => `created_at_us < ${p}`);
  if (filter.accountNumber !== '') where.add(filter.accountNumber, (p) => `account_number = ${p}`);
  if (filter.sessionId !== '') where.add(filter.sessionId, (p) => `session_id = ${p}`);
  if (filter.number !== '') where.add(filter.number, (p) => `(from_number = ${p} OR to_number = ${p})`);
  if (filter.result !== '') where.add(filter.result, (p) => `result = ${p}`);
  const cause = checkCause(filter.cause);
  if (cause !== undefined) where.add(cause.value, (p) => `${cause.column} = ${p}`);
  return where;
}

/** Newest first. */
export async function listCdrs(pool: Pool, request: billing.ListCdrsRequest): Promise<billing.ListCdrsResponse> {
  const size = checkPageSize(request.pageSize);
  const before = readPageToken(request.pageToken, [DIGITS, /^[^]{1,200}$/]);
  const where = conditionsOf(request);
  if (before) {
    where.add(before[0], (p) => `created_at_us <= ${p}`);
    const at = where.values.length;
    where.add(before[1], (p) => `(created_at_us < $${at} OR leg_id < ${p})`);
  }
  const { rows } = await pool.query<CdrRow>(
    `SELECT * FROM billing.cdr WHERE ${where.sql} ORDER BY created_at_us DESC, leg_id DESC LIMIT ${size}`,
    where.values,
  );
  const last = rows.length === size ? rows.at(-1) : undefined;
  return { cdrs: rows.map(publicCdr), nextPageToken: last ? pageToken(last.created_at_us, last.leg_id) : '' };
}

/** Oldest first, as of one moment; a header line, then some thousand lines a message. */
export async function* exportCdrs(
  pool: Pool,
  request: billing.ExportCdrsRequest,
): AsyncGenerator<billing.ExportCdrsResponse> {
  const where = conditionsOf(request);
  const sql = `SELECT * FROM billing.cdr WHERE ${where.sql} ORDER BY created_at_us, leg_id`;
  yield { csv: CDR_CSV_HEADER };
  for await (const rows of cursor<CdrRow>(pool, sql, where.values)) yield { csv: rows.map(cdrCsvLine).join('') };
}
