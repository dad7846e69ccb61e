import { type Logger, type Pool, transaction } from '@ringback/service-kit';
import { totalsOf } from './day-totals.ts';

interface Month {
  readonly part: string;
  readonly fromUs: bigint;
  readonly toUs: bigint;
}

/** Months ahead whose part is made before the first CDR of it. */
const AHEAD = 2;

/** The month (UTC) that is `offset` months from the one of `atUs`. */
export function monthOf(atUs: bigint, offset = 0): Month {
  const at = new Date(Number(atUs / 1000n));
  const begin = (months: number): Date => new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + offset + months));
  const [from, to] = [begin(0), begin(1)];
  const part = `cdr_${from.toISOString().slice(0, 7).replace('-', '_')}`;
  return { part, fromUs: BigInt(from.getTime()) * 1000n, toUs: BigInt(to.getTime()) * 1000n };
}

/** Makes the parts of this month, the one before and those ahead. Idempotent. */
export async function makeCdrParts(pool: Pool, nowUs: bigint): Promise<void> {
  const months = Array.from({ length: AHEAD + 2 }, (_, index) => monthOf(nowUs, index - 1));
  const { rows } = await pool.query<{ part: string }>(
    "SELECT p.part FROM unnest($1::text[]) AS p(part) WHERE to_regclass('billing.' || p.part) IS NULL",
    [months.map(({ part }) => part)],
  );
  if (rows.length === 0) return;
  const missing = new Set(rows.map(({ part }) => part));
  await transaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', ['ringback:billing:cdr-parts']);
    for (const { part, fromUs, toUs } of months) {
      if (missing.has(part)) await client.query('SELECT billing.make_cdr_part($1, $2, $3)', [part, fromUs, toUs]);
    }
  });
}

/**
 * Drops the months that ended before `beforeUs`. Their totals by day stay, and their money: transfers, entries and the legs'
 * tombstones are never dropped. Answers the parts that went.
 */
export async function retireCdrs(pool: Pool, beforeUs: bigint, nowUs: bigint, log: Logger): Promise<string[]> {
  const { rows } = await pool.query<{ part: string }>(
    `SELECT c.relname AS part FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'billing.cdr'::regclass AND c.relname ~ '^cdr_\\d{4}_\\d{2}$' ORDER BY 1`,
  );
  const due = rows.filter(({ part }) => endOf(part) <= beforeUs);
  for (const { part } of due) {
    const legs = await retire(pool, part, nowUs);
    if (legs !== undefined) log.info({ part, legs }, 'CDRs past their retention are gone; their totals stay');
  }
  return due.map(({ part }) => part);
}

function endOf(part: string): bigint {
  const [, year, month] = part.split('_');
  return BigInt(Date.UTC(Number(year), Number(month))) * 1000n;
}

/** Undefined: another process did it. */
function retire(pool: Pool, part: string, nowUs: bigint): Promise<bigint | undefined> {
  return transaction(pool, async (client) => {
    await client.query('SELECT pg_advisory_xact_lock(hashtext($1))', ['ringback:billing:cdr-parts']);
    const there = await client.query<{ there: boolean }>(
      "SELECT to_regclass('billing.' || $1::text) IS NOT NULL AS there",
      [part],
    );
    if (!there.rows[0]!.there) return undefined;
    // Nobody settles into it between its totals and its end.
    await client.query(`LOCK TABLE billing.${part} IN SHARE MODE`);
    const totals = await totalsOf(client, `billing.${part}`);
    await client.query(
      'INSERT INTO billing.cdr_day_total SELECT * FROM json_populate_recordset(NULL::billing.cdr_day_total, $1)',
      [JSON.stringify(totals, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value))],
    );
    const { rows } = await client.query<{ legs: bigint }>(
      `INSERT INTO billing.cdr_retired SELECT $1, count(*), coalesce(max(settled_at_us), 0), $2 FROM billing.${part} RETURNING legs`,
      [part, nowUs],
    );
    await client.query(`DROP TABLE billing.${part}`);
    return rows[0]!.legs;
  });
}
