import { billing } from '@ringback/contracts';
import type { Cdr, Payer } from '../domain/model.ts';

/** Columns of the CDR that are as reported, and their field. */
const REPORTED = {
  leg_id: 'legId',
  session_id: 'sessionId',
  role: 'role',
  account_number: 'accountNumber',
  from_number: 'fromNumber',
  to_number: 'toNumber',
  access_number: 'accessNumber',
  trunk_id: 'trunkId',
  switch_id: 'switchId',
  attempt: 'attempt',
  result: 'result',
  reason: 'reason',
  cause: 'cause',
  q850: 'q850',
  sip_status: 'sipStatus',
  disposition: 'disposition',
  created_at_us: 'createdAtUs',
  progress_at_us: 'progressAtUs',
  answered_at_us: 'answeredAtUs',
  ended_at_us: 'endedAtUs',
  trace_id: 'traceId',
  monotonic_us: 'monotonicUs',
} as const satisfies Record<string, keyof billing.Cdr>;

type Reported = { [C in keyof typeof REPORTED]: billing.Cdr[(typeof REPORTED)[C]] };

export interface CdrRow extends Reported {
  rated_number: string;
  payer: string;
  currency: string;
  cost: bigint;
  shortfall: bigint;
  billed_us: bigint;
  deck: string;
  deck_version: number;
  transfer_id: string | null;
  note: string;
  held: bigint;
  increments: string;
  prefix: string;
  settled_at_us: bigint;
}

/** The column `payer`: an account's number, a loss budget, or empty. */
function payerText(payer: Payer): string {
  if (payer.kind === 'account') return payer.account;
  return payer.kind === 'loss' ? `loss:${payer.day}:${payer.accessNumber}:${payer.callerId}` : '';
}

function payerFromText(text: string): Payer {
  const [kind, day, accessNumber = '', callerId = ''] = text.split(':');
  if (kind === 'loss' && day !== undefined) return { kind: 'loss', day: Number(day), accessNumber, callerId };
  return text === '' ? { kind: 'nobody' } : { kind: 'account', account: text };
}

export function cdrToRow(settled: Cdr, nowUs: bigint): CdrRow {
  const reported = Object.fromEntries(Object.entries(REPORTED).map(([column, field]) => [column, settled.cdr[field]]));
  return {
    ...(reported as Reported),
    rated_number: settled.ratedNumber,
    payer: payerText(settled.payer),
    currency: settled.currency,
    cost: settled.cost,
    shortfall: settled.shortfall,
    billed_us: settled.billedUs,
    deck: settled.pinned.deck,
    deck_version: settled.pinned.version,
    transfer_id: settled.transferId === '' ? null : settled.transferId,
    note: settled.note,
    held: settled.held,
    increments: settled.increments,
    prefix: settled.prefix,
    settled_at_us: nowUs,
  };
}

/** As it was reported, without what was charged. */
const reportFromRow = (row: CdrRow): billing.Cdr =>
  billing.Cdr.fromPartial(
    Object.fromEntries(Object.entries(REPORTED).map(([column, field]) => [field, row[column as keyof Reported]])),
  );

export const cdrFromRow = (row: CdrRow): Cdr => ({
  cdr: reportFromRow(row),
  ratedNumber: row.rated_number,
  payer: payerFromText(row.payer),
  currency: row.currency,
  cost: row.cost,
  shortfall: row.shortfall,
  billedUs: row.billed_us,
  pinned: { deck: row.deck, version: row.deck_version },
  transferId: row.transfer_id ?? '',
  note: row.note,
  held: row.held,
  increments: row.increments,
  prefix: row.prefix,
});

/** As it is told to people: the report and what was charged. */
export const publicCdr = (row: CdrRow): billing.Cdr => ({
  ...reportFromRow(row),
  cost: { micros: row.cost, currency: row.currency },
  billedUs: row.billed_us,
  deck: row.deck,
  deckVersion: row.deck_version,
  transferId: row.transfer_id ?? '',
  shortfall: { micros: row.shortfall, currency: row.currency },
  note: row.note,
  held: { micros: row.held, currency: row.currency },
  increments: row.increments,
  prefix: row.prefix,
  ratedNumber: row.rated_number,
  settledAtUs: row.settled_at_us,
});
