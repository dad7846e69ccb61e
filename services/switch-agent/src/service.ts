import { randomUUID } from 'node:crypto';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import {
  EVENT_STREAM,
  sw,
  switchCommandSubject,
  switchProgressSubject,
  switchRepublishSubject,
  switchStatusSubject,
} from '@ringback/contracts';
import { Box } from '@ringback/sealing';
import { connectNats, ensureStreams, type Logger, meter, type NatsConnection, nowUs } from '@ringback/service-kit';
import type { Values } from '@ringback/service-kit';
import { Agent } from './agent.ts';
import type { CONFIG } from './config.ts';
import { Journal } from './journal/journal.ts';
import { Publisher } from './publisher.ts';

const STATUS_MS = 1_000;
const PUBLISH_MS = 2_000;

export interface RunningAgent {
  notReady(): string | undefined;
  stop(): Promise<void>;
}

const now = (): number => Number(nowUs());

/** Starts the agent of one switch: journal, event socket, NATS. NATS or the switch may be away. */
export async function startAgent(
  config: Values<typeof CONFIG>,
  { log, fail, connected }: { log: Logger; fail(error: unknown): void; connected?(connection: NatsConnection): void },
): Promise<RunningAgent> {
  const { SWITCH_ID: switchId } = config;
  const commands = meter.createCounter('ringback.switch.commands', { description: 'commands by kind and answer' });
  const events = meter.createCounter('ringback.switch.events', { description: 'events told, by kind' });
  const flushTime = meter.createHistogram('ringback.switch.journal_flush', {
    unit: 'ms',
    description: 'one write to the journal',
  });
  const retries = meter.createCounter('ringback.switch.publish_retries', {
    description: 'event batches not taken at once',
  });

  const box = (purpose: string) => (config.EVENT_KEY === '' ? undefined : new Box(config.EVENT_KEY, purpose));
  const eventBox = box(EVENT_STREAM);
  const journal = await Journal.open({
    directory: config.JOURNAL_DIR,
    box: box('journal'),
    newRun: randomUUID,
    nowUs: now,
    failed: fail,
    flushed: (ms) => flushTime.record(ms),
  });
  const { state } = journal;
  let connection: NatsConnection | undefined;
  let natsUp = false;

  const publisher = new Publisher({
    switchId,
    run: () => state.run,
    held: (shard) => state.shard(shard).events,
    async publish(subject, data) {
      if (!connection) throw new Error('NATS is not connected yet');
      await jetstream(connection).publish(subject, eventBox?.seal(data, subject) ?? data, { timeout: PUBLISH_MS });
    },
    after: (ms, callback) => void setTimeout(callback, ms).unref(),
    failed(error) {
      retries.add(1);
      log.debug({ err: error }, 'an event batch was not taken yet');
    },
  });
  const [host = '', port = ''] = splitAddress(config.ESL_ADDRESS);
  const agent = new Agent({
    journal,
    log,
    nowUs: now,
    monotonicUs: () => performance.now() * 1000,
    esl: { host, port: Number(port), password: config.ESL_PASSWORD },
    silenceMs: config.SWITCH_SILENCE,
    profile: config.SOFIA_PROFILE,
    edges: config.EDGES,
    promptsDir: config.PROMPTS_DIR,
    cdrDir: config.CDR_DIR,
    maxSessions: config.MAX_SESSIONS,
    sessionsPerSecond: config.SESSIONS_PER_SECOND,
    durable: (shard, seq) => publisher.durable(shard, seq),
    changed: () => tellStatus(),
    countedEvent: (kind) => events.add(1, { kind }),
  });
  const gauge = (name: string, description: string, value: () => number): void => {
    meter.createObservableGauge(name, { description }).addCallback((result) => result.observe(value()));
  };
  gauge('ringback.switch.legs', 'legs that live', () => agent.legs.count);
  gauge('ringback.switch.connected', 'the event socket is connected', () => (agent.link.ready ? 1 : 0));
  gauge('ringback.switch.unconfirmed_events', 'events that PostgreSQL has not confirmed', () =>
    [...state.shards.values()].reduce((sum, { events: held }) => sum + held.length, 0),
  );

  function tellStatus(): void {
    if (!connection || connection.isClosed()) return;
    const { State } = { State: sw.SwitchStatus_State };
    const status = sw.SwitchStatus.encode({
      switchId,
      coreUuid: agent.link.core,
      state: !agent.link.ready ? State.DISCONNECTED : agent.draining ? State.DRAINING : State.ACTIVE,
      sipAddress: config.SIP_ADDRESS,
      sessions: agent.legs.count,
      maxSessions: config.MAX_SESSIONS,
      atUs: BigInt(now()),
      run: state.run,
      version: agent.link.version,
    }).finish();
    connection.publish(switchStatusSubject(switchId), status);
  }

  async function answer(data: Uint8Array): Promise<Uint8Array> {
    let command: sw.Command;
    try {
      command = sw.Command.decode(data);
    } catch {
      const message = 'not a sw.Command';
      return sw.CommandAck.encode({ commandId: '', status: sw.CommandAck_Status.INVALID, message }).finish();
    }
    const ack = await agent.command(command);
    commands.add(1, { kind: command.body?.$case ?? 'none', status: ack.status });
    if (ack.status !== sw.CommandAck_Status.ACCEPTED && ack.status !== sw.CommandAck_Status.DUPLICATE) {
      log.info(
        { command_id: command.commandId, session_id: command.sessionId, status: ack.status, reason: ack.message },
        'a command was refused',
      );
    }
    return sw.CommandAck.encode({ commandId: command.commandId, ...ack }).finish();
  }

  function attach(nats: NatsConnection): void {
    connection = nats;
    natsUp = true;
    connected?.(nats);
    nats.subscribe(switchCommandSubject(switchId), {
      callback(error, message) {
        if (error) return log.error({ err: error }, 'commands cannot be received');
        answer(message.data).then((ack) => message.respond(ack), fail);
      },
    });
    nats.subscribe(switchProgressSubject(switchId), {
      callback(_error, message) {
        const progress = decode(() => sw.SourceProgress.decode(message.data));
        if (progress?.run !== state.run) return;
        const records = progress.shards
          .filter(({ shard, seq }) => Number(seq) > (state.shards.get(shard)?.confirmed ?? Number.MAX_SAFE_INTEGER))
          .map(({ shard, seq }) => ({
            k: 'confirmed' as const,
            shard,
            seq: Math.min(Number(seq), state.shard(shard).seq),
          }));
        if (records.length > 0) journal.append(records).catch(() => undefined); // a failing disk ends the process
      },
    });
    nats.subscribe(switchRepublishSubject(switchId), {
      callback(_error, message) {
        const request = decode(() => sw.RepublishRequest.decode(message.data));
        if (!request || (request.run !== '' && request.run !== state.run)) return;
        for (const shard of request.shards) if (state.shards.has(shard)) publisher.again(shard);
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

  return {
    notReady: () => (!agent.link.ready ? 'the switch is not connected' : !natsUp ? 'NATS is away' : undefined),
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
