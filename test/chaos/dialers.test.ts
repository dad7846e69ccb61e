import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SHARDS } from '@ringback/contracts';
import { call } from '@ringback/service-kit';
import { until, type World } from '../support/world.ts';
import { booked, WAIT } from './moments.ts';
import { play, verify } from './play.ts';
import { onStage } from './stage.ts';

const DIALERS = 3;

/** How many shards each dialer says it owns; 0 of one that does not answer. */
async function shares({ platform }: World): Promise<number[]> {
  return Promise.all(
    platform.layout.dialers.map(async (name) => {
      const text = await fetch(`http://${platform.layout.http[name]}/metrics`).then(
        (response) => response.text(),
        () => '',
      );
      return Number(/^ringback_dialer_shards\S* (\d+)/m.exec(text)?.[1] ?? 0);
    }),
  );
}

const sum = (counts: readonly number[]): number => counts.reduce((all, count) => all + count, 0);

/** Resolves when all shards have an owner again, and everybody who is there has some. */
const shared = (world: World, dialers: number): Promise<void> =>
  until(
    `${dialers} dialers share the shards`,
    async () => {
      const counts = await shares(world);
      return sum(counts) === SHARDS && counts.filter((count) => count > 0).length === dialers;
    },
    WAIT,
  );

onStage('three dialers share the sessions', { dialers: DIALERS }, (stage) => {
  test('one that dies leaves its share to the others, and gets one again when it is back', async () => {
    const { world } = stage();
    const { supervisor } = world.platform;
    await shared(world, DIALERS);
    assert.ok(Math.max(...(await shares(world))) <= Math.ceil(SHARDS / DIALERS), 'in equal parts');
    await supervisor.hold('dialer-2');
    await shared(world, DIALERS - 1);
    await supervisor.release('dialer-2');
    await shared(world, DIALERS);
  });

  test('two of three are killed, with callers at every step of a call', async () => {
    const { world, moments } = stage();
    const outcomes = await play(world, await moments.all(), {
      async strike() {
        await Promise.all(['dialer-2', 'dialer-3'].map((name) => world.platform.kill(name)));
        await world.platform.whole();
        await shared(world, DIALERS);
      },
    });
    verify(outcomes);
  });

  test('one is asked to stop (SIGTERM), with callers at every step of a call', async () => {
    const { world, moments } = stage();
    const outcomes = await play(world, await moments.all(), {
      async strike() {
        await world.platform.kill('dialer-2', 'SIGTERM');
        await world.platform.whole();
        await shared(world, DIALERS);
      },
    });
    verify(outcomes);
  });

  test('an operator ends sessions, whichever dialer is asked', async () => {
    const { world, moments } = stage();
    const customers = await Promise.all(Array.from({ length: 6 }, () => world.customer()));
    await Promise.all(customers.map((customer) => moments.conversation(customer)));
    const { sessionService } = world;
    const open = (await world.sessions()).filter(({ state }) => state !== 'ended');
    assert.equal(open.length, customers.length);
    // All of the same dialer would be one chance in 3⁵.
    await Promise.all(open.map(({ id }) => call(sessionService, sessionService.endSession, { id })));
    for (const { caller } of customers) {
      await booked(world, caller, ['a success', 'b success', 'trigger success']);
    }
  });
});
