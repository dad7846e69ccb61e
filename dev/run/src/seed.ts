import { auth, billing, dialer } from '@ringback/contracts';
import { call, GrpcError, grpcClient } from '@ringback/service-kit';
import {
  DEMO_ACCESS_NUMBERS,
  DEMO_ACCOUNTS,
  DEMO_CURRENCY,
  DEMO_DECK_CSV,
  DEMO_DENIED_RANGES,
  DEMO_SPEED_DIALS,
} from './demo.ts';
import { demoPin, type Secrets } from './files.ts';
import type { Layout } from './layout.ts';
import type { RunSettings } from './settings.ts';
import { DEMO_DECK } from './specs-services.ts';

/** Seeds the demonstration through the services' own doors. What is there already, or was changed since, is left alone. */
export async function seed(layout: Layout, secrets: Secrets, settings: RunSettings): Promise<void> {
  const accounts = grpcClient(auth.AccountServiceClient, layout.grpc.auth);
  const ledger = grpcClient(billing.LedgerServiceClient, layout.grpc.billing);
  const decks = grpcClient(billing.DeckServiceClient, layout.grpc.billing);
  const routing = grpcClient(dialer.RoutingServiceClient, layout.grpc.dialer);
  try {
    await seedDeck(decks);
    for (const account of DEMO_ACCOUNTS) await seedAccount(accounts, ledger, account, demoPin(secrets, account.number));
    await seedRouting(routing, layout, settings);
  } finally {
    for (const client of [accounts, ledger, decks, routing]) client.close();
  }
}

async function seedDeck(decks: billing.DeckServiceClient): Promise<void> {
  const { decks: known } = await call(decks, decks.listDecks, {});
  if (known.some(({ name }) => name === DEMO_DECK)) return;
  const { problems } = await call(
    decks,
    decks.importDeck,
    billing.ImportDeckRequest.fromPartial({ name: DEMO_DECK, currency: DEMO_CURRENCY, csv: DEMO_DECK_CSV }),
  );
  const [problem] = problems;
  if (problem) throw new Error(`the demo deck: row ${problem.row}, ${problem.column}: ${problem.message}`);
}

/** Whether `work` made something; false when it was there already. */
async function made(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof GrpcError && error.code === 'ALREADY_EXISTS') return false;
    throw error;
  }
}

async function seedAccount(
  accounts: auth.AccountServiceClient,
  ledger: billing.LedgerServiceClient,
  { number, country, language, micros, callerIds }: (typeof DEMO_ACCOUNTS)[number],
  pin: string,
): Promise<void> {
  const isNew = await made(call(accounts, accounts.createAccount, { number, pin, country, language }));
  await made(call(ledger, ledger.openAccount, { accountNumber: number, currency: DEMO_CURRENCY, deck: DEMO_DECK }));
  if (micros > 0n) {
    // Idempotent by its key: a second run tops up nothing.
    const amount = { micros, currency: DEMO_CURRENCY };
    await call(ledger, ledger.topUp, {
      requestId: `demo-${number}`,
      accountNumber: number,
      amount,
      note: 'demonstration',
    });
  }
  if (!isNew) return;
  for (const callerId of callerIds)
    await call(accounts, accounts.putCallerId, { accountNumber: number, move: false, ...callerId });
  for (const { account, code, number: to } of DEMO_SPEED_DIALS) {
    if (account === number) await call(accounts, accounts.putSpeedDial, { accountNumber: number, code, number: to });
  }
}

async function seedRouting(routing: dialer.RoutingServiceClient, layout: Layout, settings: RunSettings): Promise<void> {
  const { accessNumbers } = await call(routing, routing.listAccessNumbers, {});
  for (const fields of DEMO_ACCESS_NUMBERS) {
    if (accessNumbers.some(({ number }) => number === fields.number)) continue;
    const accessNumber = dialer.AccessNumber.fromPartial({
      callBackAfterSwitchLoss: true,
      ...fields,
      ...settings.accessNumber,
    });
    await call(routing, routing.putAccessNumber, { accessNumber });
  }
  // The trunks follow the run's addresses (CARRIER may have changed).
  const host = (address: string): string => address.slice(0, address.lastIndexOf(':'));
  const common = { country: 'PL', identity: 'from', numberFormat: 'e164plus', forwardCallerId: true };
  for (const trunk of [
    { ...common, id: 'carrier', sources: [host(layout.carrier)], gateway: layout.carrier, trusted: true, priority: 1 },
    {
      ...common,
      id: 'untrusted',
      sources: [host(layout.untrustedCarrier)],
      gateway: layout.untrustedCarrier,
      trusted: false,
      priority: 2,
    },
  ]) {
    await call(routing, routing.putTrunk, { trunk: dialer.Trunk.fromPartial(trunk) });
  }
  const { ranges } = await call(routing, routing.listDeniedRanges, {});
  for (const range of DEMO_DENIED_RANGES) {
    if (!ranges.some(({ prefix }) => prefix === range.prefix)) await call(routing, routing.putDeniedRange, range);
  }
}
