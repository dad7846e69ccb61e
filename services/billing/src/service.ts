import { billing } from '@ringback/contracts';
import {
  createPool,
  type GrpcServer,
  type Logger,
  migrate,
  nowUs,
  type Pool,
  startGrpcServer,
  uuidv7,
} from '@ringback/service-kit';
import { BillingApi } from './api/billing-service.ts';
import { deckHandlers } from './api/deck-service.ts';
import { ledgerHandlers } from './api/ledger-service.ts';
import { type Config, lossPolicy, voucherCodes } from './config.ts';
import { Maintenance } from './maintenance.ts';
import { Balances } from './postgres/balances.ts';
import { makeCdrParts } from './postgres/cdr-parts.ts';
import { DeckCache } from './postgres/deck-cache.ts';
import { Teller } from './postgres/teller.ts';

const MIGRATIONS = new URL('../migrations/', import.meta.url);

/** Batches touch a few rows by their keys: they are never to be scanned for, also before the tables were ever analysed. */
const BY_KEY = '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off';

export interface RunningBilling {
  readonly port: number;
  readonly pool: Pool;
  /** One round of expiry and measures now. */
  maintain(): Promise<void>;
  stop(): Promise<void>;
}

/** The service without its process: migrates, loads decks, listens. */
export async function startBilling(config: Config, log: Logger): Promise<RunningBilling> {
  const loss = lossPolicy(config);
  const codes = voucherCodes(config);
  const pool = createPool(config.DATABASE_URL, { max: config.DATABASE_CONNECTIONS });
  const tellerPool = createPool(config.DATABASE_URL, { max: 2, options: BY_KEY });
  let server: GrpcServer;
  const decks = new DeckCache(pool);
  try {
    await migrate(pool, MIGRATIONS, 'billing');
    await makeCdrParts(pool, nowUs());
    await decks.refresh(nowUs());
  } catch (error) {
    await tellerPool.end();
    await pool.end();
    throw error;
  }
  const slackUs = BigInt(config.HOLD_EXPIRY_SLACK) * 1000n;
  const policy = { inboundDeck: config.INBOUND_DECK, loss, expirySlackUs: slackUs, newId: () => uuidv7() };
  const teller = new Teller({ pool: tellerPool, log, decks, policy, maxBatch: config.MAX_BATCH });
  const maintenance = new Maintenance({
    pool,
    teller,
    log,
    slackUs,
    everyMs: config.MAINTENANCE_INTERVAL,
    checkEveryMs: config.LEDGER_CHECK_INTERVAL,
    retentionUs: BigInt(config.CDR_RETENTION) * 1000n,
  });
  server = await startGrpcServer({
    listen: config.GRPC_LISTEN,
    services: [
      {
        definition: billing.BillingServiceService,
        handlers: new BillingApi(log, teller, new Balances(pool)).handlers(),
      },
      { definition: billing.LedgerServiceService, handlers: ledgerHandlers(log, pool, teller, codes) },
      { definition: billing.DeckServiceService, handlers: deckHandlers(log, pool, decks) },
    ],
    protoFiles: ['ringback/billing/v1/billing.proto'],
    log,
  });
  maintenance.start();
  return {
    port: server.port,
    pool,
    maintain: () => maintenance.run(),
    async stop() {
      await server.stop();
      await maintenance.stop();
      await teller.idle();
      await tellerPool.end();
      await pool.end();
    },
  };
}
