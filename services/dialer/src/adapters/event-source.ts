import { type Consumer, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { EVENT_STREAM, shardEvents } from '@ringback/contracts';
import type { Lease, Source, Sourced } from '@ringback/durable';
import { Box } from '@ringback/sealing';
import {
  Backoff,
  counter,
  ensureStreams,
  type Logger,
  type NatsConnection,
  observe,
  traceOf,
} from '@ringback/service-kit';
import type { SessionEvent } from '../domain/events.ts';
import { readBatch } from './read-batch.ts';
import { positionIn, progressMessages, republishRequest } from './stream-position.ts';

/** A heartbeat this often tells a quiet stream from a dead one. */
const IDLE_HEARTBEAT_MS = 1_000;
/** Between two looks at how much is unread. */
const LOOK_MS = 5_000;

/**
 * Leg events from JetStream, without acknowledgements: an ordered consumer from the committed cursors. Our position is
 * ours: at each (re)connection the stream is compared with it and a new consumer is made.
 */
export class EventSource implements Source<SessionEvent> {
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  readonly #box: Box | undefined;
  #reading = 0;
  #stop: (() => void) | undefined;
  #restart: (() => void) | undefined;
  #consumer: Consumer | undefined;
  /** Messages not read yet; undefined: nobody could tell. */
  #lag: number | undefined;
  readonly #look: NodeJS.Timeout;
  readonly #republishRequests = counter('ringback.bus.republish_requests');

  /** `key`: what the events are sealed with; empty: they are not. */
  constructor(connection: NatsConnection, log: Logger, key: string) {
    this.#connection = connection;
    this.#log = log;
    this.#box = key === '' ? undefined : new Box(key, EVENT_STREAM);
    void this.#followReconnects();
    observe('ringback.bus.consumer_lag', (tell) => this.#lag !== undefined && tell(this.#lag));
    this.#look = setInterval(() => void this.#lookAtLag(), LOOK_MS);
    this.#look.unref();
  }

  async #lookAtLag(): Promise<void> {
    try {
      this.#lag = (await this.#consumer?.info())?.num_pending;
    } catch (error) {
      this.#lag = undefined;
      this.#log.debug({ err: (error as Error).message }, 'the bus does not tell how much is unread');
    }
  }

  /** A consumer made before a server's restart may stall for ever: every reconnect makes a new one. */
  async #followReconnects(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      if (type === 'reconnect') this.#restart?.();
    }
  }

  read(leases: Lease[], deliver: (events: Sourced<SessionEvent>[]) => Promise<void>): Promise<void> {
    this.#reading += 1;
    this.#stop?.();
    if (leases.length > 0)
      void this.#readOn(this.#reading, new Map(leases.map((lease) => [lease.shard, { ...lease }])), deliver);
    return Promise.resolve();
  }

  async #readOn(
    reading: number,
    leases: Map<number, Lease>,
    deliver: (events: Sourced<SessionEvent>[]) => Promise<void>,
  ): Promise<void> {
    const backoff = new Backoff(100, 2_000);
    while (reading === this.#reading && !this.#connection.isClosed()) {
      try {
        await this.#readOnce(reading, leases, deliver);
        backoff.reset();
      } catch (error) {
        this.#log.warn({ err: (error as Error).message }, 'reading of events broke; beginning again');
        await new Promise((resolve) => setTimeout(resolve, backoff.next()));
      }
    }
  }

  async #readOnce(
    reading: number,
    leases: Map<number, Lease>,
    deliver: (events: Sourced<SessionEvent>[]) => Promise<void>,
  ): Promise<void> {
    const manager = await jetstreamManager(this.#connection);
    await ensureStreams(manager);
    const { created, state } = await manager.streams.info(EVENT_STREAM);
    const now = { created, firstSeq: state.first_seq, lastSeq: state.last_seq };
    const { stream, start, lost, renewed, sources } = positionIn(now, [...leases.values()], Date.now());
    if (lost) {
      const fields = { first_seq: state.first_seq, wanted: start };
      this.#log.error(fields, 'the stream has lost events that were not read');
    }
    if (renewed) {
      this.#log.warn({ created, last_seq: state.last_seq }, 'the event stream is a new one; sources publish again');
      for (const [source, shards] of sources) this.republish(source, shards);
    }
    const consumer = await jetstream(this.#connection).consumers.get(EVENT_STREAM, {
      filter_subjects: [...leases.keys()].map(shardEvents),
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: start,
    });
    this.#consumer = consumer;
    const messages = await consumer.consume({ max_messages: 500, idle_heartbeat: IDLE_HEARTBEAT_MS });
    const stop = (): void => messages.stop();
    this.#stop = stop;
    this.#restart = stop;
    if (reading !== this.#reading) return stop();
    for await (const message of messages) {
      if (reading !== this.#reading) return stop();
      const events = readBatch(message.subject, message.data, message.seq, stream, this.#box, traceOf(message));
      for (const { shard } of events) {
        const lease = leases.get(shard);
        if (lease) Object.assign(lease, { stream, cursor: message.seq });
      }
      await deliver(events);
    }
  }

  republish(source: string, shards: number[]): void {
    this.#republishRequests.add(1);
    const { subject, data } = republishRequest(source, shards);
    this.#connection.publish(subject, data);
  }

  progress(leases: Lease[]): void {
    if (this.#connection.isClosed()) return;
    for (const { subject, data } of progressMessages(leases)) this.#connection.publish(subject, data);
  }

  close(): Promise<void> {
    clearInterval(this.#look);
    this.#reading += 1;
    this.#stop?.();
    return Promise.resolve();
  }
}
