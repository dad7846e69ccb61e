import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { calledBackAfterLoss, play, type Scene, Scenes, WAIT } from './support/kill-scenes.ts';
import { World } from './support/world.ts';

const EVERYTHING = ['dialer', 'billing', 'auth', 'ivr', 'agent-1', 'agent-2', 'edge-agent', 'nats', 'postgres'];

const agentOf = (switchId: string): string => switchId.replace('switch', 'agent');

let world: World;
let scenes: Scenes;

before(async () => {
  world = await World.start({ env: { dialer: { WARN_LEAD: '3s' } }, accessNumber: { answerTimeoutSeconds: 30 } });
  scenes = new Scenes(world);
});
after(() => world.close());

describe('a process is killed in the middle of calls', { timeout: 600_000 }, () => {
  afterEach(async () => {
    await world.settled(WAIT);
    await world.invariants();
  });

  /** One caller at every moment of a call. */
  const everyMoment = (): Promise<Scene[]> =>
    Promise.all([
      scenes.talking(),
      scenes.leaving(),
      scenes.ringingA(),
      scenes.ringingB(),
      scenes.keyingPin(),
      scenes.triggering('while the access number rings'),
      scenes.triggering('right after the trigger'),
      scenes.exhausting(),
    ]);

  for (const name of ['dialer', 'billing', 'auth', 'ivr', 'nats', 'postgres', 'kamailio']) {
    test(name, async () => {
      await play(world, await everyMoment(), () => world.platform.kill(name));
    });
  }

  test('the agent of the switch that carries the conversation', async () => {
    const parts = await everyMoment();
    await play(world, parts, async () => world.platform.kill(agentOf(await scenes.switchOf(parts[0]?.caller ?? ''))));
  });

  test('everything but switch and edge', async () => {
    const parts = await Promise.all([scenes.exhausting(), scenes.talking()]);
    await play(world, parts, async () => {
      const { supervisor } = world.platform;
      await Promise.all(EVERYTHING.map((name) => supervisor.hold(name)));
      try {
        const b = scenes.dearest();
        assert.equal(b.end, undefined, 'the credit was to end while all are dead');
        await b.expectEnd(WAIT);
      } finally {
        await Promise.all(EVERYTHING.map((name) => supervisor.release(name)));
      }
      await world.platform.whole();
    });
  });

  test('a switch', async () => {
    const parts = await Promise.all([scenes.talking(), scenes.talking(), scenes.ringingA(), scenes.ringingA()]);
    const lost = new Set<Scene>();
    let dead = '';
    const onTheDead = (scene: Scene): Scene => ({
      ...scene,
      goOn: (back) => (lost.has(scene) ? calledBackAfterLoss(world, scene, back) : scene.goOn(back)),
    });
    const choose: Scene = {
      moment: 'all are there',
      caller: '',
      touch: async () => {
        const switches = await Promise.all(parts.map(({ caller }) => scenes.switchOf(caller)));
        dead = switches[0] ?? '';
        for (const [index, scene] of parts.entries()) if (switches[index] === dead) lost.add(scene);
        assert.ok(lost.size < parts.length, 'the other switch has calls as well');
      },
      goOn: () => Promise.resolve(),
    };
    await play(world, [...parts.map(onTheDead), choose], () => world.platform.kill(dead));
  });
});
