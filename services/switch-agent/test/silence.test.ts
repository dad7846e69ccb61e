import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuidv7 } from '@ringback/service-kit';
import { World } from './world.ts';

/** A switch that stands still (SIGSTOP) keeps its sockets, takes in what it is sent, and does it when it goes on. */

const USER = '+48601000001';

async function withWorld(env: Record<string, string>, run: (world: World) => Promise<void>): Promise<void> {
  const world = await World.start(env);
  try {
    await run(world);
  } finally {
    world.running.resume();
    await world.stop();
  }
}

const stateOf = (world: World) => world.statuses.at(-1)?.state;

test('a silent switch takes no command; what it was told before it does, once, when it goes on', () =>
  withWorld({ SWITCH_SILENCE: '1s' }, async (world) => {
    world.running.pause();
    const a = uuidv7();
    await world.give(a, { $case: 'originate', value: { dial: world.dial(USER) } });
    await world.until('silent', () => stateOf(world) === 'STATE_DISCONNECTED');
    const refused = await world.ask(world.command(a, { $case: 'probe', value: {} }));
    assert.equal(refused.status, 'STATUS_UNAVAILABLE');
    world.running.resume();
    await world.until('active', () => stateOf(world) === 'STATE_ACTIVE');
    const call = await world.rings(USER);
    call.ring();
    await world.event('progress', a);
    call.reject(486);
    assert.equal((await world.event('ended', a)).body.value.sipStatus, 486);
    assert.equal(world.told('lost', ({ legId }) => legId === a).length, 0);
    assert.equal(world.callsWaiting(), 0);
  }));

test('one that does not answer for long: the connection is made anew, and what became of an order is told once', () =>
  withWorld({ SWITCH_SILENCE: '1s', SWITCH_HANG: '2s' }, async (world) => {
    world.running.pause();
    const a = uuidv7();
    await world.give(a, { $case: 'originate', value: { dial: world.dial(USER) } });
    await world.until('given up', () => world.output.includes('connecting again'));
    world.running.resume();
    await world.until('active', () => stateOf(world) === 'STATE_ACTIVE');
    const mine = ({ legId }: { legId: string }): boolean => legId === a;
    await world.until('looked for', () => world.told('lost', mine).length + world.told('legState', mine).length > 0);
    // The switch did what it had taken in, before it was asked or after: a leg that was given up must not ring on.
    const call = await world.rings(USER);
    const [lost] = world.told('lost', mine);
    if (lost) {
      assert.equal(lost.body.value.indeterminate, true);
      await world.until('cancelled', () => call.state === 'terminated');
    } else {
      call.reject(486);
      assert.equal((await world.event('ended', a)).body.value.sipStatus, 486);
    }
    assert.equal(world.callsWaiting(), 0);
  }));
