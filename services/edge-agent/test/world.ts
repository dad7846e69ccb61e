import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { ALL_EDGE_STATUS, dialer, sw, switchStatusSubject } from '@ringback/contracts';
import { DEFAULTS, type EdgeModel, edgeFiles, kamailioArguments } from '@ringback/kamailio-config-gen';
import { connectNats, createLogger, type GrpcServer, startGrpcServer, unaryHandlers } from '@ringback/service-kit';
import { freePort, type TestNats, testNats } from '@ringback/service-kit/testing';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
export const HOST = '127.95.0.1';
export const EVENT_KEY = 'a key for tests of edges, long enough';
export const CARRIER = '127.95.1.1';

/** Waits for something to come true by asking again and again; the deadline is for when it never does. */
export async function until(what: string, isTrue: () => Promise<boolean> | boolean, withinMs = 10_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The dialer's configuration service and nothing else of it: what is set is told to everyone who watches. */
export class FakeDialer {
  /** What is said to an edge that asks for the lease of the registrations. */
  holding: (request: dialer.HoldRegistrationsRequest) => dialer.HoldRegistrationsResponse = () => ({
    held: false,
    ttlMs: 0,
    registrations: [],
  });
  readonly #port: number;
  #server: GrpcServer | undefined;
  #watchers = new Set<ServerWritableStream<dialer.WatchEdgeConfigRequest, dialer.WatchEdgeConfigResponse>>();
  #snapshot = dialer.WatchEdgeConfigResponse.fromPartial({ revision: 0n });

  constructor(port: number) {
    this.#port = port;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async up(): Promise<void> {
    const handlers: dialer.EdgeConfigServiceServer = {
      watchEdgeConfig: (stream) => {
        this.#watchers.add(stream);
        stream.on('cancelled', () => this.#watchers.delete(stream));
        stream.write(this.#snapshot);
      },
      ...unaryHandlers(createLogger('dialer', 'silent'), {
        holdRegistrations: (request: dialer.HoldRegistrationsRequest) => Promise.resolve(this.holding(request)),
      }),
    } as dialer.EdgeConfigServiceServer;
    this.#server = await startGrpcServer({
      listen: this.address,
      services: [{ definition: dialer.EdgeConfigServiceService, handlers }],
      protoFiles: ['ringback/dialer/v1/edge_config.proto'],
      log: createLogger('dialer', 'silent'),
    });
  }

  async down(): Promise<void> {
    await this.#server?.stop(0);
    this.#server = undefined;
    this.#watchers.clear();
  }

  set(snapshot: Parameters<typeof dialer.WatchEdgeConfigResponse.fromPartial>[0]): void {
    const revision = this.#snapshot.revision + 1n;
    this.#snapshot = dialer.WatchEdgeConfigResponse.fromPartial({ ...snapshot, revision });
    for (const stream of this.#watchers) stream.write(this.#snapshot);
  }
}

export interface World {
  readonly dialer: FakeDialer;
  readonly nats: TestNats;
  /** SIP status an INVITE from the carrier for this number gets; 0: none within a second. */
  call(user: string): Promise<number>;
  ready(): Promise<string>;
  metrics(): Promise<string>;
  /** Resolves when the edge has nothing left to do. */
  drain(): Promise<void>;
  tell(status: Partial<sw.SwitchStatus>): Promise<void>;
  /** What the edge last said of itself. */
  edgeSaid(): sw.EdgeStatus | undefined;
  startKamailio(): void;
  /** SIGKILL to Kamailio's process group. */
  killKamailio(): Promise<void>;
  startAgent(): void;
  killAgent(signal?: NodeJS.Signals): Promise<number | null>;
  agentLog(): string;
  kamailioLog(): string;
  close(): Promise<void>;
}

export async function makeWorld(): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'edge-agent-'));
  const nats = await testNats();
  const [port, dialerPort, httpPort] = await Promise.all([udpPort(HOST), freePort(), freePort()]);
  const model: EdgeModel = {
    ...DEFAULTS,
    id: 'edge-1',
    listen: { host: HOST, port },
    advertise: { host: HOST, port },
    paths: { configDir: join(dir, 'conf'), runDir: join(dir, 'run') },
    dialogSecret: '0123456789abcdef0123456789abcdef',
    sharedMemoryMiB: 32,
    registration: { checkSeconds: 1, retrySeconds: 1 },
  };
  const nothing = { admit: false, trunks: [], accessNumbers: [], switches: [] };
  await mkdir(model.paths.runDir, { recursive: true });
  for (const [path, content] of edgeFiles(model, nothing)) {
    await mkdir(dirname(join(model.paths.configDir, path)), { recursive: true });
    await writeFile(join(model.paths.configDir, path), content);
  }
  const fake = new FakeDialer(dialerPort);
  const publisher = await connectNats({ url: nats.url, name: 'test' });
  let edgeSaid: sw.EdgeStatus | undefined;
  publisher.subscribe(ALL_EDGE_STATUS, {
    callback: (_error, { data }) => {
      edgeSaid = sw.EdgeStatus.decode(data);
    },
  });
  let kamailio: ChildProcess | undefined;
  let agent: ChildProcess | undefined;
  let log = '';
  let kamailioLog = '';

  const world: World = {
    dialer: fake,
    nats,
    call: (user) => call(user, port),
    ready: async () => await (await fetch(`http://127.0.0.1:${httpPort}/readyz`)).text(),
    metrics: async () => await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text(),
    async drain() {
      const { status } = await fetch(`http://127.0.0.1:${httpPort}/drain`);
      if (status !== 200) throw new Error(`drain: ${status}`);
    },
    async tell(status) {
      const full = sw.SwitchStatus.fromPartial(status);
      publisher.publish(switchStatusSubject(full.switchId), sw.SwitchStatus.encode(full).finish());
      // Not flushed: while NATS is down that would fail, and statuses are said again and again.
    },
    edgeSaid: () => edgeSaid,
    startKamailio() {
      kamailio = spawn('/usr/sbin/kamailio', kamailioArguments(model), {
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      kamailio.stderr?.setEncoding('utf8').on('data', (text: string) => {
        kamailioLog += text;
      });
    },
    async killKamailio() {
      if (kamailio?.pid === undefined) return;
      const gone = once(kamailio, 'close');
      process.kill(-kamailio.pid, 'SIGKILL');
      kamailio = undefined;
      await gone;
    },
    startAgent() {
      agent = spawn(process.execPath, [MAIN], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          PATH: process.env.PATH,
          EDGE_ID: 'edge-1',
          EDGE_SIP_ADDRESS: `127.0.0.1:${port}`,
          EDGE_CONFIG_DIR: model.paths.configDir,
          EDGE_RUN_DIR: model.paths.runDir,
          STATE_DIR: join(dir, 'state'),
          DIALER_ADDRESS: fake.address,
          NATS_URL: nats.url,
          EVENT_KEY,
          POLL_INTERVAL: '100ms',
          REGISTRATION_INTERVAL: '200ms',
          SWITCH_SILENT_AFTER: '2s',
          HTTP_LISTEN: `127.0.0.1:${httpPort}`,
        },
      });
      agent.stdout?.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
    },
    async killAgent(signal = 'SIGKILL') {
      if (agent === undefined) return null;
      const gone = once(agent, 'close') as Promise<[number | null]>;
      agent.kill(signal);
      agent = undefined;
      return (await gone)[0];
    },
    agentLog: () => log,
    kamailioLog: () => kamailioLog,
    async close() {
      await world.killAgent();
      await world.killKamailio();
      await publisher.close();
      await fake.down();
      await nats.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
  return world;
}

async function udpPort(host: string): Promise<number> {
  const socket = createSocket('udp4').bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}

let calls = 0;

async function call(user: string, port: number): Promise<number> {
  const socket = createSocket('udp4').bind(0, CARRIER);
  await once(socket, 'listening');
  calls += 1;
  const from = `${CARRIER}:${socket.address().port}`;
  const lines = [
    `INVITE sip:${user}@${HOST}:${port} SIP/2.0`,
    `Via: SIP/2.0/UDP ${from};branch=z9hG4bKcall${calls}`,
    'Max-Forwards: 70',
    `From: <sip:+48601000001@${CARRIER}>;tag=${calls}`,
    `To: <sip:${user}@${HOST}>`,
    `Call-ID: call-${process.pid}-${calls}`,
    'CSeq: 1 INVITE',
    `Contact: <sip:c@${from}>`,
    'Content-Length: 0',
  ];
  try {
    const final = new Promise<number>((resolve) => {
      const timer = setTimeout(() => resolve(0), 1000);
      socket.on('message', (data) => {
        const status = Number(/^SIP\/2\.0 ([0-9]{3})/.exec(data.toString())?.[1]);
        if (status < 200) return;
        clearTimeout(timer);
        resolve(status);
      });
    });
    socket.send(`${lines.join('\r\n')}\r\n\r\n`, port, HOST);
    return await final;
  } finally {
    socket.close();
  }
}

/** A switch that answers probes and rejects every call with 486. */
export async function fakeSwitch(host: string): Promise<{ address: string; calls(): number; close(): void }> {
  const socket = createSocket('udp4').bind(0, host);
  await once(socket, 'listening');
  let seen = 0;
  socket.on('message', (data, remote) => {
    const lines = data.toString().split('\r\n');
    const [method = ''] = lines;
    if (method.startsWith('ACK')) return;
    if (method.startsWith('INVITE')) seen += 1;
    const status = method.startsWith('OPTIONS') ? '200 OK' : '486 Busy Here';
    const copied = lines.filter((l) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(l));
    const to = lines.find((l) => /^To:/i.test(l));
    socket.send(
      [`SIP/2.0 ${status}`, ...copied, `${to};tag=s`, 'Content-Length: 0', '', ''].join('\r\n'),
      remote.port,
      remote.address,
    );
  });
  return { address: `${host}:${socket.address().port}`, calls: () => seen, close: () => socket.close() };
}
