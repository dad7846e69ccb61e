import { auth, billing, dialer } from '@ringback/contracts';
import { call, grpcClient } from '@ringback/service-kit';
import { DEMO_ACCOUNTS } from './demo.ts';
import { demoPin, type Secrets, writeAtomically } from './files.ts';
import type { Layout } from './layout.ts';
import { natsUrl, postgresUrl } from './specs-stores.ts';

/** The contract for every outside program: where everything is. */
export interface Endpoints {
  edge: { sip: string };
  carrier: { sip: string };
  untrustedCarrier: { sip: string };
  switches: { id: string; sip: string; esl: string }[];
  grpc: Record<string, string>;
  http: Record<string, string>;
  postgres: string;
  nats: string;
  accessNumbers: {
    number: string;
    mode: string;
    language: string;
    unknownCallers: string;
    ringTimeMs: number;
    callbackDelayMs: number;
  }[];
  accounts: {
    number: string;
    pin: string;
    country: string;
    language: string;
    callerIds: { number: string; authorised: boolean }[];
    balance: string;
    deck: string;
  }[];
  processes: Record<string, number[]>;
}

type Data = Pick<Endpoints, 'accessNumbers' | 'accounts'>;

const CENTS = 10_000n;

/** Two decimals, rounded down: for people to read; the ledger knows the rest. */
function amount(money: { micros: bigint; currency: string } | undefined): string {
  if (!money) return '';
  const cents = money.micros / CENTS;
  const text = String(cents < 0n ? -cents : cents).padStart(3, '0');
  return `${cents < 0n ? '-' : ''}${text.slice(0, -2)}.${text.slice(-2)} ${money.currency}`;
}

/** Accounts and access numbers as the services know them now. */
export async function readData(layout: Layout, secrets: Secrets): Promise<Data> {
  const accounts = grpcClient(auth.AccountServiceClient, layout.grpc.auth);
  const money = grpcClient(billing.BillingServiceClient, layout.grpc.billing);
  const routing = grpcClient(dialer.RoutingServiceClient, layout.grpc.dialer);
  try {
    const [{ accessNumbers }, listed] = await Promise.all([
      call(routing, routing.listAccessNumbers, {}),
      call(accounts, accounts.listAccounts, { pageSize: 100, pageToken: '' }),
    ]);
    const balances = await Promise.all(
      listed.accounts.map(({ number }) => call(money, money.getBalance, { requestId: '', accountNumber: number })),
    );
    return {
      accessNumbers: accessNumbers.map(({ number, mode, language, unknownCallers, ringTimeMs, callbackDelayMs }) => ({
        number,
        mode,
        language,
        unknownCallers,
        ringTimeMs,
        callbackDelayMs,
      })),
      accounts: listed.accounts.map(({ number, country, language, callerIds }, index) => ({
        number,
        pin: DEMO_ACCOUNTS.some((demo) => demo.number === number) ? demoPin(secrets, number) : '',
        country,
        language,
        callerIds: callerIds.map((each) => ({ number: each.number, authorised: each.authorised })),
        balance: amount(balances[index]?.balance),
        deck: balances[index]?.deck ?? '',
      })),
    };
  } finally {
    for (const client of [accounts, money, routing]) client.close();
  }
}

/** Writes endpoints.json, whole or not at all. Holds PINs of the demo accounts: readable by its owner only. */
export async function writeEndpoints(
  layout: Layout,
  secrets: Secrets,
  data: Data,
  processes: Record<string, number[]>,
): Promise<Endpoints> {
  const endpoints: Endpoints = {
    edge: { sip: `${layout.edge.host}:${layout.edge.port}` },
    carrier: { sip: layout.carrier },
    untrustedCarrier: { sip: layout.untrustedCarrier },
    switches: layout.switches.map(({ id, host, sipPort, eslPort }) => ({
      id,
      sip: `${host}:${sipPort}`,
      esl: `127.0.0.1:${eslPort}`,
    })),
    grpc: layout.grpc,
    http: layout.http,
    postgres: postgresUrl(layout, secrets),
    nats: natsUrl(layout, secrets),
    ...data,
    processes,
  };
  await writeAtomically(layout.dir('endpoints.json'), `${JSON.stringify(endpoints, null, 2)}\n`, 0o600);
  return endpoints;
}
