import { auth, billing, dialer } from '@ringback/contracts';
import { call, grpcClient } from '@ringback/service-kit';

/** Addresses of gRPC services, by name. */
type Grpc = Record<string, string>;

const OPENING_AT_ONCE = 16;
const SETTLED_MS = 60_000;
const MICROS = 100_000_000n;

/** Accounts with one authorised caller ID and credit each; answers the caller IDs. */
export async function openAccounts(grpc: Grpc, count: number): Promise<string[]> {
  const accounts = grpcClient(auth.AccountServiceClient, grpc.auth ?? '');
  const ledger = grpcClient(billing.LedgerServiceClient, grpc.billing ?? '');
  const callers = Array.from({ length: count }, (_, index) => `+48603${String(100_000 + index)}`);
  const todo = [...callers];
  const open = async (): Promise<void> => {
    for (let number = todo.pop(); number !== undefined; number = todo.pop()) {
      const fields = { number: '', pin: '700037', country: 'PL', language: 'en' };
      const { account } = await call(accounts, accounts.createAccount, fields);
      const accountNumber = account?.number ?? '';
      await call(accounts, accounts.putCallerId, { accountNumber, number, authorised: true, move: false });
      await call(ledger, ledger.openAccount, { accountNumber, currency: 'EUR', deck: 'demo' });
      const amount = { micros: MICROS, currency: 'EUR' };
      await call(ledger, ledger.topUp, { requestId: `bench-${accountNumber}`, accountNumber, amount, note: 'bench' });
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open));
  accounts.close();
  ledger.close();
  return callers;
}

/** Resolves when no session is open. @throws Error when some stay open. */
export async function settled(grpc: Grpc): Promise<void> {
  const sessions = grpcClient(dialer.SessionServiceClient, grpc.dialer ?? '');
  const until = performance.now() + SETTLED_MS;
  try {
    for (;;) {
      const request = { all: false, callerId: '', pageSize: 1, pageToken: '' };
      const { sessions: open } = await call(sessions, sessions.listSessions, request);
      if (open.length === 0) return;
      if (performance.now() > until) throw new Error('sessions are still open');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  } finally {
    sessions.close();
  }
}

/** What does not add up, in words; nothing when the ledger balances and no hold is left. */
export async function problemsOf(grpc: Grpc): Promise<string[]> {
  const ledger = grpcClient(billing.LedgerServiceClient, grpc.billing ?? '');
  try {
    const { balanced, problems } = await call(ledger, ledger.checkLedger, {}, { deadlineMs: SETTLED_MS });
    const { holds } = await call(ledger, ledger.listHolds, billing.ListHoldsRequest.fromPartial({ all: false }));
    return [...(balanced ? [] : problems), ...(holds.length > 0 ? [`${holds.length} holds are left`] : [])];
  } finally {
    ledger.close();
  }
}
