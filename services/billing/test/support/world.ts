import assert from 'node:assert/strict';
import { billing } from '@ringback/contracts';
import { call, createLogger, createPool, grpcClient, type Pool, readConfig } from '@ringback/service-kit';
import { type TestDatabase, testDatabase } from '@ringback/service-kit/testing';
import { CONFIG, type RunningBilling, startBilling } from '../../src/index.ts';

/** 2026-07-07 12:00 UTC, a Tuesday. */
export const NOON = 1_783_425_600_000_000n;
export const S = 1_000_000n;
/** A: 0.06 a minute, per second, 0.05 to connect. B: 0.12 a minute in whole minutes. Blocked: 4490. */
export const DECK = `@currency,EUR
prefix,price,increment,connect_fee,blocked
48,0.06,1,0.05,
44,0.12,60,,
4490,,,,yes
`;
export const A = '+48601000001';
export const B = '+442079460000';

let ids = 0;
/** Ids that no other test of this process has. */
export const fresh = (what: string): string => `${what}-${process.pid}-${++ids}`;

export class World {
  readonly database: TestDatabase;
  readonly env: Record<string, string>;
  readonly pool: Pool;
  running: RunningBilling;
  billing!: billing.BillingServiceClient;
  ledger!: billing.LedgerServiceClient;
  decks!: billing.DeckServiceClient;

  private constructor(database: TestDatabase, env: Record<string, string>, running: RunningBilling) {
    this.database = database;
    this.env = env;
    this.running = running;
    this.pool = createPool(database.url, { max: 3 });
    this.#connect();
  }

  /** A database of its own with the service on it, until `close`; `road` is how the service (not the test) gets there. */
  static async start(
    env: Record<string, string> = {},
    road: (url: string) => Promise<string> = (url) => Promise.resolve(url),
  ): Promise<World> {
    const database = await testDatabase();
    const full = {
      DATABASE_URL: await road(database.url),
      GRPC_LISTEN: '127.0.0.1:0',
      MAINTENANCE_INTERVAL: '1h',
      HOLD_EXPIRY_SLACK: '36500d',
      ...env,
    };
    return new World(database, full, await boot(full));
  }

  /** Another process' worth of the service on the same database; the caller stops it. */
  second = (): Promise<RunningBilling> => boot(this.env);

  async restart(): Promise<void> {
    this.#disconnect();
    await this.running.stop();
    this.running = await boot(this.env);
    this.#connect();
  }

