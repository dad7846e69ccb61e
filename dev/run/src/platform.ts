import { constants } from 'node:fs';
import { access, mkdir, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dialer } from '@ringback/contracts';
import { call, ConfigError, grpcClient } from '@ringback/service-kit';
import { type Endpoints, readData, writeEndpoints } from './endpoints.ts';
import { loadSecrets } from './files.ts';
import { type Layout, layoutOf, type ServiceName } from './layout.ts';
import { seed } from './seed.ts';
import type { RunSettings } from './settings.ts';
import { serviceSpec } from './specs-services.ts';
import { natsSpec, postgresSpec } from './specs-stores.ts';
import { agentSpecs, edgeSpecs, switchSpecs } from './specs-telephony.ts';
import { Supervisor } from './supervisor.ts';
import { whenWhole } from './whole.ts';

/** From Ctrl-C to the end of the last process it takes less than ten seconds; these are the parts, in ms. */
const END_SESSIONS_MS = 5_500;
const STOP_STORES_MS = 1_500;
/** What is left of this after the sessions have ended goes to everything but the stores: a FreeSWITCH takes its time. */
const STOP_ALL_MS = 9_500;
/** After all processes are ready they have still to find one another. */
const WHOLE_MS = 20_000;
/** What others need to end well: they end after them. */
const STORES = ['postgres', 'nats'];

/** The whole platform, as real processes on this machine. */
export interface Platform {
  readonly endpoints: Endpoints;
  readonly layout: Layout;
  readonly supervisor: Supervisor;
  /** Kills a process and waits until its successor is ready (and endpoints.json says so). */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>;
  /** Resolves when calls can be carried: every process ready, every switch known to dialer and edge. */
  whole(): Promise<void>;
  /** Ends calls, settles, stops everything. */
  stop(): Promise<void>;
}

export interface PlatformOptions {
  /** One line for people. */
  say?: (line: string) => void;
  /** A process is given up; before all is ready `startPlatform` rejects instead. */
  onGiveUp?: (reason: Error) => void;
  /** Breaks the start off: what has been started is stopped, and `startPlatform` rejects. */
  signal?: AbortSignal;
}

/**
 * Starts all, seeds, and resolves when calls can come in.
 * @throws {ConfigError} when the ports are somebody else's; Error with the reason when a process does not become ready.
 */
export async function startPlatform(settings: RunSettings, options: PlatformOptions = {}): Promise<Platform> {
  const say = options.say ?? (() => {});
  const layout = layoutOf(settings);
  if (settings.freeswitch !== undefined) await checkFreeswitch(settings.freeswitch);
  const claim = await claimPorts(settings.portBase);
  const supervisor = new Supervisor(layout.dir('pids.json'), say);
  const broken = new Promise<never>((_, reject) => {
    supervisor.onGiveUp = reject;
    options.signal?.addEventListener('abort', () => reject(new Error('the start was broken off')));
  });
  broken.catch(() => undefined);
  try {
    await mkdir(layout.dir('logs'), { recursive: true });
    await supervisor.takeOver();
    options.signal?.throwIfAborted();
    await rm(layout.dir('endpoints.json'), { force: true });
    const secrets = await loadSecrets(layout.dir('secrets.json'));
    const platform = await Promise.race([launch(settings, layout, secrets, supervisor, say, claim), broken]);
    supervisor.onGiveUp = options.onGiveUp ?? (() => {});
    return platform;
  } catch (error) {
    await supervisor.stop(STORES);
    claim.close();
    throw error;
  }
}

/** Holds the first port of the run: two runs cannot share their ports. */
async function claimPorts(portBase: number): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(taken ? new ConfigError('PORT_BASE', `${portBase} is in use, by another run perhaps`) : error);
    });
    server.listen(portBase, '127.0.0.1', resolve);
  });
  return server;
}

async function checkFreeswitch(program: string): Promise<void> {
  await access(program, constants.X_OK).catch((error: Error) => {
    throw new ConfigError('FREESWITCH', `is no program that can be run: ${error.message}`);
  });
}

async function launch(
  settings: RunSettings,
  layout: Layout,
  secrets: Awaited<ReturnType<typeof loadSecrets>>,
  supervisor: Supervisor,
  say: (line: string) => void,
  claim: Server,
): Promise<Platform> {
  const env = (kind: string): Record<string, string> => settings.env[kind] ?? {};
  const service = (kind: ServiceName, name?: string) =>
    supervisor.start(serviceSpec(layout, secrets, kind, env(kind), name));
  say('starting PostgreSQL, NATS and the switches');
  const [edge, switches] = await Promise.all([edgeSpecs(layout, secrets), switchSpecs(layout, secrets, settings)]);
  await Promise.all([
    postgresSpec(layout, secrets).then((spec) => supervisor.start(spec)),
    natsSpec(layout, secrets).then((spec) => supervisor.start(spec)),
    supervisor.start(edge.kamailio),
    ...switches.map((spec) => supervisor.start(spec)),
  ]);
  say('starting the services');
  await Promise.all([
    service('auth'),
    service('billing'),
    service('ivr'),
    ...layout.dialers.map((name) => service('dialer', name)),
    ...agentSpecs(layout, secrets, settings).map((spec) => supervisor.start(spec)),
  ]);
  say('seeding the demonstration');
  await seed(layout, secrets, settings);
  await supervisor.start({ ...edge.edgeAgent, env: { ...edge.edgeAgent.env, ...env('edge-agent') } });
  await whenWhole(layout, WHOLE_MS);

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
    whole: () => whenWhole(layout, WHOLE_MS),
    async stop() {
      const begun = performance.now();
      await endSessions(layout, say);
      supervisor.onRestart = () => Promise.resolve();
      await writing;
      await rm(layout.dir('endpoints.json'), { force: true });
      const firstMs = STOP_ALL_MS - STOP_STORES_MS - (performance.now() - begun);
      await supervisor.stop(STORES, { firstMs, lastMs: STOP_STORES_MS });
      claim.close();
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
