import { createSocket } from 'node:dgram';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auth, billing, dialer } from '@ringback/contracts';
import {
  type Endpoints,
  layoutOf,
  type Platform,
  type RunSettings,
  settingsFromEnv,
  startPlatform,
} from '@ringback/dev-run';
import { type PhoneCall, Telephone } from '@ringback/dev-telephone';
import { ConfigError, call, grpcClient } from '@ringback/service-kit';
import { referencePrompts } from './reference-prompts.ts';

export type Account = Endpoints['accounts'][number];

/** Waits shortened by the ordinary settings. */
const QUICK: RunSettings['accessNumber'] = {
  ringTimeMs: 1_000,
  callbackDelayMs: 500,
  busyRetrySeconds: [1, 2],
  noAnswerRetrySeconds: [1],
  coolDownSeconds: 1,
  answerTimeoutSeconds: 8,
};

const LOOK_MS = 50;
/** Sessions and CDRs come in pages. */
const PAGE = 500;

/** Below the ports that the kernel gives to outgoing connections (32768 and above), 1000 apart. */
const FIRST_BASE = 8_000;
const BASES = 23;

const listenable = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

const bindable = (port: number, address: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => resolve(false));
    socket.bind(port, address, () => socket.close(() => resolve(true)));
  });

/** A port base nobody has: neither a run nor what one that was killed left behind. */
async function freeBase(): Promise<number> {
  for (let turn = process.pid; ; turn += 1) {
    const base = FIRST_BASE + (turn % BASES) * 1_000;
    const { edge, switches, natsPort, postgresPort } = layoutOf({ ...settingsFromEnv({}), portBase: base });
    const free = await Promise.all([
      ...[base, natsPort, postgresPort].map(listenable),
      ...[edge, ...switches.map(({ host, sipPort }) => ({ host, port: sipPort }))].map(({ host, port }) =>
        bindable(port, host),
      ),
    ]);
    if (free.every(Boolean)) return base;
  }
}

/** Another test may take the same ports between the look and the start: then others are looked for. */
async function startAtFreePorts(runDir: string, options: WorldOptions): Promise<Platform> {
  for (;;) {
    const portBase = await freeBase();
    const settings = settingsFromEnv({ ...process.env, RUN_DIR: runDir, PORT_BASE: String(portBase), CARRIER: '' });
    try {
      return await startPlatform(
        {
          ...settings,
          env: options.env ?? {},
          dialers: options.dialers ?? 1,
          natsBy: await options.natsBy?.(layoutOf(settings).natsPort),
          accessNumber: { ...QUICK, ...options.accessNumber },
        },
        { say: options.say },
      );
    } catch (error) {
      if (!(error instanceof ConfigError && error.knob === 'PORT_BASE')) throw error;
    }
  }
}

export interface Customer {
  number: string;
  pin: string;
  caller: string;
}

export interface WorldOptions {
  env?: RunSettings['env'];
  accessNumber?: RunSettings['accessNumber'];
  dialers?: number;
  natsBy?: (natsPort: number) => Promise<RunSettings['natsBy']>;
  say?: (line: string) => void;
}

/** Whoever ends a test ends its platform: the supervisor does that when this process exits. */
process.once('SIGTERM', () => process.exit(128 + 15));

/** The whole platform on real parts, the carrier's telephone, and a view of what became of calls. */
export class World {
  readonly platform: Platform;
  readonly phone: Telephone;
  /** The carrier whose caller IDs are not trusted. */
  readonly untrusted: Telephone;
  readonly #directory: string;
  /** By their class. */
  readonly #clients = new Map<unknown, { close(): void }>();

  private constructor(platform: Platform, phone: Telephone, untrusted: Telephone, directory: string) {
    this.platform = platform;
    this.phone = phone;
    this.untrusted = untrusted;
    this.#directory = directory;
  }

