import { after, test } from 'node:test';
import { jetstreamManager } from '@nats-io/jetstream';
import { EVENT_STREAM } from '@ringback/contracts';
import { connectNats, createPool, type Pool } from '@ringback/service-kit';
import type { World } from '../support/world.ts';
import { IN_CONVERSATION } from './moments.ts';
import { Network } from './network.ts';
import { play, type Scene, verify } from './play.ts';
import { onStage, type Stage, victim } from './stage.ts';

const AWAY_MS = 60_000;
/** Longer than what a switch may be silent for before it gets no new sessions. */
const CUT_MS = 8_000;
const FULL_MS = 8_000;

/** Long calls, not extended: nothing has to be asked for while nobody answers. */
const LONG_HOLDS = { dialer: { QUOTE_CAP: '600s', EXTEND_LEAD: '60s' } };

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Callers who talk, leave, run out of money, and call while something is away. */
const through = ({ moments }: Stage): Promise<Scene[]> =>
  Promise.all([moments.talking(), moments.leaving(), moments.exhausting(), moments.triggeringMeanwhile()]);

onStage('what services stand on is away for a minute', { env: LONG_HOLDS }, (stage) => {
  for (const name of ['nats', 'postgres']) {
    test(name, async () => {
      const { world } = stage();
      const { supervisor } = world.platform;
      const outcomes = await play(world, await through(stage()), {
        async strike() {
          await supervisor.hold(name);
          await wait(AWAY_MS);
          await supervisor.release(name);
          await world.platform.whole();
        },
      });
      verify(outcomes);
    });
  }
});

onStage('storage is full for a while, with callers at every step of a call', { dialers: 2 }, (stage) => {
  /** What is refused while `full` lasts is taken when it is over. */
  const refusing = async (full: () => Promise<unknown>, over: () => Promise<unknown>): Promise<void> => {
    const { world, moments } = stage();
    const outcomes = await play(world, await moments.all(), {
      async strike() {
        await full();
        await wait(FULL_MS);
        await over();
        await world.platform.whole();
      },
    });
    verify(outcomes);
  };

  test('NATS takes no more events', async () => {
    const connection = await connectNats({ url: stage().world.endpoints.nats, name: 'test' });
    try {
      const { streams } = await jetstreamManager(connection);
      const { config } = await streams.info(EVENT_STREAM);
      // The limit that a full disk is for a stream that discards what is new.
      await refusing(
        async () => streams.update(EVENT_STREAM, { max_bytes: (await streams.info(EVENT_STREAM)).state.bytes }),
        () => streams.update(EVENT_STREAM, { max_bytes: config.max_bytes }),
      );
    } finally {
      await connection.close();
    }
  });

  test('PostgreSQL takes no more writes', async () => {
    const pool = createPool(stage().world.endpoints.postgres);
    try {
      // As those who run databases for others do when a disk is nearly full.
      await refusing(
        () => readOnly(pool, true),
        () => readOnly(pool, false),
      );
    } finally {
      await pool.end();
    }
  });
});

async function readOnly(pool: Pool, on: boolean): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('SET default_transaction_read_only = off');
    await client.query(`ALTER SYSTEM SET default_transaction_read_only = ${on ? 'on' : 'off'}`);
    await client.query('SELECT pg_reload_conf()');
  } finally {
    client.release();
  }
}

const networks = new Map<string, Network>();
const byNetworks = async (port: number): Promise<Record<string, number>> => {
  for (const agent of ['agent-1', 'agent-2']) {
    networks.get(agent)?.close();
    networks.set(agent, await Network.to(port));
  }
  return Object.fromEntries([...networks].map(([agent, network]) => [agent, network.port]));
};

onStage(
  'an agent is cut off from NATS, with callers at every step of a call',
  { dialers: 2, natsBy: byNetworks },
  (stage) => {
    after(() => {
      for (const network of networks.values()) network.close();
    });

    const cutOff = async (world: World, name: string): Promise<void> => {
      const network = networks.get(name);
      if (!network) throw new Error(`there is no network of ${name}`);
      network.cut();
      await wait(CUT_MS);
      network.mend();
      await world.platform.whole();
    };

    test('for a while', async () => {
      const { world, moments } = stage();
      const scenes = await moments.all();
      const outcomes = await play(world, scenes, {
        aim: () => victim(moments, 'agent', scenes.find(({ moment }) => moment === IN_CONVERSATION)?.caller ?? ''),
        strike: (name) => cutOff(world, name),
      });
      verify(outcomes);
    });
  },
);
