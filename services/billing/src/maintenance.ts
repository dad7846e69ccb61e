import { type Logger, nowUs, observe, type Pool } from '@ringback/service-kit';
import { makeCdrParts, retireCdrs } from './postgres/cdr-parts.ts';
import { checkLedger } from './postgres/check-ledger.ts';
import type { Teller } from './postgres/teller.ts';

const MOST_EXPIRIES = 500;
const PARTS_EVERY_MS = 3_600_000;

export interface MaintenanceOptions {
  pool: Pool;
  teller: Teller;
  log: Logger;
  /** How long after its paid-for time a hold is posted, µs. */
  slackUs: bigint;
  everyMs: number;
  /** Between checks of the whole ledger, which read all of it. */
  checkEveryMs: number;
  /** CDRs older than this go. */
  retentionUs: bigint;
}

interface Gauges {
  holdsOpen: number;
  oldestHoldSeconds: number;
  unsettled: number;
  imbalanceMicros: number;
  problems: number;
}

/** What runs beside the questions: posting holds that nobody ended, and measuring. */
export class Maintenance {
  readonly #options: MaintenanceOptions;
  readonly #gauges: Gauges = { holdsOpen: 0, oldestHoldSeconds: 0, unsettled: 0, imbalanceMicros: 0, problems: 0 };
  #timer: NodeJS.Timeout | undefined;
  #nextCheck = 0;
  #nextParts = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(options: MaintenanceOptions) {
    this.#options = options;
    observe('ringback.billing.holds.open', (tell) => tell(this.#gauges.holdsOpen));
    observe('ringback.billing.holds.oldest', (tell) => tell(this.#gauges.oldestHoldSeconds));
    observe('ringback.billing.legs.unsettled', (tell) => tell(this.#gauges.unsettled));
    observe('ringback.billing.ledger.imbalance_micros', (tell) => tell(this.#gauges.imbalanceMicros));
    observe('ringback.billing.ledger.problems', (tell) => tell(this.#gauges.problems));
  }

  start(): void {
    const round = (): void => {
      this.#running = this.run()
        .catch((error: unknown) => this.#options.log.error({ err: error }, 'maintenance failed; it is tried again'))
        .finally(() => {
          this.#timer = setTimeout(round, this.#options.everyMs);
        });
    };
    round();
  }

  async stop(): Promise<void> {
    await this.#running;
    clearTimeout(this.#timer);
  }

  /** One round: expiry, then measures; now and then the parts of the CDRs, and the ledger against itself. */
  async run(): Promise<void> {
    const { pool, teller, log, slackUs, checkEveryMs } = this.#options;
    const { rows } = await pool.query<{ leg_id: string }>(
      `SELECT leg_id FROM billing.hold WHERE state = 'pending' AND paid_until_us < $1 ORDER BY paid_until_us LIMIT ${MOST_EXPIRIES}`,
      [nowUs() - slackUs],
    );
    await Promise.all(rows.map(({ leg_id }) => teller.ask({ kind: 'expire', legId: leg_id })));
    if (rows.length > 0)
      log.warn({ holds: rows.length }, 'holds were posted in full: no end of their legs was reported');
    await this.#measure(pool);
    if (performance.now() >= this.#nextParts) {
      await this.#keepParts();
      this.#nextParts = performance.now() + PARTS_EVERY_MS;
    }
    if (performance.now() >= this.#nextCheck) {
      await this.#check();
      this.#nextCheck = performance.now() + checkEveryMs;
    }
  }

  async #keepParts(): Promise<void> {
    const { pool, log, retentionUs } = this.#options;
    const now = nowUs();
    await makeCdrParts(pool, now);
    await retireCdrs(pool, now - retentionUs, now, log);
  }

  /** Every balance against its entries: what differs is named in the log, and counted. */
  async #check(): Promise<void> {
    const { problems } = await checkLedger(this.#options.pool);
    for (const problem of problems) this.#options.log.error({ problem }, 'the ledger is not what it should be');
    this.#gauges.problems = problems.length;
    const { rows } = await this.#options.pool.query<{ sum: bigint }>(
      'SELECT coalesce(sum(abs(sum)), 0)::int8 AS sum FROM (SELECT sum(amount) FROM billing.entry GROUP BY currency) s',
    );
    this.#gauges.imbalanceMicros = Number(rows[0]!.sum);
  }

  async #measure(pool: Pool): Promise<void> {
    const { rows } = await pool.query<Record<'open' | 'oldest' | 'unsettled', bigint>>(
      `SELECT count(*) AS open, coalesce(min(created_at_us), 0) AS oldest, count(*) FILTER (WHERE paid_until_us < $1) AS unsettled
       FROM billing.hold WHERE state = 'pending'`,
      [nowUs()],
    );
    const { open, oldest, unsettled } = rows[0]!;
    this.#gauges.holdsOpen = Number(open);
    this.#gauges.oldestHoldSeconds = oldest === 0n ? 0 : Number((nowUs() - oldest) / 1_000_000n);
    this.#gauges.unsettled = Number(unsettled);
  }
}
