import { positionIn, progressMessages, readBatch, republishRequest, type SessionEvent } from '@ringback/dialer/core';
import type { Lease, Source, Sourced } from '@ringback/durable';
import type { Bus } from './bus.ts';
import type { Life } from './life.ts';
import type { Network } from './network.ts';
import type { Random } from './random.ts';

type Deliver = (events: Sourced<SessionEvent>[]) => Promise<void>;

/** Leg events off the simulated stream: the dialer's own reading of positions and messages, over another transport. */
export function eventReader(life: Life, bus: Bus, network: Network, random: Random): Source<SessionEvent> {
  const node = life.name;
  let reading = 0;
  let stopFollowing = (): void => {};
  let restart = (): void => {};

  const republish = (source: string, shards: number[]): void => {
    const { subject, data } = republishRequest(source, shards);
    bus.tell(node, subject, data);
  };

  /** A consumer; a new one after every reconnection. */
  function consume(mine: number, leases: Map<number, Lease>, deliver: Deliver): void {
    stopFollowing();
    const consumer = {};
    current = consumer;
    const held = [...leases.values()];
    const { stream, start, renewed, sources } = positionIn(bus.state, held, life.nowUs() / 1000);
    if (renewed) for (const [source, shards] of sources) republish(source, shards);
    let at = start;
    let busy = false;
    const live = (): boolean => mine === reading && current === consumer;

    const take = async (message: NonNullable<ReturnType<Bus['at']>>): Promise<void> => {
      const lease = leases.get(message.shard);
      if (!lease) return;
      const events = readBatch(message.subject, message.data, message.seq, stream);
      Object.assign(lease, { stream, cursor: message.seq });
      await deliver(events);
    };
    const wake = (): void => {
      if (busy) return;
      busy = true;
      life.clock.after(network.delayUs(), () => {
        busy = false;
        if (!live()) return;
        life.enter(() => void some());
      });
    };
    /** Everything that is there; in order, but for what the bus makes of it. */
    const some = async (): Promise<void> => {
      if (!live() || !bus.reaches(node) || busy) return;
      busy = true;
      for (let message = bus.at(at); message && live(); message = bus.at(at)) {
        at = message.seq + 1;
        const next = random.chance(bus.mishaps.late) ? bus.at(at) : undefined;
        if (next) await take(next);
        await take(message);
        if (random.chance(bus.mishaps.twice)) await take(message);
      }
      busy = false;
    };
    stopFollowing = bus.follow(wake);
    wake();
  }
  let current: object | undefined;
  bus.onReconnect(life, node, () => restart());

  return {
    read(leases, deliver) {
      reading += 1;
      const mine = reading;
      const held = new Map(leases.map((lease) => [lease.shard, { ...lease }]));
      restart = () => {
        if (mine === reading && held.size > 0) consume(mine, held, deliver);
      };
      stopFollowing();
      if (bus.reaches(node)) restart();
      return Promise.resolve();
    },
    republish,
    progress(leases) {
      for (const { subject, data } of progressMessages(leases)) bus.tell(node, subject, data);
    },
    close() {
      reading += 1;
      stopFollowing();
      return Promise.resolve();
    },
  };
}
