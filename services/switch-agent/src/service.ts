import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import {
  ALL_EDGE_STATUS,
  EVENT_STREAM,
  sw,
  switchCommandSubject,
  switchProgressSubject,
  switchRepublishSubject,
  switchStatusSubject,
  TRUNK_PASSWORD,
} from '@ringback/contracts';
import { EslClient, EslError } from '@ringback/esl';
import { Box } from '@ringback/sealing';
import {
  about,
  connectNats,
  counter,
  ensureStreams,
  histogram,
  type Logger,
  type NatsConnection,
  nowUs,
  observe,
  processing,
  processTimer,
  traceOf,
  type Values,
} from '@ringback/service-kit';
import { Agent } from './agent.ts';
import type { CONFIG } from './config.ts';
import { Edges } from './core/edges.ts';
import { Journal } from './journal/journal.ts';
import { cdrFilesIn, fileExists, processTimers } from './ports.ts';
import { agentPage, type Condition } from './pages.ts';
import { Publisher } from './publisher.ts';
import { confirmedBy, publishAgain, statusOf } from './requests.ts';
import { gatewayFilesIn } from './switch/gateways.ts';
import { ofSession, publishEvents } from './telling.ts';

const STATUS_MS = 1_000;
const PUBLISH_MS = 2_000;

export interface RunningAgent {
  notReady(): string | undefined;
  page(path: string, response: ServerResponse): boolean;
  stop(): Promise<void>;
}

const COMMANDS = 'switch.{switch}.command';

const now = (): number => Number(nowUs());

