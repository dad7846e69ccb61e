import { mkdir, rm } from 'node:fs/promises';
import { dialer } from '@ringback/contracts';
import { call, grpcClient } from '@ringback/service-kit';
import { DEMO_ACCOUNTS } from './demo.ts';
import { type Endpoints, readData, writeEndpoints } from './endpoints.ts';
import { loadSecrets } from './files.ts';
import { type Layout, layoutOf } from './layout.ts';
import { seed } from './seed.ts';
import type { RunSettings } from './settings.ts';
import { serviceSpec } from './specs-services.ts';
import { natsSpec, postgresSpec } from './specs-stores.ts';
import { agentSpecs, edgeSpecs, switchSpecs } from './specs-telephony.ts';
import { Supervisor } from './supervisor.ts';

/** What sessions wait for at the end of a run: hang up, settle. */
const END_SESSIONS_MS = 8_000;

/** The whole platform, as real processes on this machine. */
export interface Platform {
  readonly endpoints: Endpoints;
  readonly layout: Layout;
  readonly supervisor: Supervisor;
  /** Kills a process and waits until its successor is ready (and endpoints.json says so). */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Ends calls, settles, stops everything. */
  stop(): Promise<void>;
}

export async function startPlatform(
  settings: RunSettings,
  options: { say?: (line: string) => void; onGiveUp?: (reason: Error) => void } = {},
): Promise<Platform> {
  const say = options.say ?? (() => {});
  const layout = layoutOf(settings);
  await mkdir(layout.dir('logs'), { recursive: true });
  const secrets = await loadSecrets(
    layout.dir('secrets.json'),
    DEMO_ACCOUNTS.map(({ number }) => number),
  );
  const supervisor = new Supervisor(layout.dir('pids.json'), say);
  supervisor.onGiveUp = options.onGiveUp ?? (() => {});
  await supervisor.clearLeftovers();
  await rm(layout.dir('endpoints.json'), { force: true });
  try {
    return await launch(settings, layout, secrets, supervisor, say);
  } catch (error) {
    await supervisor.stop(['postgres', 'nats']);
    throw error;
  }
}

async function launch(
  settings: RunSettings,
  layout: Layout,
  secrets: Awaited<ReturnType<typeof loadSecrets>>,
  supervisor: Supervisor,
  say: (line: string) => void,
): Promise<Platform> {
  const env = (kind: string): Record<string, string> => settings.env[kind] ?? {};
  const service = (name: 'auth' | 'billing' | 'ivr' | 'dialer') =>
    supervisor.start(serviceSpec(layout, secrets, name, env(name)));
  say('starting PostgreSQL, NATS and the switches');
  const [edge, switches] = await Promise.all([
    edgeSpecs(layout, secrets),
    switchSpecs(layout, secrets, settings.freeswitch),
  ]);
  await Promise.all([
    postgresSpec(layout, secrets).then((spec) => supervisor.start(spec)),
    natsSpec(layout).then((spec) => supervisor.start(spec)),
    supervisor.start(edge.kamailio),
    ...switches.map((spec) => supervisor.start(spec)),
  ]);
  say('starting the services');
  await Promise.all([
    service('auth'),
    service('billing'),
    service('ivr'),
    service('dialer'),
    ...agentSpecs(layout, secrets, env('agent')).map((spec) => supervisor.start(spec)),
  ]);
  say('seeding the demonstration');
  await seed(layout, secrets, settings);
  await supervisor.start({ ...edge.edgeAgent, env: { ...edge.edgeAgent.env, ...env('edge-agent') } });

  let data = await readData(layout, secrets);
  let endpoints = await writeEndpoints(layout, secrets, data, supervisor.pids());
  let writing: Promise<void> = Promise.resolve();
  const rewrite = (): Promise<void> => {
    writing = writing.then(async () => {
      // A service that is itself away right now: what it said last still holds.
      data = await readData(layout, secrets).catch(() => data);
      endpoints = await writeEndpoints(layout, secrets, data, supervisor.pids());
    });
    return writing;
  };
  supervisor.onRestart = rewrite;

  return {
    layout,
    supervisor,
    get endpoints() {
      return endpoints;
    },
    async kill(name, signal = 'SIGKILL') {
      const [pid = 0] = supervisor.pids()[name] ?? [];
      supervisor.signal(name, signal);
      await supervisor.replaced(name, pid);
      await rewrite();
    },
    async stop() {
      await endSessions(layout, say);
      supervisor.onRestart = () => Promise.resolve();
      await rm(layout.dir('endpoints.json'), { force: true });
      await supervisor.stop(['postgres', 'nats']);
      await writing;
    },
  };
}

async function endSessions(layout: Layout, say: (line: string) => void): Promise<void> {
  const sessions = grpcClient(dialer.SessionServiceClient, layout.grpc.dialer);
  try {
    const { ended, stillOpen } = await call(sessions, sessions.endAllSessions, {}, { deadlineMs: END_SESSIONS_MS });
    if (ended > 0) say(`${ended} sessions ended and settled`);
    if (stillOpen > 0) say(`${stillOpen} sessions are still open: the next run goes on with them`);
  } catch (error) {
    say(`sessions could not be ended: ${(error as Error).message}; the next run goes on with them`);
  } finally {
    sessions.close();
  }
}
