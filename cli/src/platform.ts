import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { auth, billing, dialer } from '@ringback/contracts';
import { call, callStream, grpcClient } from '@ringback/service-kit';

/** A wrong call of the command line (exit status 2). */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Addresses {
  auth: string;
  billing: string;
  dialer: string;
  nats: string;
}

/** Addresses from the environment, else from a run's endpoints.json. @throws UsageError when neither says where. */
function addresses(endpoints: string | undefined): Addresses {
  const env = process.env;
  const file = endpoints ?? join(env.RUN_DIR ?? '.run', 'endpoints.json');
  let told: { grpc?: Record<string, string>; nats?: string } = {};
  try {
    told = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (!env.DIALER_ADDRESS)
      throw new UsageError(`${file} cannot be read (is the platform running?): ${(error as Error).message}`);
  }
  const address = (name: 'auth' | 'billing' | 'dialer'): string => {
    const found = env[`${name.toUpperCase()}_ADDRESS`] ?? told.grpc?.[name];
    if (!found)
      throw new UsageError(`${name.toUpperCase()}_ADDRESS is not set, and ${file} does not say where ${name} is`);
    return found;
  };
  return {
    auth: address('auth'),
    billing: address('billing'),
    dialer: address('dialer'),
    nats: env.NATS_URL ?? told.nats ?? '',
  };
}

/** The platform as the command line reaches it; clients are made when they are first used. */
export class PlatformClient {
  readonly #addresses: Addresses;
  readonly #open: { close(): void }[] = [];

  constructor(endpoints: string | undefined) {
    this.#addresses = addresses(endpoints);
  }

  get natsUrl(): string {
    return this.#addresses.nats;
  }

  #client<C extends { close(): void }>(Client: Parameters<typeof grpcClient<C>>[0], address: string): C {
    const client = grpcClient(Client, address);
    this.#open.push(client);
    return client;
  }

  get accounts(): auth.AccountServiceClient {
    return this.#client(auth.AccountServiceClient, this.#addresses.auth);
  }

  get authentication(): auth.AuthServiceClient {
    return this.#client(auth.AuthServiceClient, this.#addresses.auth);
  }

  get money(): billing.BillingServiceClient {
    return this.#client(billing.BillingServiceClient, this.#addresses.billing);
  }

  get ledger(): billing.LedgerServiceClient {
    return this.#client(billing.LedgerServiceClient, this.#addresses.billing);
  }

  get decks(): billing.DeckServiceClient {
    return this.#client(billing.DeckServiceClient, this.#addresses.billing);
  }

  get sessions(): dialer.SessionServiceClient {
    return this.#client(dialer.SessionServiceClient, this.#addresses.dialer);
  }

  get switches(): dialer.SwitchServiceClient {
    return this.#client(dialer.SwitchServiceClient, this.#addresses.dialer);
  }

  get routing(): dialer.RoutingServiceClient {
    return this.#client(dialer.RoutingServiceClient, this.#addresses.dialer);
  }

  get parked(): dialer.ParkedEventServiceClient {
    return this.#client(dialer.ParkedEventServiceClient, this.#addresses.dialer);
  }

  close(): void {
    for (const client of this.#open) client.close();
  }
}

export { call, callStream };
