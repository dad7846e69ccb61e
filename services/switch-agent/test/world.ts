import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { EVENT_STREAM, sw, switchCommandSubject, switchStatusSubject } from '@ringback/contracts';
import { anyPort, formatWav, openRtpSession, type RtpSession, renderTone, steadyTone } from '@ringback/dev-media';
import {
  answerOffer,
  type Credentials,
  formatOffer,
  type InboundCall,
  type OutboundCall,
  readAnswer,
  UserAgent,
} from '@ringback/dev-sip';
import type { Box } from '@ringback/sealing';
import { connectNats, ensureStreams, type NatsConnection, nowUs, uuidv7 } from '@ringback/service-kit';
import { type RunningSwitch, startSwitch } from './switch.ts';
import { freePort, type TestNats, testNats } from '@ringback/service-kit/testing';

export const SWITCH = 's1';
export const PASSWORD = 'not-to-be-told-to-anybody';
const EDGE = '127.0.0.10';
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const WAIT_MS = 15_000;

type Body = NonNullable<sw.Event['body']>;
type Case = Body['$case'];
export type Told<K extends Case = Case> = sw.Event & { shard: number; run: string; body: Extract<Body, { $case: K }> };

/** A telephone at the edge. */
export interface Phone {
  call: InboundCall | OutboundCall;
  rtp: RtpSession;
}

/** nats-server, a switch, an edge with telephones, and the agent as a process of its own. */
export class World {
  readonly folder = mkdtempSync(join(tmpdir(), 'switch-agent-'));
  readonly promptsDir = join(this.folder, 'prompts');
  readonly cdrDir = join(this.folder, 'cdr');
  readonly gatewaysDir = join(this.folder, 'gateways');
  readonly events: Told[] = [];
  statuses: sw.SwitchStatus[] = [];
  output = '';
  nats!: TestNats;
  connection!: NatsConnection;
  running!: RunningSwitch;
  edge!: UserAgent;
  agent: ChildProcess | undefined;
  /** What an INVITE for that URI has to prove. */
  challenge: (uri: string) => Credentials | undefined = () => undefined;
  #changed = new Set<() => void>();
  #calls: InboundCall[] = [];
  #rtp: RtpSession[] = [];
  #legSeq = 0n;
  #reader = 0;
  #position = 0;
  #env: Record<string, string> = {};
  #box: Box | undefined;
  readonly shard = 7;
  readonly session = `07-${uuidv7()}`;
  readonly traceparent = `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`;

  /** `box`: opens events, where `env` has an EVENT_KEY. */
  static async start(env: Record<string, string> = {}, box?: Box): Promise<World> {
    const world = new World();
    world.#box = box;
    world.#env = env;
    try {
      await world.#start();
    } catch (error) {
      await world.stop();
      throw error;
    }
    return world;
  }

