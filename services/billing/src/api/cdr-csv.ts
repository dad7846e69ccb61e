import { formatDecimal } from '@ringback/money';
import { csvLine } from '@ringback/rating';
import type { CdrRow } from '../postgres/cdr-rows.ts';

const MICROS = 6;
const text = (value: unknown): string => String(value ?? '');
const money =
  (name: 'cost' | 'shortfall' | 'held') =>
  (row: CdrRow): string =>
    formatDecimal(row[name], MICROS);

/** Columns of the export. Times are epoch microseconds, money is in units of `currency`. */
const COLUMNS: Record<string, (row: CdrRow) => string> = {
  leg_id: (row) => row.leg_id,
  session_id: (row) => row.session_id,
  role: (row) => row.role,
  account: (row) => row.account_number,
  from: (row) => row.from_number,
  to: (row) => row.to_number,
  access_number: (row) => row.access_number,
  trunk: (row) => row.trunk_id,
  switch: (row) => row.switch_id,
  attempt: (row) => text(row.attempt),
  result: (row) => row.result,
  reason: (row) => row.reason,
  cause: (row) => row.cause,
  q850: (row) => text(row.q850),
  sip_status: (row) => text(row.sip_status),
  disposition: (row) => row.disposition,
  created_at_us: (row) => text(row.created_at_us),
  progress_at_us: (row) => text(row.progress_at_us),
  answered_at_us: (row) => text(row.answered_at_us),
  ended_at_us: (row) => text(row.ended_at_us),
  monotonic_us: (row) => text(row.monotonic_us),
  billed_us: (row) => text(row.billed_us),
  rated_number: (row) => row.rated_number,
  deck: (row) => row.deck,
  deck_version: (row) => text(row.deck_version),
  prefix: (row) => row.prefix,
  increments: (row) => row.increments,
  currency: (row) => row.currency,
  cost: money('cost'),
  shortfall: money('shortfall'),
  held: money('held'),
  transfer_id: (row) => text(row.transfer_id),
  trace_id: (row) => row.trace_id,
  note: (row) => row.note,
  settled_at_us: (row) => text(row.settled_at_us),
};

export const CDR_CSV_HEADER = csvLine(Object.keys(COLUMNS));

export const cdrCsvLine = (row: CdrRow): string => csvLine(Object.values(COLUMNS).map((of) => of(row)));
