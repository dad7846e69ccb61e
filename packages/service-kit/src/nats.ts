import {
  EVENT_STREAM,
  EVENT_SUBJECTS,
  FACT_STREAM,
  FACT_SUBJECTS,
  SPAN_STREAM,
  SPAN_SUBJECTS,
  spanSubject,
} from '@ringback/contracts';
import {
  DiscardPolicy,
  type JetStreamManager,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { SpanSink } from './telemetry/span-sink.ts';

export type { NatsConnection };

/** Debian's 2.9 drops settings in silence that this platform relies on. */
const LEAST_SERVER = [2, 10] as const;

/** The library takes a user's name and password beside the addresses, not in them. */
function serversOf(urls: string): { servers: string[]; user?: string; pass?: string } {
  const servers = urls.split(',').map((url) => new URL(url.includes('://') ? url : `nats://${url}`));
  const [{ username, password }] = servers as [URL];
  return {
    servers: servers.map(({ protocol, host }) => `${protocol}//${host}`),
    ...(username === '' ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
  };
}

/**
 * Connects to one of `url` (several with commas; `nats://user:password@host:port`), and reconnects for ever. Publishes made while disconnected are buffered by the client.
 * @throws Error when the server is too old.
 */
export async function connectNats(options: {
  url: string;
  name: string;
  waitOnFirstConnect?: boolean;
}): Promise<NatsConnection> {
  const connection = await connect({
    ...serversOf(options.url),
    name: options.name,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    waitOnFirstConnect: options.waitOnFirstConnect ?? true,
    pingInterval: 5_000,
    maxPingOut: 2,
    ignoreAuthErrorAbort: true,
    // Each request would make two errors in advance, for their stacks.
    noAsyncTraces: true,
  });
  const version = connection.info?.version ?? '0.0.0';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < LEAST_SERVER[0] || (major === LEAST_SERVER[0] && minor < LEAST_SERVER[1])) {
    await connection.close();
    throw new Error(`NATS server ${version} is too old: ${LEAST_SERVER.join('.')} or newer is needed`);
  }
  return connection;
}

const HOUR_NS = 3_600 * 1e9;
const STREAMS: Partial<StreamConfig>[] = [
  {
    name: EVENT_STREAM,
    subjects: [EVENT_SUBJECTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    // A full stream refuses what is new (error 10077): agents keep it in their journals; nothing unread is dropped.
    discard: DiscardPolicy.New,
    max_age: 24 * HOUR_NS,
    max_bytes: 512 << 20,
    max_msg_size: 1 << 20,
    duplicate_window: 120 * 1e9,
  },
  {
    name: FACT_STREAM,
    subjects: [FACT_SUBJECTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: 24 * HOUR_NS,
    max_bytes: 128 << 20,
    duplicate_window: 120 * 1e9,
  },
  {
    name: SPAN_STREAM,
    subjects: [SPAN_SUBJECTS],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.Old,
    max_age: 6 * HOUR_NS,
    max_bytes: 64 << 20,
  },
];

const STREAM_NOT_FOUND = 10_059;

/**
 * Creates the platform's streams, or brings them to the configuration above. A stream that is there is looked up, not added
 * again: the server would count its storage twice before it noticed.
 */
export async function ensureStreams(manager: JetStreamManager): Promise<void> {
  for (const wanted of STREAMS) {
    try {
      const { config } = await manager.streams.info(wanted.name!);
      const differs = Object.entries(wanted).some(
        ([knob, value]) => String(config[knob as keyof StreamConfig]) !== String(value),
      );
      if (differs) await manager.streams.update(wanted.name!, wanted);
    } catch (error) {
      if (!(error instanceof JetStreamApiError) || error.code !== STREAM_NOT_FOUND) throw error;
      await manager.streams.add(wanted as StreamConfig & { name: string });
    }
  }
}

/** Whether a failed JetStream publish was refused for certain (the server said so), or may have been stored all the same. */
export function publishFailureIsDefinite(error: unknown): boolean {
  return error instanceof JetStreamApiError;
}

/** Tells finished spans on `span.<trace id>`; telemetry may be lost, calls may not: no acknowledgement is awaited. */
export function spanSink(connection: NatsConnection): SpanSink {
  return (traceId, spans) => {
    if (!connection.isClosed()) {
      connection.publish(spanSubject(traceId), JSON.stringify(spans));
    }
    return Promise.resolve();
  };
}
