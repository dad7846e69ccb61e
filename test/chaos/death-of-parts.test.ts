import assert from 'node:assert/strict';
import { test } from 'node:test';
import { calledBackAfterLoss, WAIT } from './moments.ts';
import { play, type Scene, verify } from './play.ts';
import { onStage } from './stage.ts';

const EVERYTHING = ['dialer', 'billing', 'auth', 'ivr', 'agent-1', 'agent-2', 'edge-agent', 'nats', 'postgres'];

onStage('what services stand on is killed in the middle of calls', {}, (stage) => {
  test('everything but switch and edge', async () => {
    const { world, moments } = stage();
    const scenes = await Promise.all([moments.exhausting(), moments.talking()]);
    const outcomes = await play(world, scenes, {
      async strike() {
        const { supervisor } = world.platform;
        await Promise.all(EVERYTHING.map((name) => supervisor.hold(name)));
        try {
          const b = moments.dearest();
          assert.equal(b.end, undefined, 'the credit was to end while all are dead');
          await b.expectEnd(WAIT);
        } finally {
          await Promise.all(EVERYTHING.map((name) => supervisor.release(name)));
        }
        await world.platform.whole();
      },
    });
    verify(outcomes);
  });

  test('a switch', async () => {
    const { world, moments } = stage();
    const scenes = await Promise.all([moments.talking(), moments.talking(), moments.ringingA(), moments.ringingA()]);
    const lost = new Set<Scene>();
    const onTheDead = (scene: Scene): Scene => ({
      ...scene,
      goOn: (back) => (lost.has(scene) ? calledBackAfterLoss(world, scene, back) : scene.goOn(back)),
    });
    const outcomes = await play(world, scenes.map(onTheDead), {
      async aim() {
        const switches = await Promise.all(scenes.map(({ caller }) => moments.switchOf(caller)));
        for (const [index, scene] of scenes.entries()) if (switches[index] === switches[0]) lost.add(scene);
        assert.ok(lost.size < scenes.length, 'the other switch has calls as well');
        return switches[0] ?? '';
      },
      async strike(name) {
        await world.platform.kill(name);
        await world.platform.whole();
      },
    });
    verify(outcomes);
  });
});
