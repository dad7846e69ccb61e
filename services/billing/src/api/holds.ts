import type { billing } from '@ringback/contracts';
import { nowUs, type Pool } from '@ringback/service-kit';
import { pageToken, readPageToken } from './page-token.ts';
import { checkPageSize } from './validate.ts';

const LARGEST_PAGE = 1_000;
const SELECT = `
  SELECT leg_id, session_id, CASE WHEN budget_day IS NULL THEN account ELSE 'platform:loss:' || budget_access_number END AS payer,
    currency, amount, created_at_us, paid_until_us, state, expired, shard, epoch
  FROM billing.hold
  WHERE ($1 OR state = 'pending') AND ($2 = '' OR account = $2) AND created_at_us <= $3
    AND (created_at_us > $4 OR (created_at_us = $4 AND leg_id > $5))
  ORDER BY created_at_us, leg_id LIMIT $6`;

/** Oldest first: whose money is promised, to which leg, since when, and whose dialer owns it. */
export async function listHolds(pool: Pool, request: billing.ListHoldsRequest): Promise<billing.ListHoldsResponse> {
  const size = request.pageSize === 0 ? LARGEST_PAGE : checkPageSize(request.pageSize);
  const after = readPageToken(request.pageToken, [/^\d{1,19}$/, /^[^]{1,200}$/]) ?? ['0', ''];
  const now = nowUs();
  // Asked for without an age: also what a clock ahead of ours has made.
  const until = request.olderThanUs === 0n ? 2n ** 62n : now - request.olderThanUs;
  const { rows } = await pool.query(SELECT, [request.all, request.accountNumber, until, after[0], after[1], size]);
  const last = rows.length === size ? rows.at(-1) : undefined;
  return {
    holds: rows.map((row) => ({
      legId: row.leg_id,
      sessionId: row.session_id,
      account: row.payer,
      amount: { micros: row.amount, currency: row.currency },
      createdAtUs: row.created_at_us,
      paidUntilUs: row.paid_until_us,
      state: row.state,
      expired: row.expired,
      ageUs: now - row.created_at_us,
      shard: row.shard,
      epoch: row.epoch,
    })),
    nextPageToken: last ? pageToken(last.created_at_us, last.leg_id) : '',
  };
}
