import { after, afterEach, before, describe, test } from 'node:test';
import { play, Scenes, WAIT } from '../support/kill-scenes.ts';
import { World } from '../support/world.ts';

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

  for (const name of ['dialer', 'billing', 'auth', 'ivr']) {
    test(name, async () => {
      const parts = [
        scenes.talking(),
        scenes.leaving(),
        scenes.ringingA(),
        scenes.ringingB(),
        scenes.keyingPin(),
        scenes.triggering('while the access number rings'),
        scenes.triggering('right after the trigger'),
        scenes.exhausting(),
      ];
      await play(world, await Promise.all(parts), () => world.platform.kill(name));
    });
  }
});