  async #start(): Promise<void> {
    mkdirSync(join(this.promptsDir, 'en'), { recursive: true });
    for (const [name, hz, ms] of [
      ['welcome', 400, 600],
      ['long', 500, 8_000],
      ['warning', 1000, 500],
    ] as const) {
      writeFileSync(join(this.promptsDir, 'en', `${name}.wav`), formatWav(renderTone(steadyTone(hz, ms))));
    }
    this.nats = await testNats();
    this.connection = await connectNats({ url: this.nats.url, name: 'test' });
    await ensureStreams(await jetstreamManager(this.connection));
    this.#listen();
    this.edge = await UserAgent.create({ host: EDGE, port: 0, authenticate: ({ uri }) => this.challenge(uri) });
    this.edge.on('invite', (call: InboundCall) => {
      this.#calls.push(call);
      this.#wake();
    });
    await this.startSwitch();
    await this.startAgent();
  }

  async startSwitch(ports: { esl: number; sip: number } = { esl: 0, sip: 0 }): Promise<void> {
    const { folder, promptsDir, cdrDir, gatewaysDir } = this;
    mkdirSync(gatewaysDir, { recursive: true });
    this.running = await startSwitch({
      folder,
      name: SWITCH,
      password: PASSWORD,
      edge: EDGE,
      promptsDir,
      cdrDir,
      gatewaysDir,
      ports,
    });
  }

  async startAgent(): Promise<void> {
    const http = await freePort();
    const child = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env['PATH'],
        SWITCH_ID: SWITCH,
        NATS_URL: this.nats.url,
        ESL_ADDRESS: `127.0.0.1:${this.running.esl.port}`,
        ESL_PASSWORD: PASSWORD,
        SIP_ADDRESS: `${this.running.sip.host}:${this.running.sip.port}`,
        EDGES: `${EDGE}:${this.edge.address.port}`,
        PROMPTS_DIR: this.promptsDir,
        JOURNAL_DIR: join(this.folder, 'journal'),
        CDR_DIR: this.cdrDir,
        GATEWAYS_DIR: this.gatewaysDir,
        HTTP_LISTEN: `127.0.0.1:${http}`,
        ...this.#env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.agent = child;
    child.stdout.on('data', (data) => {
      this.output += data;
    });
    this.statuses = [];
    await this.until('the agent’s switch is connected', () => this.statuses.at(-1)?.state === 'STATE_ACTIVE');
    const ready = await fetch(`http://127.0.0.1:${http}/readyz`);
    assert.equal(ready.status, 200, await ready.text());
  }

  async killAgent(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.agent!;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  #listen(): void {
    this.connection.subscribe(switchStatusSubject(SWITCH), {
      callback: (_error, message) => {
        this.statuses.push(sw.SwitchStatus.decode(message.data));
        this.#wake();
      },
    });
    const quiet = (error: unknown): void => {
      if (!this.connection.isClosed()) throw error;
    };
    this.#read().catch(quiet);
    (async () => {
      // A consumer does not notice that its server was another: a new one, from where this one was.
      for await (const { type } of this.connection.status()) if (type === 'reconnect') this.#read().catch(quiet);
    })().catch(quiet);
  }

  async #read(): Promise<void> {
    this.#reader += 1;
    const reader = this.#reader;
    const consumer = await jetstream(this.connection).consumers.get(EVENT_STREAM, {
      opt_start_seq: this.#position + 1,
    });
    for await (const message of await consumer.consume()) {
      if (reader !== this.#reader) return;
      this.#position = message.seq;
      const data = this.#box?.open(Buffer.from(message.data), message.subject) ?? message.data;
      const batch = sw.EventBatch.decode(data);
      assert.equal(message.subject, `event.${batch.shard}.${SWITCH}`);
      for (const event of batch.events) this.events.push({ ...event, shard: batch.shard, run: batch.run } as Told);
      this.#wake();
    }
  }

  #wake(): void {
    for (const wake of this.#changed) wake();
  }

  async until(what: string, check: () => boolean): Promise<void> {
    if (check()) return;
    await new Promise<void>((resolve, reject) => {
      const wake = (): void => {
        if (!check()) return;
        end();
        resolve();
      };
      const timer = setTimeout(() => {
        end();
        const told = this.events.map(({ legId, body }) => `${legId.slice(-4)} ${body.$case}`).join(', ');
        reject(new Error(`${what} did not happen; told: ${told}\n${this.output}`));
      }, WAIT_MS);
      const end = (): void => {
        clearTimeout(timer);
        this.#changed.delete(wake);
      };
      this.#changed.add(wake);
    });
  }

  /** Events of that kind, each number once, as a reader takes them. */
  told<K extends Case>(kind: K, match: (event: Told<K>) => boolean = () => true): Told<K>[] {
    const seen = new Set<string>();
    return (this.events as Told<K>[]).filter((event) => {
      const key = `${event.run}/${event.shard}/${event.seq}`;
      if (event.body.$case !== kind || seen.has(key) || !match(event)) return false;
      seen.add(key);
      return true;
    });
  }

  /** The n-th event (from 0) of that kind about that leg. */
  async event<K extends Case>(kind: K, legId: string, n = 0): Promise<Told<K>> {
    const found = (): Told<K> | undefined => this.told(kind, (event) => event.legId === legId)[n];
    await this.until(`${kind} ${n} of ${legId}`, () => found() !== undefined);
    return found()!;
  }

  command(legId: string, body: sw.Command['body'], fields: Partial<sw.Command> = {}): sw.Command {
    this.#legSeq += 1n;
    return sw.Command.fromPartial({
      commandId: uuidv7(),
      sessionId: this.session,
      shard: this.shard,
      epoch: 5n,
      legId,
      legSeq: this.#legSeq,
      startByUs: nowUs() + 10_000_000n,
      traceparent: this.traceparent,
      body: body as never,
      ...fields,
    });
  }

  async ask(command: sw.Command): Promise<sw.CommandAck> {
    const data = sw.Command.encode(command).finish();
    const reply = await this.connection.request(switchCommandSubject(SWITCH), data, { timeout: 5_000 });
    return sw.CommandAck.decode(reply.data);
  }

  /** Gives the command, which must be accepted; answers its id. */
  async give(legId: string, body: sw.Command['body'], fields: Partial<sw.Command> = {}): Promise<string> {
    const command = this.command(legId, body, fields);
    const ack = await this.ask(command);
    assert.equal(ack.status, 'STATUS_ACCEPTED', ack.message);
    assert.equal(ack.commandId, command.commandId);
    return command.commandId;
  }

  dial(toUser: string, cutoffSeconds = 60): sw.Dial {
    return sw.Dial.fromPartial({
      toUser,
      gateway: 'gateway.example:5060',
      trunkId: 't1',
      callerId: '+48223000000',
      cutoffSeconds,
      answerTimeoutSeconds: 20,
    });
  }

  /** The next INVITE for that user. */
  async rings(user: string): Promise<InboundCall> {
    await this.until(`a call of ${user}`, () => this.#calls.some((call) => call.calledUser === user));
    const [call] = this.#calls.splice(
      this.#calls.findIndex((each) => each.calledUser === user),
      1,
    );
    return call!;
  }

  callsWaiting(): number {
    return this.#calls.length;
  }

  async answers(user: string): Promise<Phone> {
    const call = await this.rings(user);
    const rtp = await openRtpSession({ host: EDGE, ports: anyPort });
    this.#rtp.push(rtp);
    const result = answerOffer(call.remoteSdp ?? '', { host: EDGE, port: rtp.port });
    assert.ok(result);
    rtp.configure(result.negotiated);
    call.ring();
    call.answer(result.sdp);
    return { call, rtp };
  }

  /** Calls the switch as the edge does. */
  async calls(headers: [string, string][]): Promise<Phone> {
    const rtp = await openRtpSession({ host: EDGE, ports: anyPort });
    this.#rtp.push(rtp);
    const call = this.edge.invite({
      uri: `sip:48223000000@${this.running.sip.host}:${this.running.sip.port}`,
      from: `<sip:48601000001@${EDGE}>`,
      sdp: formatOffer({ host: EDGE, port: rtp.port }),
      headers,
    });
    call.on('answered', ({ sdp }) => rtp.configure(readAnswer(sdp ?? '') ?? {}));
    call.on('failed', () => undefined);
    return { call, rtp };
  }

  /** Leg A, answered and parked. */
  async parked(user = '+48601000001', cutoffSeconds = 60): Promise<{ a: string; phone: Phone }> {
    const a = uuidv7();
    await this.give(a, { $case: 'originate', value: { dial: this.dial(user, cutoffSeconds) } });
    const phone = await this.answers(user);
    await this.event('parked', a);
    return { a, phone };
  }

  collect(fields: Partial<sw.Collect> = {}): sw.Collect {
    return sw.Collect.fromPartial({
      minDigits: 1,
      maxDigits: 16,
      terminators: '#',
      firstDigitTimeoutMs: 5_000,
      interDigitTimeoutMs: 3_000,
      singleDigitCommands: '*',
      ...fields,
    } as never);
  }

  journalFiles(): string[] {
    return readdirSync(join(this.folder, 'journal')).map((name) => join(this.folder, 'journal', name));
  }

  async stop(): Promise<void> {
    if (this.agent && this.agent.exitCode === null && this.agent.signalCode === null) await this.killAgent();
    for (const rtp of this.#rtp) rtp.close(0);
    await this.edge?.close(100);
    await this.running?.kill();
    await this.connection?.close();
    await this.nats?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