  static async start(options: WorldOptions = {}): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), 'ringback-'));
    const prompts = await referencePrompts();
    const platform = await startAtFreePorts(join(directory, 'run'), options);
    const { edge, carrier, untrustedCarrier } = platform.endpoints;
    const phone = await Telephone.create({ bind: carrier.sip, edge: edge.sip, prompts });
    const untrusted = await Telephone.create({ bind: untrustedCarrier.sip, edge: edge.sip, prompts });
    return new World(platform, phone, untrusted, directory);
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    await this.phone.close();
    await this.untrusted.close();
    await this.platform.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }

  get endpoints(): Endpoints {
    return this.platform.endpoints;
  }

  get runDir(): string {
    return join(this.#directory, 'run');
  }

  account(number: string): Account & { caller: string } {
    const account = this.endpoints.accounts.find((each) => each.number === number);
    const caller = account?.callerIds[0]?.number;
    if (!account || !caller) throw new Error(`there is no account ${number} with a caller ID`);
    return { ...account, caller };
  }

  #customers = 0;

  /** A new account with one caller ID of its own, so that tests can go on side by side. */
  async customer(
    options: { micros?: bigint; language?: string; country?: string; authorised?: boolean; caller?: string } = {},
  ): Promise<Customer> {
    const { accounts, ledger } = this;
    this.#customers += 1;
    const count = this.#customers;
    const pin = String(700_000 + count * 37);
    const { country = 'PL', language = 'en', authorised = true, micros = 5_000_000n } = options;
    const { account } = await call(accounts, accounts.createAccount, { number: '', pin, country, language });
    const number = account?.number ?? '';
    const caller = options.caller ?? `+48602${String(100_000 + count)}`;
    await call(accounts, accounts.putCallerId, { accountNumber: number, number: caller, authorised, move: false });
    await call(ledger, ledger.openAccount, { accountNumber: number, currency: 'EUR', deck: 'demo' });
    if (micros > 0n) {
      const amount = { micros, currency: 'EUR' };
      await call(ledger, ledger.topUp, { requestId: `test-${number}`, accountNumber: number, amount, note: '' });
    }
    return { number, pin, caller };
  }

  #client<C extends { close(): void }>(Client: Parameters<typeof grpcClient<C>>[0], address: string | undefined): C {
    const known = (this.#clients.get(Client) as C | undefined) ?? grpcClient(Client, address ?? '');
    this.#clients.set(Client, known);
    return known;
  }

  get ledger(): billing.LedgerServiceClient {
    return this.#client(billing.LedgerServiceClient, this.endpoints.grpc.billing);
  }

  get sessionService(): dialer.SessionServiceClient {
    return this.#client(dialer.SessionServiceClient, this.endpoints.grpc.dialer);
  }

  get routing(): dialer.RoutingServiceClient {
    return this.#client(dialer.RoutingServiceClient, this.endpoints.grpc.dialer);
  }

  get accounts(): auth.AccountServiceClient {
    return this.#client(auth.AccountServiceClient, this.endpoints.grpc.auth);
  }

  /** A missed call: rings, and is rejected (or given up by the caller after `giveUpMs`). */
  async trigger(from: string, to: string, telephone: Telephone = this.phone): Promise<PhoneCall> {
    const trigger = await telephone.call(from, to);
    await trigger.expectEnd(10_000);
    return trigger;
  }

  /** A missed call, and the callback that follows, answered. */
  async calledBack(from: string, to: string): Promise<PhoneCall> {
    await this.trigger(from, to);
    const a = await this.phone.expectCall(from, 10_000);
    a.answer();
    return a;
  }

  /** Micro-units. */
  async balance(accountNumber: string): Promise<{ balance: bigint; held: bigint }> {
    const money = this.#client(billing.BillingServiceClient, this.endpoints.grpc.billing);
    const { balance, held } = await call(money, money.getBalance, { requestId: '', accountNumber });
    return { balance: balance?.micros ?? 0n, held: held?.micros ?? 0n };
  }

  async speedDial(accountNumber: string, code: string, number: string): Promise<void> {
    const { accounts } = this;
    await call(accounts, accounts.putSpeedDial, { accountNumber, code, number });
  }

  /** Newest first. */
  async cdrs(filter: Partial<billing.ListCdrsRequest> = {}): Promise<billing.Cdr[]> {
    const { ledger } = this;
    return allPages(async (pageToken) => {
      const request = billing.ListCdrsRequest.fromPartial({ pageSize: PAGE, ...filter, pageToken });
      const { cdrs, nextPageToken } = await call(ledger, ledger.listCdrs, request);
      return { items: cdrs, nextPageToken };
    });
  }

  /** Newest first; of one caller, or all. */
  async sessions(callerId = ''): Promise<dialer.SessionView[]> {
    const { sessionService } = this;
    return allPages(async (pageToken) => {
      const request = { all: true, callerId, pageSize: PAGE, pageToken };
      const { sessions, nextPageToken } = await call(sessionService, sessionService.listSessions, request);
      return { items: sessions, nextPageToken };
    });
  }

  /** Resolves once this caller's last session is over, and the cool-down after it as well. */
  async over(caller: string): Promise<void> {
    const coolUs = BigInt((QUICK.coolDownSeconds ?? 1) * 1_000_000);
    await until(
      'the session is over',
      async () => {
        const [last] = await this.sessions(caller);
        return last?.state === 'ended' && BigInt(Date.now()) * 1000n > last.endedAtUs + coolUs;
      },
      60_000,
    );
  }

  /** Resolves once no session is open. */
  async settled(timeoutMs = 20_000): Promise<void> {
    await until(
      'every session ended',
      async () => {
        const { sessionService } = this;
        const request = { all: false, callerId: '', pageSize: 1, pageToken: '' };
        return (await call(sessionService, sessionService.listSessions, request)).sessions.length === 0;
      },
      timeoutMs,
    );
  }

  /**
   * What must hold whenever nothing is going on: the ledger balances, nothing is held, every leg has exactly one CDR, and
   * exactly those that were answered cost something to somebody or say why not.
   */
  async invariants(): Promise<void> {
    const { ledger } = this;
    const { balanced, problems } = await call(ledger, ledger.checkLedger, {});
    if (!balanced) throw new Error(`the ledger is not balanced: ${problems.join('; ')}`);
    const { holds } = await call(ledger, ledger.listHolds, billing.ListHoldsRequest.fromPartial({ all: false }));
    if (holds.length > 0) throw new Error(`${holds.length} holds are left`);
    const recorded = Map.groupBy(await this.cdrs(), ({ legId }) => legId);
    for (const session of await this.sessions()) {
      for (const { legId, role, number } of session.legs) {
        const count = recorded.get(legId)?.length ?? 0;
        if (count !== 1)
          throw new Error(`leg ${role} of session ${session.id} (${number ? 'numbered' : 'hidden'}) has ${count} CDRs`);
      }
    }
  }

  /** A log file of one process. */
  log(name: string): Promise<string> {
    return readFile(join(this.runDir, 'logs', `${name}.log`), 'utf8');
  }
}

async function allPages<T>(page: (token: string) => Promise<{ items: T[]; nextPageToken: string }>): Promise<T[]> {
  const all: T[] = [];
  for (let token = ''; ; ) {
    const { items, nextPageToken } = await page(token);
    all.push(...items);
    if (nextPageToken === '') return all;
    token = nextPageToken;
  }
}

/** Looks until it holds. @throws Error naming what did not come true in time. */
export async function until(what: string, holds: () => Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
