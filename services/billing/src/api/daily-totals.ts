import { billing } from '@ringback/contracts';
import { type Pool, transaction } from '@ringback/service-kit';
import { Refused } from '../domain/model.ts';
import { addUp, type DayTotal, dayTotals } from '../postgres/day-totals.ts';
import { checkPeriod } from './validate.ts';

const DAY_US = 86_400_000_000n;
const MOST_DAYS = 400n;

const KEYS: Record<string, (total: DayTotal) => string> = {
  [billing.ListDailyTotalsRequest_By.TRUNK]: ({ trunk_id }) => trunk_id,
  [billing.ListDailyTotalsRequest_By.DECK]: ({ deck }) => deck,
  [billing.ListDailyTotalsRequest_By.COUNTRY]: ({ country }) => country,
};

/** @throws {Refused} */
export async function listDailyTotals(
  pool: Pool,
  request: billing.ListDailyTotalsRequest,
): Promise<billing.ListDailyTotalsResponse> {
  const keyOf = KEYS[request.by];
  if (!keyOf) throw new Refused('INVALID_ARGUMENT', 'by', 'is none of BY_TRUNK, BY_DECK, BY_COUNTRY');
  checkPeriod(request);
  // Whole days that begin in the period.
  const from = ((request.fromUs + DAY_US - 1n) / DAY_US) * DAY_US;
  const to = ((request.toUs + DAY_US - 1n) / DAY_US) * DAY_US;
  if (to - from > MOST_DAYS * DAY_US)
    throw new Refused('INVALID_ARGUMENT', 'to_us', `is more than ${MOST_DAYS} days on`);
  const totals = await transaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    return dayTotals(client, from, to);
  });
  const sums = addUp(totals, (total) => [total.day, keyOf(total), total.currency].join('\u0000'));
  sums.sort((a, b) => a.day.localeCompare(b.day) || keyOf(a).localeCompare(keyOf(b)));
  return {
    totals: sums.map((total) => ({
      day: total.day,
      key: keyOf(total),
      legs: total.legs,
      answered: total.answered,
      billedUs: total.billed_us,
      cost: { micros: total.cost, currency: total.currency },
      shortfall: { micros: total.shortfall, currency: total.currency },
    })),
  };
}
