import { type Pool, transaction } from '@ringback/service-kit';

/** Each finds what must not be; one problem a row, as a sentence without numbers of telephones. */
const CHECKS = [
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
     FROM billing.transfer t WHERE t.kind = 'call' AND NOT EXISTS (SELECT 1 FROM billing.cdr c WHERE c.transfer_id = t.id)`,
  `SELECT 'leg ' || h.leg_id || ' is settled and its hold is still pending' AS problem
     FROM billing.hold h WHERE h.state = 'pending' AND EXISTS (SELECT 1 FROM billing.cdr c WHERE c.leg_id = h.leg_id)`,
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
