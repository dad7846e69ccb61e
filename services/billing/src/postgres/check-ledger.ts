import { type Pool, transaction } from '@ringback/service-kit';

/** Each finds what must not be; one problem a row, as a sentence without numbers of telephones. */
const CHECKS = [
  `SELECT 'the entries in ' || currency || ' sum to ' || sum(amount) AS problem
     FROM billing.entry GROUP BY currency HAVING sum(amount) <> 0`,
  `SELECT 'transfer ' || transfer_id || ' sums to ' || sum(amount) || ' ' || currency AS problem
     FROM billing.entry GROUP BY transfer_id, currency HAVING sum(amount) <> 0`,
  `SELECT 'transfer ' || t.id || ' has no entries' AS problem
     FROM billing.transfer t WHERE NOT EXISTS (SELECT 1 FROM billing.entry e WHERE e.transfer_id = t.id)`,
  `SELECT 'entry ' || e.id || ' belongs to no transfer' AS problem
     FROM billing.entry e WHERE NOT EXISTS (SELECT 1 FROM billing.transfer t WHERE t.id = e.transfer_id)`,
  `SELECT 'account ' || a.number || ' has a balance of ' || a.balance || ', its entries sum to ' || coalesce(s.sum, 0) AS problem
     FROM billing.account a LEFT JOIN (SELECT account, currency, sum(amount) FROM billing.entry GROUP BY account, currency) s
       ON s.account = a.number AND s.currency = a.currency WHERE a.balance <> coalesce(s.sum, 0)`,
  `SELECT 'account ' || a.number || ' has ' || a.held || ' held, its pending holds sum to ' || coalesce(s.sum, 0) AS problem
     FROM billing.account a LEFT JOIN (
       SELECT account, sum(amount) FROM billing.hold WHERE state = 'pending' AND budget_day IS NULL GROUP BY account) s
       ON s.account = a.number WHERE a.held <> coalesce(s.sum, 0)`,
  `SELECT 'leg ' || c.leg_id || ' cost ' || c.cost || ', its transfer moved ' || coalesce(s.sum, 0) AS problem
     FROM billing.cdr c LEFT JOIN (
       SELECT transfer_id, sum(amount) FROM billing.entry WHERE account IN ('platform:revenue', 'platform:tax') GROUP BY transfer_id) s
       ON s.transfer_id = c.transfer_id WHERE c.cost <> coalesce(s.sum, 0)`,
  `SELECT 'transfer ' || t.id || ' charges a leg that has no CDR' AS problem
     FROM billing.transfer t WHERE t.kind = 'call' AND NOT EXISTS (SELECT 1 FROM billing.cdr c WHERE c.transfer_id = t.id)
       AND t.at_us > (SELECT coalesce(max(last_settled_at_us), 0) FROM billing.cdr_retired)`,
  `SELECT 'leg ' || h.leg_id || ' is settled and its hold is still pending' AS problem
     FROM billing.hold h WHERE h.state = 'pending' AND EXISTS (SELECT 1 FROM billing.cdr c WHERE c.leg_id = h.leg_id)`,
  `SELECT 'transfer ' || t.of_transfer || ' was given back more often than once' AS problem
     FROM billing.transfer t WHERE t.of_transfer IS NOT NULL
     GROUP BY t.of_transfer HAVING count(*) FILTER (WHERE t.kind = 'reversal') > 1 OR count(DISTINCT t.kind) > 1`,
  `SELECT 'leg ' || c.leg_id || ' cost ' || c.cost || ', ' || sum(e.amount) || ' were given back' AS problem
     FROM billing.cdr c JOIN billing.transfer t ON t.of_transfer = c.transfer_id JOIN billing.entry e ON e.transfer_id = t.id
     WHERE e.account = c.payer GROUP BY c.leg_id, c.cost, c.shortfall HAVING sum(e.amount) > c.cost - c.shortfall`,
  `SELECT 'voucher ' || v.batch_id || '/' || v.serial || ' was redeemed, and its transfer moved ' || coalesce(s.sum, 0) AS problem
     FROM billing.voucher v JOIN billing.voucher_batch b ON b.id = v.batch_id
     LEFT JOIN (SELECT transfer_id, -sum(amount) AS sum FROM billing.entry WHERE account = 'platform:vouchers' GROUP BY transfer_id) s
       ON s.transfer_id = v.transfer_id WHERE v.redeemed_by IS NOT NULL AND b.value <> coalesce(s.sum, 0)`,
];
const MOST_PROBLEMS = 100;

/** Checks the books at one moment: everything that must hold of transfers, balances, holds and CDRs. */
export function checkLedger(pool: Pool): Promise<{ problems: string[]; transfers: bigint }> {
  return transaction(pool, async (client) => {
    await client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    const problems: string[] = [];
    for (const sql of CHECKS) {
      const { rows } = await client.query<{ problem: string }>(`${sql} LIMIT ${MOST_PROBLEMS}`);
      problems.push(...rows.map(({ problem }) => problem));
    }
    const { rows } = await client.query<{ count: bigint }>('SELECT count(*) FROM billing.transfer');
    return { problems, transfers: rows[0]!.count };
  });
}