/** Starts the agent of one switch: journal, event socket, NATS. NATS or the switch may be away. */
export async function startAgent(
  config: Values<typeof CONFIG>,
  { log, fail, connected }: { log: Logger; fail(error: unknown): void; connected?(connection: NatsConnection): void },
): Promise<RunningAgent> {
  const { SWITCH_ID: switchId } = config;
  const label = { 'call.switch_id': switchId };
  const commands = counter('ringback.switch.commands');
  const commandTimer = processTimer(COMMANDS);
  const events = counter('ringback.switch.events');
  const flushTime = histogram('ringback.switch.journal_flush');
  const retries = counter('ringback.bus.publish_retries');
  const answerToPrompt = histogram('ringback.callback.answer_to_prompt');

  const box = (purpose: string) => (config.EVENT_KEY === '' ? undefined : new Box(config.EVENT_KEY, purpose));
  const eventBox = box(EVENT_STREAM);
  const passwordBox = box(TRUNK_PASSWORD);
  const journal = await Journal.open({
    directory: config.JOURNAL_DIR,
    box: box('journal'),
    newRun: randomUUID,
    nowUs: now,
    failed: fail,
    flushed: (ms) => flushTime.record(ms / 1000),
  });
  const { state } = journal;
  let connection: NatsConnection | undefined;
  let natsUp = false;

  const publisher = new Publisher({
    switchId,
    run: () => state.run,
    held: (shard) => state.shard(shard).events,
    async publish(subject, data, traces) {
      if (!connection) throw new Error('NATS is not connected yet');
      const stream = jetstream(connection);
      await publishEvents(subject, traces, (headers) =>
        stream.publish(subject, eventBox?.seal(data, subject) ?? data, { timeout: PUBLISH_MS, headers }),
      );
    },
    after: (ms, callback) => void setTimeout(callback, ms).unref(),
    failed(error) {
      retries.add(1, label);
      log.debug({ err: error }, 'an event batch was not taken yet');
    },
  });
  const [host = '', port = ''] = splitAddress(config.ESL_ADDRESS);
  const edges = new Edges(switchId, config.EDGES, () => performance.now() * 1000);
  const agent = new Agent({
    switchId,
    journal,
    log,
    nowUs: now,
    monotonicUs: () => performance.now() * 1000,
    timers: processTimers,
    newId: randomUUID,
    openEsl: (options) => new EslClient({ ...options, host, port: Number(port), password: config.ESL_PASSWORD }),
    silenceMs: config.SWITCH_SILENCE,
    hangMs: config.SWITCH_HANG,
    profile: config.SOFIA_PROFILE,
    nextEdge: () => edges.next(),
    promptsDir: config.PROMPTS_DIR,
    hasFile: fileExists,
    cdrFiles: cdrFilesIn(config.CDR_DIR),
    ...(config.GATEWAYS_DIR === '' ? {} : { gatewayFiles: gatewayFilesIn(config.GATEWAYS_DIR) }),
    openPassword(sealed, trunkId) {
      if (!passwordBox) throw new EslError('refused', 'EVENT_KEY is not set: passwords of trunks cannot be opened');
      try {
        return passwordBox.open(sealed, trunkId).toString('utf8');
      } catch (cause) {
        throw new EslError('refused', 'the trunk’s password cannot be opened with EVENT_KEY', { cause });
      }
    },
    maxSessions: config.MAX_SESSIONS,
    sessionsPerSecond: config.SESSIONS_PER_SECOND,
    tracesPerSecond: config.TRACES_PER_SECOND,
    durable: (shard, seq) => publisher.durable(shard, seq),
    changed: () => tellStatus(),
    countedEvent: (kind) => events.add(1, { ...label, 'call.event': kind }),
    prompted: (leg, afterUs) =>
      answerToPrompt.record(Math.max(0, afterUs) / 1_000_000, { 'call.trunk_id': leg.trunkId }),
  });
  observe('ringback.switch.legs', (tell) => tell(agent.legs.count, label));
  observe('ringback.switch.max_legs', (tell) => tell(config.MAX_SESSIONS, label));
  observe('ringback.switch.draining', (tell) => tell(agent.draining ? 1 : 0, label));
  observe('ringback.switch.connected', (tell) => tell(agent.link.ready ? 1 : 0, label));
  const unconfirmed = (): number => [...state.shards.values()].reduce((sum, { events: each }) => sum + each.length, 0);
  observe('ringback.bus.unconfirmed_events', (tell) => tell(unconfirmed(), label));

  function tellStatus(): void {
    if (!connection || connection.isClosed()) return;
    const { SIP_ADDRESS: sipAddress, MAX_SESSIONS: maxSessions } = config;
    const status = statusOf(agent, state, { switchId, sipAddress, maxSessions, nowUs: now() });
    connection.publish(switchStatusSubject(switchId), sw.SwitchStatus.encode(status).finish());
  }

  async function answer(message: Msg): Promise<Uint8Array> {
    const { ACCEPTED, DUPLICATE, INVALID } = sw.CommandAck_Status;
    const done = commandTimer();
    const counted = (kind: NonNullable<sw.Command['body']>['$case'] | 'none', status: sw.CommandAck_Status): void => {
      commands.add(1, { ...label, 'call.command': kind, 'call.command_status': status });
      done(kind, status);
    };
    let command: sw.Command;
    try {
      command = sw.Command.decode(message.data);
    } catch {
      counted('none', INVALID);
      return sw.CommandAck.encode({ commandId: '', status: INVALID, message: 'not a sw.Command' }).finish();
    }
    const { commandId, sessionId } = command;
    const kind = command.body?.$case ?? 'none';
    const ack = await processing(
      {
        subject: message.subject,
        template: COMMANDS,
        traceparent: traceOf(message) || command.traceparent,
        attributes: { 'call.command': kind, ...ofSession(sessionId) },
      },
      async (span) => {
        const answered = await agent.command(command);
        span.setAttribute('call.command_status', answered.status);
        return answered;
      },
    );
    counted(kind, ack.status);
    if (ack.status !== ACCEPTED && ack.status !== DUPLICATE) {
      log.info(
        {
          command_id: commandId,
          status: ack.status,
          reason: ack.message,
          ...about(sessionId, command.traceparent),
        },
        'a command was refused',
      );
    }
    return sw.CommandAck.encode({ commandId, ...ack }).finish();
  }

  function attach(nats: NatsConnection): void {
    connection = nats;
    natsUp = true;
    connected?.(nats);
    nats.subscribe(switchCommandSubject(switchId), {
      callback(error, message) {
        if (error) return log.error({ err: error }, 'commands cannot be received');
        answer(message).then((ack) => message.respond(ack), fail);
      },
    });
    nats.subscribe(switchProgressSubject(switchId), {
      callback(_error, message) {
        const progress = decode(() => sw.SourceProgress.decode(message.data));
        const records = progress ? confirmedBy(progress, state) : [];
        if (records.length > 0) journal.append(records).catch(() => undefined); // a failing disk ends the process
      },
    });
    nats.subscribe(ALL_EDGE_STATUS, {
      callback(_error, message) {
        const status = decode(() => sw.EdgeStatus.decode(message.data));
        if (status) edges.heard(status);
      },
    });
    nats.subscribe(switchRepublishSubject(switchId), {
      callback(_error, message) {
        const request = decode(() => sw.RepublishRequest.decode(message.data));
        if (request) publishAgain(request, state, publisher);
      },
    });
    const setUp = async (): Promise<void> => {
      await ensureStreams(await jetstreamManager(nats));
      publisher.retryNow();
    };
    const again = (error: unknown): void => {
      if (nats.isClosed()) return;
      log.warn({ err: error }, 'the streams cannot be made yet');
      setTimeout(() => setUp().catch(again), 1_000).unref();
    };
    setUp().catch(again);
    (async () => {
      for await (const { type } of nats.status()) {
        if (type === 'disconnect') natsUp = false;
        if (type !== 'reconnect') continue;
        natsUp = true;
        publisher.retryNow();
        tellStatus();
      }
    })().catch(fail);
    tellStatus();
  }

  const decode = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      log.warn({ err: error }, 'a message was not understood');
      return undefined;
    }
  };

  // What was not confirmed goes out again, with its old numbers.
  for (const [shard, { seq }] of state.shards) publisher.durable(shard, seq);
  agent.start();
  const connecting = connectNats({ url: config.NATS_URL, name: `switch-agent ${switchId}` }).then(attach);
  connecting.catch(fail);
  const timer = setInterval(tellStatus, STATUS_MS);
  log.info({ switch_id: switchId, run: state.run, legs: agent.legs.count }, 'the journal is read');

  const notReady = (): string | undefined =>
    !agent.link.ready ? 'the switch is not connected' : !natsUp ? 'NATS is away' : undefined;
  const condition: Condition = {
    notReady,
    draining: () => agent.draining,
    legs: () => agent.legs.count,
    maxLegs: config.MAX_SESSIONS,
    unconfirmed,
    async drain() {
      if (agent.draining) return;
      const body = { $case: 'drain' as const, value: { draining: true } };
      await agent.command(sw.Command.fromPartial({ commandId: randomUUID(), startByUs: nowUs() + 60_000_000n, body }));
    },
  };
  return {
    notReady,
    page: (path, response) => agentPage(condition, path, response),
    async stop() {
      clearInterval(timer);
      await agent.stop();
      publisher.stop();
      // Commands that come now are for the next agent.
      await connection?.close();
      await journal.close();
    },
  };
}

function splitAddress(address: string): string[] {
  const colon = address.lastIndexOf(':');
  return [address.slice(0, colon), address.slice(colon + 1)];
}
