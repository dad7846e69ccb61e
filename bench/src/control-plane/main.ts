/**
 * How many complete two-leg callbacks the control plane carries: trigger, callback, destination, both legs charged, CDRs
 * written; through agents, NATS, dialer, ivr, auth, billing and PostgreSQL with fsync, all on this machine. The switch is
 * a script behind the event socket: no SIP, no RTP; the script's own CPU is on the same cores and is told apart.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Platform, settingsFromEnv, startPlatform } from '@ringback/dev-run';
import { openAccounts, problemsOf, settled } from '../support/callers.ts';
import { merge, type Quantiles, type Times } from '../support/latencies.ts';
import { cpuSeconds } from '../support/processes.ts';
import { cpuLines, since, timesLine } from '../support/report.ts';
import { ask, controlSocket, type Progress } from './control.ts';
import type { Caller } from './scripted-switch.ts';

const { values } = parseArgs({
  options: {
    rates: { type: 'string', default: '100,200,400,800' },
    seconds: { type: 'string', default: '15' },
    /** Callbacks before anything is measured: code that runs for the first time is slow. */
    warmup: { type: 'string', default: '1500' },
    callers: { type: 'string', default: '3000' },
    json: { type: 'boolean', default: false },
    /** Directory for CPU profiles of all services. */
    profile: { type: 'string', default: '' },
  },
});

const ACCESS_NUMBER = '+48223000000';
const CALLBACK_DELAY_MS = 500;
const WARMUP_RATE = 100;
const COOL_DOWN_SECONDS = 1;
/** Nothing has ended for so long: what is still open is missing. */
const STUCK_MS = 20_000;

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
  const numbers = await openAccounts(platform.endpoints.grpc, Number(values.callers));
  const callers = numbers.map((number) => ({ number, accessNumber: ACCESS_NUMBER }));
  await measure(platform, callers, WARMUP_RATE, Number(values.warmup));
  for (const rate of values.rates.split(',').map(Number)) {
    report(await measure(platform, callers, rate, rate * Number(values.seconds)));
  }
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

async function measure(platform: Platform, callers: Caller[], rate: number, total: number): Promise<Measured> {
  const { endpoints, layout, supervisor } = platform;
  const sockets = layout.switches.map(({ id }) => controlSocket(layout.dir(id, 'cdr')));
  const callbacks = Math.ceil(total / sockets.length);
  const before = cpuSeconds(supervisor.pids());
  const begun = performance.now();
  const share = (part: number): Caller[] => callers.filter((_, number) => number % sockets.length === part);
  await Promise.all(
    sockets.map((socket, part) =>
      ask(socket, { callers: share(part), callbacks, perSecond: rate / sockets.length, behaviour }),
    ),
  );
  const { seconds, ...ended } = await allEnded(sockets, callbacks * sockets.length, begun);
  await settled(endpoints.grpc);
  const settledSeconds = (performance.now() - begun) / 1000;
  const cpu = since(before, cpuSeconds(supervisor.pids()));
  return { ...ended, rate, seconds, settledSeconds, cpu, problems: await problemsOf(endpoints.grpc) };
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

function report(measured: Measured): void {
  if (values.json) return console.log(JSON.stringify(measured));
  const { rate, triggered, completed, broken, seconds, settledSeconds, latencies, cpu, problems } = measured;
  console.log(`\noffered ${rate}/s: ${triggered} triggers, ${completed} complete callbacks, ${broken} broken`);
  const sums = problems.length === 0 ? 'the ledger balances, no hold is left' : problems.join('; ');
  console.log(
    `  ${(completed / seconds).toFixed(0)} callbacks/s; all settled after ${settledSeconds.toFixed(1)} s; ${sums}`,
  );
  for (const [what, times] of Object.entries(latencies)) console.log(timesLine(what, times));
  for (const line of cpuLines(cpu, completed)) console.log(line);
}