  #connect(): void {
    const address = `127.0.0.1:${this.running.port}`;
    this.billing = grpcClient(billing.BillingServiceClient, address);
    this.ledger = grpcClient(billing.LedgerServiceClient, address);
    this.decks = grpcClient(billing.DeckServiceClient, address);
  }

  #disconnect(): void {
    for (const client of [this.billing, this.ledger, this.decks]) client.close();
  }

  async close(): Promise<void> {
    this.#disconnect();
    await this.running.stop();
    await this.pool.end();
    await this.database.close();
  }

  reserve = (request: Partial<billing.ReserveRequest>): Promise<billing.ReserveResponse> =>
    call(this.billing, this.billing.reserve, reserveRequest(request));

  settle = (request: billing.SettleRequest): Promise<billing.SettleResponse> =>
    call(this.billing, this.billing.settle, request);

  async importDeck(csv: string, name = 'standard', validFromUs = 1n): Promise<number> {
    const request = billing.ImportDeckRequest.fromPartial({ name, csv, validFromUs });
    const { version, problems } = await call(this.decks, this.decks.importDeck, request, { deadlineMs: 20_000 });
    assert.deepEqual(problems, []);
    return version;
  }

  maintain = (): Promise<void> => this.running.maintain();

  /** A new account with money. */
  async account(euros: number, deck = 'standard'): Promise<string> {
    const accountNumber = fresh('acc');
    await call(this.ledger, this.ledger.openAccount, { accountNumber, currency: 'EUR', deck });
    if (euros > 0) await this.topUp(accountNumber, BigInt(Math.round(euros * 1e6)));
    return accountNumber;
  }

  topUp = (accountNumber: string, micros: bigint, requestId = fresh('top')): Promise<billing.TopUpResponse> =>
    call(this.ledger, this.ledger.topUp, {
      requestId,
      accountNumber,
      amount: { micros, currency: 'EUR' },
      note: 'test',
    });

  /** Balance and held, micro-units. */
  async purse(accountNumber: string): Promise<[balance: bigint, held: bigint]> {
    const { balance, held } = await call(this.billing, this.billing.getBalance, { requestId: '', accountNumber });
    return [balance!.micros, held!.micros];
  }

  async entries(accountNumber: string): Promise<[kind: string, micros: bigint][]> {
    const request = billing.ListLedgerEntriesRequest.fromPartial({ accountNumber });
    const { entries } = await call(this.ledger, this.ledger.listLedgerEntries, request);
    return entries.map(({ kind, amount }) => [kind, amount!.micros]);
  }

  /** Sum of the entries of an account of the platform. */
  async platform(account: string): Promise<bigint> {
    const { rows } = await this.pool.query(
      'SELECT coalesce(sum(amount), 0)::int8 AS sum FROM billing.entry WHERE account = $1',
      [account],
    );
    return rows[0].sum;
  }

  async cdr(legId: string): Promise<billing.Cdr> {
    const { rows } = await this.pool.query('SELECT session_id FROM billing.cdr WHERE leg_id = $1', [legId]);
    const request = billing.ListCdrsRequest.fromPartial({ sessionId: rows[0]?.session_id ?? 'none' });
    const { cdrs } = await call(this.ledger, this.ledger.listCdrs, request);
    const found = cdrs.find((cdr) => cdr.legId === legId);
    assert.ok(found, `leg ${legId} has no CDR`);
    return found;
  }

  async problems(): Promise<string[]> {
    return (await call(this.ledger, this.ledger.checkLedger, {})).problems;
  }
}

const boot = (env: Record<string, string>): Promise<RunningBilling> =>
  startBilling(readConfig(CONFIG, env), createLogger('billing', process.env.LOG_LEVEL ?? 'silent'));

export const leg = (legId: string, number: string, more: Partial<billing.QuoteLeg> = {}): billing.QuoteLeg => ({
  legId,
  number,
  inbound: false,
  startAtUs: NOON,
  elapsedUs: 0n,
  leadUs: 0n,
  ...more,
});

/** One leg A for an hour, unless told otherwise. */
export function reserveRequest(request: Partial<billing.ReserveRequest>): billing.ReserveRequest {
  return {
    requestId: fresh('reserve'),
    sessionId: fresh('session'),
    payer: undefined,
    legs: [leg(fresh('leg'), A)],
    capUs: 3600n * S,
    minUs: 0n,
    shard: 1,
    epoch: 1n,
    atUs: NOON,
    ...request,
  };
}

export const pays = (value: string): billing.ReserveRequest['payer'] => ({ $case: 'accountNumber', value });

/** A leg A that talked for `seconds`; undefined: it was not answered. */
export function settleRequest(
  seconds: number | undefined,
  cdr: Partial<billing.Cdr>,
  more: Partial<billing.SettleRequest> = {},
): billing.SettleRequest {
  const answered = seconds === undefined ? 0n : NOON;
  return {
    requestId: fresh('settle'),
    number: A,
    inbound: false,
    maxBillableUs: 0n,
    lossBudget: false,
    ...more,
    cdr: billing.Cdr.fromPartial({
      legId: fresh('leg'),
      sessionId: fresh('session'),
      role: 'a',
      fromNumber: '+48223000000',
      toNumber: A,
      accessNumber: '+48223000000',
      result: seconds === undefined ? 'no_answer' : 'success',
      createdAtUs: NOON - 5n * S,
      answeredAtUs: answered,
      endedAtUs: seconds === undefined ? NOON + 20n * S : NOON + BigInt(Math.round(seconds * 1e6)),
      ...cdr,
    }),
  };
}
