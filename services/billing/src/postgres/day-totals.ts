import { countryOf } from '@ringback/numbering';
import type { Pool, PoolClient } from '@ringback/service-kit';

/** What the attempts of a UTC day came to, by everything that totals are asked by. */
export interface DayTotal {
  /** YYYY-MM-DD, UTC. */
  readonly day: string;
  readonly trunk_id: string;
  readonly deck: string;
  /** ISO 3166-1 alpha-2; empty: a number of no country. */
  readonly country: string;
  readonly currency: string;
  readonly legs: bigint;
  readonly answered: bigint;
  readonly billed_us: bigint;
  readonly cost: bigint;
  readonly shortfall: bigint;
}

/** Numbers of one country share it; of each such group one stands for all. */
const COUNTRY_DIGITS = 8;
const GROUPED = (table: string, where: string): string => `
  SELECT to_char(to_timestamp(created_at_us / 1000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, trunk_id, deck,
    max(coalesce(nullif(rated_number, ''), to_number)) AS number, currency, count(*) AS legs, count(*) FILTER (WHERE answered_at_us > 0) AS answered,
    sum(billed_us)::int8 AS billed_us, sum(cost)::int8 AS cost, sum(shortfall)::int8 AS shortfall
  FROM ${table} WHERE ${where}
  GROUP BY 1, trunk_id, deck, left(coalesce(nullif(rated_number, ''), to_number), ${COUNTRY_DIGITS}), currency`;

/** Adds up what has the same `keyOf`. */
export function addUp(totals: Iterable<DayTotal>, keyOf: (total: DayTotal) => string): DayTotal[] {
  const sums = new Map<string, DayTotal>();
  for (const each of totals) {
    const key = keyOf(each);
    const sum = sums.get(key);
    sums.set(
      key,
      sum
        ? {
            ...sum,
            legs: sum.legs + each.legs,
            answered: sum.answered + each.answered,
            billed_us: sum.billed_us + each.billed_us,
            cost: sum.cost + each.cost,
            shortfall: sum.shortfall + each.shortfall,
          }
        : each,
    );
  }
  return [...sums.values()];
}

/** Totals of one table of CDRs. */
export async function totalsOf(
  client: Pool | PoolClient,
  table: string,
  where = 'true',
  values: readonly unknown[] = [],
): Promise<DayTotal[]> {
  const { rows } = await client.query<DayTotal & { number: string }>(GROUPED(table, where), [...values]);
  const totals = rows.map(({ number, ...row }) => ({ ...row, country: countryOf(number) }));
  return addUp(totals, ({ day, trunk_id, deck, country, currency }) =>
    [day, trunk_id, deck, country, currency].join('\u0000'),
  );
}

/** Totals of a period: of CDRs, and of those whose retention is over. */
export async function dayTotals(client: PoolClient, fromUs: bigint, toUs: bigint): Promise<DayTotal[]> {
  const kept = await totalsOf(client, 'billing.cdr', 'created_at_us >= $1 AND created_at_us < $2', [fromUs, toUs]);
  const gone = await client.query<DayTotal>(
    `SELECT to_char(day, 'YYYY-MM-DD') AS day, trunk_id, deck, country, currency, legs, answered, billed_us, cost, shortfall
     FROM billing.cdr_day_total
     WHERE day >= (to_timestamp($1::int8 / 1000000) AT TIME ZONE 'UTC')::date AND day < (to_timestamp($2::int8 / 1000000) AT TIME ZONE 'UTC')::date`,
    [fromUs, toUs],
  );
  return [...kept, ...gone.rows];
}
