import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onStage } from './deaths.ts';
import { calledBackAfterLoss, play, type Scene, WAIT } from './kill-scenes.ts';

const EVERYTHING = ['dialer', 'billing', 'auth', 'ivr', 'agent-1', 'agent-2', 'edge-agent', 'nats', 'postgres'];

const agentOf = (switchId: string): string => switchId.replace('switch', 'agent');

onStage('what services stand on is killed in the middle of calls', (stage) => {
  for (const name of ['postgres', 'kamailio']) {
    test(name, async () => {
      stage().scenes.edgeDies = name === 'kamailio';
      await play(stage().world, await stage().everyMoment(), () => stage().world.platform.kill(name));
    });
  }

  test('the agent of the switch that carries the conversation', async () => {
    const { world, scenes } = stage();
    const parts = await stage().everyMoment();
    await play(world, parts, async () => world.platform.kill(agentOf(await scenes.switchOf(parts[0]?.caller ?? ''))));
  });

  test('everything but switch and edge', async () => {
    const { world, scenes } = stage();
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
    const { world, scenes } = stage();
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
