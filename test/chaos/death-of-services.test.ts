import { test } from 'node:test';
import { onStage } from './deaths.ts';
import { play } from './kill-scenes.ts';

onStage('a service is killed in the middle of calls', (stage) => {
  for (const name of ['dialer', 'billing', 'auth', 'ivr', 'nats']) {
    test(name, async () => {
      await play(stage().world, await stage().everyMoment(), () => stage().world.platform.kill(name));
    });
  }
});
