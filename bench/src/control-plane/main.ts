/**
 * How many complete two-leg callbacks the control plane carries: trigger, callback, destination, both legs charged, CDRs
 * written; through agents, NATS, dialer, ivr, auth, billing and PostgreSQL with fsync, all on this machine. The switch is
 * a script behind the event socket: no SIP, no RTP; the script's own CPU is on the same cores and is told apart.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { auth, billing, dialer } from '@ringback/contracts';
import { type Platform, settingsFromEnv, startPlatform } from '@ringback/dev-run';
import { call, grpcClient } from '@ringback/service-kit';
import { merge, type Quantiles, type Times } from '../support/latencies.ts';
import { cpuSeconds } from '../support/processes.ts';
import { ask, controlSocket, type Progress } from './control.ts';
import type { Caller } from './scripted-switch.ts';

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '100,200,400,800' },
    seconds: { type: 'string', default: '15' },
    callers: { type: 'string', default: '3000' },
    json: { type: 'boolean', default: false },
    /** Directory for CPU profiles of all services. */
    profile: { type: 'string', default: '' },
  },
});

const ACCESS_NUMBER = '+48223000000';
const CALLBACK_DELAY_MS = 500;
const COOL_DOWN_SECONDS = 1;
/** Nothing has ended for so long: what is still open is missing. */
const STUCK_MS = 20_000;
const OPENING_AT_ONCE = 16;
const SETTLED_MS = 60_000;

const behaviour = {
  triggerMs: 20,
  talkMs: 100,
  promptMs: 20,
  destination: '00442079460000',
  callbackDelayMs: CALLBACK_DELAY_MS,
  restMs: (COOL_DOWN_SECONDS + 2) * 1000,
};

const directory = await mkdtemp(join(tmpdir(), 'ringback-bench-'));
const platform = await startPlatform(
  {
    ...settingsFromEnv({ RUN_DIR: join(directory, 'run'), PORT_BASE: process.env.PORT_BASE ?? '31000' }),
    switchScript: join(import.meta.dirname, 'switch-main.ts'),
    env: {
      ...Object.fromEntries(['auth', 'billing', 'ivr', 'dialer'].map((name) => [name, profiled(name)])),
      agent: { MAX_SESSIONS: '20000', SESSIONS_PER_SECOND: '10000', ...profiled('agent') },
    },
    accessNumber: { ringTimeMs: 1_000, callbackDelayMs: CALLBACK_DELAY_MS, coolDownSeconds: COOL_DOWN_SECONDS },
  },
  { say: (line) => process.stderr.write(`${line}\n`) },
);
try {
  const callers = await openAccounts(platform, Number(values.callers));
  for (const rate of values.rates.split(',').map(Number)) report(rate, await measure(platform, callers, rate));
} finally {
  await platform.stop();
  await rm(directory, { recursive: true, force: true });
}

