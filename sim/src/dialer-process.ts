import { SHARDS, type sw } from '@ringback/contracts';
import {
  DEFAULT_SETTINGS,
  type Directory,
  type Effect,
  EffectPerformer,
  type Questions,
  type Session,
  type SessionEvent,
  sessionMachine,
  SwitchBoard,
} from '@ringback/dialer/core';
import { type Committed, Loop, type Parked } from '@ringback/durable';
import { type Bus } from './bus.ts';
import { STATUS_SUBJECT } from './agent-process.ts';
import { eventReader } from './event-reader.ts';
import type { Life } from './life.ts';
import type { Network } from './network.ts';
import type { Tell } from './quiet-log.ts';
import type { Ids, Random } from './random.ts';
import { type Connection, type Database, storeOver } from './store.ts';

export type DialerLoop = Loop<Session, SessionEvent, Effect>;

export interface DialerWorld {
  bus: Bus;
  network: Network;
  database: Database;
  random: Random;
  ids: Ids;
  directory(pickSwitch: () => string | undefined): Directory;
  /** How this process reaches the database. */
  connection(life: Life): Connection;
  questions(life: Life): Questions;
  tell: Tell;
  committed(loop: DialerLoop, batch: Committed<Session, SessionEvent, Effect>, by: string): void;
  parked(parked: Parked): void;
  /** The process ends by itself. */
  fatal(life: Life, error: Error): void;
  /** A command leaves the process. */
  performing(effect: Effect, id: string, epoch: number): void;
}

const LEASE_MS = 6_000;
const HEARTBEAT_MS = 1_500;
const SILENCE_MS = 3_500;

/** One life of a dialer: the real loop with the real machine and performer, on simulated PostgreSQL, NATS and gRPC. */
export function startDialer(life: Life, world: DialerWorld): DialerLoop {
  const { bus, ids } = world;
  const sessionsOn = new SessionCount(() => loop, life);
  const board = new SwitchBoard({
    silenceMs: SILENCE_MS,
    monotonicMs: () => life.clock.nowUs / 1000,
    sessionsOn: (switchId) => sessionsOn.of(switchId),
  });
  bus.listen<sw.SwitchStatus>(life, life.name, STATUS_SUBJECT, (status) => board.heard(status));
  const directory = world.directory(() => board.pick());
  const performer = new EffectPerformer(
    { request: (subject, data, { timeout }) => bus.request(life, life.name, subject, data, timeout) },
    world.questions(life),
    life.nowUs,
  );
  const loop: DialerLoop = new Loop({
    machine: sessionMachine(() => directory, DEFAULT_SETTINGS),
    store: storeOver(world.database, world.connection(life)),
    source: eventReader(life, bus, world.network, world.random),
    performer: {
      perform(owed) {
        world.performing(owed.body, owed.id, owed.epoch);
        return performer.perform(owed);
      },
    },
    clock: { nowUs: life.nowUs, newId: () => ids.next(), after: life.after },
    owner: ids.next(),
    sessionId: (shard, id) => `${String(shard).padStart(2, '0')}-${id}`,
    shards: SHARDS,
    leaseTtlMs: LEASE_MS,
    heartbeatMs: HEARTBEAT_MS,
    recentUs: 24 * 3_600_000_000,
    maxBatch: 1_000,
    observe: {
      committed: (batch) => world.committed(loop, batch, life.name),
      parked: (parked) => world.parked(parked),
      note: (level, words, fields) => world.tell(level, `${life.name}: ${words}`, fields),
      fatal: (error) => world.fatal(life, error),
    },
  });
  loop.start().catch((error: Error) => world.fatal(life, error));
  return loop;
}

/** Sessions with a live leg on a switch, counted anew once a second. */
class SessionCount {
  readonly #loop: () => DialerLoop;
  readonly #life: Life;
  #counts = new Map<string, number>();
  #countedUs = 0;

  constructor(loop: () => DialerLoop, life: Life) {
    this.#loop = loop;
    this.#life = life;
  }

  of(switchId: string): number {
    const { nowUs } = this.#life.clock;
    if (nowUs - this.#countedUs > 1_000_000) {
      this.#countedUs = nowUs;
      this.#counts = new Map();
      for (const { state } of this.#loop().sessions()) {
        const on = new Set(state.legs.filter(({ status }) => status !== 'ended').map((leg) => leg.switchId));
        for (const id of on) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
      }
    }
    return this.#counts.get(switchId) ?? 0;
  }
}
