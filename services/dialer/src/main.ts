import { dialer, SHARDS } from '@ringback/contracts';
import { DURABLE_MIGRATIONS, Loop, PostgresStore } from '@ringback/durable';
import {
  connectNats,
  createPool,
  migrate,
  nowUs,
  runService,
  spanSink,
  startGrpcServer,
  unaryHandlers,
  uuidv7,
} from '@ringback/service-kit';
import { EventSource } from './adapters/event-source.ts';
import { OutboxRelay } from './adapters/outbox-relay.ts';
import { EffectPerformer } from './adapters/performer.ts';
import { openQuestions } from './adapters/questions.ts';
import { RegistrarLease } from './adapters/registrar-lease.ts';
import { RoutingStore } from './adapters/routing-store.ts';
import { SwitchRegistry } from './adapters/switch-registry.ts';
import { holdRegistrations } from './api/registrations.ts';
import { routingHandlers, watchEdgeConfig } from './api/routing.ts';
import { SessionRequests } from './api/session-requests.ts';
import { parkedEventHandlers, sessionHandlers } from './api/sessions.ts';
import { switchHandlers } from './api/switches.ts';
import { CONFIG } from './config.ts';
import type { SessionEvent } from './domain/events.ts';
import type { Effect, Session } from './domain/model.ts';
import { sessionMachine } from './domain/session-machine.ts';
import { settingsOf } from './settings-of.ts';
import { observer } from './telemetry/observer.ts';

/** Cool-down reaches back no further than this. */
const RECENT_US = 24 * 3_600 * 1_000_000;
/** The schema that holds the dialer's tables and the loop's. */
const SCHEMA = 'dialer';

await runService({
  name: 'dialer',
  config: CONFIG,
  async start(config, { log, telemetry, fail }) {
    const pool = createPool(config.DATABASE_URL);
    await migrate(pool, DURABLE_MIGRATIONS, SCHEMA);
    await migrate(pool, new URL('../migrations/', import.meta.url), SCHEMA);
    const connection = await connectNats({ url: config.NATS_URL, name: 'dialer' });
    telemetry.setSpanSink(spanSink(connection));

    const sessionsOn = (switchId: string): number => {
      let count = 0;
      for (const { state } of loop.sessions()) {
        if (state.legs.some((leg) => leg.switchId === switchId && leg.status !== 'ended')) count += 1;
      }
      return count;
    };
    const registry = new SwitchRegistry(pool, config.SWITCH_SILENCE, sessionsOn);
    const routing = new RoutingStore(pool, log, () => registry.pick());
    await routing.start();
    await registry.start(connection, log);
    const registrarLease = new RegistrarLease(pool);
    const questions = openQuestions({
      auth: config.AUTH_ADDRESS,
      billing: config.BILLING_ADDRESS,
      ivr: config.IVR_ADDRESS,
    });
    const outbox = new OutboxRelay(pool, connection, log);
    const machine = sessionMachine(() => routing.directory(), settingsOf(config));

    const loop: Loop<Session, SessionEvent, Effect> = new Loop({
      machine,
      store: new PostgresStore(pool, SCHEMA, SHARDS),
      source: new EventSource(connection, log, config.EVENT_KEY),
      performer: new EffectPerformer(connection, questions, () => Number(nowUs())),
      clock: {
        nowUs: () => Number(nowUs()),
        newId: () => uuidv7(),
        after(ms, callback) {
          const timer = setTimeout(callback, ms);
          return () => clearTimeout(timer);
        },
      },
      owner: crypto.randomUUID(),
      sessionId: (shard, id) => `${String(shard).padStart(2, '0')}-${id}`,
      shards: SHARDS,
      leaseTtlMs: config.LEASE_TTL,
      heartbeatMs: config.HEARTBEAT,
      recentUs: RECENT_US,
      maxBatch: config.MAX_BATCH,
      observe: observer({ log, loop: () => loop, fatal: fail, committed: () => outbox.poke() }),
    });
    await loop.start();
    outbox.poke();
    const requests = new SessionRequests(connection, loop, log);
    requests.listen();

    const server = await startGrpcServer({
      listen: config.GRPC_LISTEN,
      log,
      protoFiles: ['ringback/dialer/v1/dialer.proto', 'ringback/dialer/v1/edge_config.proto'],
      services: [
        {
          definition: dialer.SessionServiceService,
          handlers: unaryHandlers(log, sessionHandlers(requests, pool, machine)),
        },
        {
          definition: dialer.SwitchServiceService,
          handlers: unaryHandlers(log, switchHandlers(registry, connection, sessionsOn)),
        },
        {
          definition: dialer.RoutingServiceService,
          handlers: unaryHandlers(log, routingHandlers(routing, registrarLease, config.EVENT_KEY)),
        },
        { definition: dialer.ParkedEventServiceService, handlers: unaryHandlers(log, parkedEventHandlers(pool)) },
        {
          definition: dialer.EdgeConfigServiceService,
          handlers: {
            watchEdgeConfig: watchEdgeConfig(routing),
            ...unaryHandlers(log, {
              holdRegistrations: holdRegistrations(registrarLease, () => routing.snapshot.trunks.values()),
            }),
          },
        },
      ],
    });

    return {
      notReady: () =>
        loop.shardCount === 0 ? 'owns no shard yet' : connection.isClosed() ? 'NATS is away' : undefined,
      async stop() {
        await server.stop();
        await loop.stop();
        outbox.stop();
        routing.stop();
        questions.close();
        await connection.drain();
        await pool.end();
      },
    };
  },
});