function profiled(name: string): Record<string, string> {
  if (values.profile === '') return {};
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=500 --cpu-prof-dir=${resolve(values.profile, name)}` };
}

interface Measured {
  rate: number;
  triggered: number;
  completed: number;
  broken: number;
  /** From the first trigger until the last callback had ended. */
  seconds: number;
  /** The same until everything was settled. */
  settledSeconds: number;
  latencies: Record<string, Quantiles>;
  /** Seconds, by process. */
  cpu: Record<string, number>;
  problems: string[];
}

async function openAccounts({ endpoints }: Platform, count: number): Promise<Caller[]> {
  const accounts = grpcClient(auth.AccountServiceClient, endpoints.grpc.auth ?? '');
  const ledger = grpcClient(billing.LedgerServiceClient, endpoints.grpc.billing ?? '');
  const callers = Array.from({ length: count }, (_, index) => `+48603${String(100_000 + index)}`);
  const todo = [...callers];
  const open = async (): Promise<void> => {
    for (let number = todo.pop(); number !== undefined; number = todo.pop()) {
      const { account } = await call(accounts, accounts.createAccount, {
        number: '',
        pin: '700037',
        country: 'PL',
        language: 'en',
      });
      const accountNumber = account?.number ?? '';
      await call(accounts, accounts.putCallerId, { accountNumber, number, authorised: true });
      await call(ledger, ledger.openAccount, { accountNumber, currency: 'EUR', deck: 'demo' });
      const amount = { micros: 100_000_000n, currency: 'EUR' };
      await call(ledger, ledger.topUp, { requestId: `bench-${accountNumber}`, accountNumber, amount, note: 'bench' });
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, open));
  accounts.close();
  ledger.close();
  return callers.map((number) => ({ number, accessNumber: ACCESS_NUMBER }));
}

async function measure(platform: Platform, callers: Caller[], rate: number): Promise<Measured> {
  const { endpoints, layout, supervisor } = platform;
  const ledger = grpcClient(billing.LedgerServiceClient, endpoints.grpc.billing ?? '');
  const sockets = layout.switches.map(({ id }) => controlSocket(layout.dir(id, 'cdr')));
  const callbacks = Math.ceil((rate * Number(values.seconds)) / sockets.length);
  const before = cpuSeconds(supervisor.pids());
  const begun = performance.now();
  const share = (part: number): Caller[] => callers.filter((_, number) => number % sockets.length === part);
  await Promise.all(
    sockets.map((socket, part) =>
      ask(socket, { callers: share(part), callbacks, perSecond: rate / sockets.length, behaviour }),
    ),
  );
  const { seconds, ...ended } = await allEnded(sockets, callbacks * sockets.length, begun);
  await settled(endpoints.grpc.dialer ?? '');
  const settledSeconds = (performance.now() - begun) / 1000;
  const after = cpuSeconds(supervisor.pids());
  const { balanced, problems } = await call(ledger, ledger.checkLedger, {}, { deadlineMs: SETTLED_MS });
  const { holds } = await call(ledger, ledger.listHolds, { all: false });
  ledger.close();
  return {
    ...ended,
    rate,
    seconds,
    settledSeconds,
    cpu: Object.fromEntries(Object.entries(after).map(([name, used]) => [name, used - (before[name] ?? 0)])),
    problems: [...(balanced ? [] : problems), ...(holds.length > 0 ? [`${holds.length} holds are left`] : [])],
  };
}

/** Waits until every callback has ended, or none has for a while: what is missing then is missing. */
async function allEnded(
  sockets: readonly string[],
  callbacks: number,
  begun: number,
): Promise<Pick<Measured, 'triggered' | 'completed' | 'broken' | 'latencies' | 'seconds'>> {
  let ended = 0;
  let lastMs = performance.now();
  const latencies: Times[] = [];
  for (;;) {
    const parts = await Promise.all(sockets.map((socket) => ask(socket, null)));
    const sum = (of: (part: Progress) => number): number => parts.reduce((total, part) => total + of(part), 0);
    latencies.push(...parts.map((part) => part.latencies));
    const completed = sum((part) => part.completed);
    const broken = sum((part) => part.broken);
    if (completed + broken > ended) lastMs = performance.now();
    ended = completed + broken;
    if (ended >= callbacks || performance.now() - lastMs > STUCK_MS) {
      const seconds = (lastMs - begun) / 1000;
      return { triggered: sum((part) => part.triggered), completed, broken, seconds, latencies: merge(latencies) };
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function settled(address: string): Promise<void> {
  const sessions = grpcClient(dialer.SessionServiceClient, address);
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

function report(rate: number, measured: Measured): void {
  if (values.json) return console.log(JSON.stringify(measured));
  const { triggered, completed, broken, seconds, settledSeconds, latencies, cpu, problems } = measured;
  const total = Object.values(cpu).reduce((sum, used) => sum + used, 0);
  console.log(`\noffered ${rate}/s: ${triggered} triggers, ${completed} complete callbacks, ${broken} broken`);
  console.log(
    `  ${(completed / seconds).toFixed(0)} callbacks/s; all settled after ${settledSeconds.toFixed(1)} s; ${problems.length === 0 ? 'the ledger balances, no hold is left' : problems.join('; ')}`,
  );
  for (const [what, { p50, p99, max }] of Object.entries(latencies)) {
    console.log(`  ${what.padEnd(42)} p50 ${p50.toFixed(1)} ms  p99 ${p99.toFixed(1)} ms  max ${max.toFixed(1)} ms`);
  }
  console.log(`  CPU per callback: ${((total / Math.max(1, completed)) * 1000).toFixed(2)} ms, of it`);
  for (const [name, used] of Object.entries(cpu).toSorted(([, a], [, b]) => b - a)) {
    if (used >= 0.01) console.log(`    ${name.padEnd(12)} ${((used / Math.max(1, completed)) * 1000).toFixed(2)} ms`);
  }
}
