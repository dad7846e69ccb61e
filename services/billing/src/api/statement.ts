import { billing } from '@ringback/contracts';
import { GrpcError, nowUs, type Pool, type PoolClient } from '@ringback/service-kit';
import { fetchAll, snapshot } from '../postgres/cursor.ts';
import { checkId, checkPeriod } from './validate.ts';

interface LineRow {
  transfer_id: string;
  amount: bigint;
  kind: string;
  session_id: string;
  leg_id: string;
  at_us: bigint;
  note: string;
}

const OPENING = `SELECT coalesce(sum(e.amount), 0)::int8 AS micros FROM billing.entry e JOIN billing.transfer t ON t.id = e.transfer_id
  WHERE e.account = $1 AND t.at_us < $2`;
const LINES = `SELECT e.transfer_id, e.amount, t.kind, t.session_id, t.leg_id, t.at_us, t.note
  FROM billing.entry e JOIN billing.transfer t ON t.id = e.transfer_id
  WHERE e.account = $1 AND t.at_us >= $2 AND t.at_us < $3 ORDER BY t.at_us, e.id`;

/**
 * What came and went on an account in a period, each entry with the balance after it. Everything is derived from the
 * entries as of one moment.
 */
export function statement(
  pool: Pool,
  request: billing.GetStatementRequest,
): AsyncGenerator<billing.GetStatementResponse> {
  checkId('account_number', request.accountNumber);
  checkPeriod(request);
  return snapshot(pool, (client) => read(client, request));
}

async function* read(
  client: PoolClient,
  { accountNumber, fromUs, toUs }: billing.GetStatementRequest,
): AsyncGenerator<billing.GetStatementResponse> {
  const accounts = await client.query<{ currency: string }>('SELECT currency FROM billing.account WHERE number = $1', [
    accountNumber,
  ]);
  if (!accounts.rows[0]) throw GrpcError.notFound('account_number', 'there is no such account');
  const { currency } = accounts.rows[0];
  const opening = await client.query<{ micros: bigint }>(OPENING, [accountNumber, fromUs]);
  let balance = opening.rows[0]!.micros;
  yield billing.GetStatementResponse.fromPartial({ opening: { micros: balance, currency } });
  const totals = new Map<string, { micros: bigint; entries: bigint }>();
  const until = toUs === 0n ? nowUs() + 1n : toUs;
  for await (const rows of fetchAll<LineRow>(client, LINES, [accountNumber, fromUs, until])) {
    const lines = rows.map((row) => {
      balance += row.amount;
      const total = totals.get(row.kind) ?? { micros: 0n, entries: 0n };
      totals.set(row.kind, { micros: total.micros + row.amount, entries: total.entries + 1n });
      return {
        entry: {
          transferId: row.transfer_id,
          account: accountNumber,
          amount: { micros: row.amount, currency },
          kind: row.kind,
          legId: row.leg_id,
          atUs: row.at_us,
          note: row.note,
        },
        balanceAfter: { micros: balance, currency },
        sessionId: row.session_id,
      };
    });
    yield billing.GetStatementResponse.fromPartial({ lines });
  }
  yield billing.GetStatementResponse.fromPartial({
    closing: { micros: balance, currency },
    totals: [...totals].map(([kind, { micros, entries }]) => ({ kind, amount: { micros, currency }, entries })),
  });
}
