import { test } from 'node:test';
import { Matrix } from './matrix.ts';
import { IN_CONVERSATION } from './moments.ts';
import { play, type Tolerance, verify } from './play.ts';
import { onStage, victim } from './stage.ts';

/** A call that is due while the edge is away meets nobody. */
const AT_THE_EDGE: Tolerance = { legs: ['a unreachable congestion'], again: true };

onStage('a process is killed, with callers at every step of a call', { dialers: 2 }, (stage) => {
  const matrix = new Matrix();

  for (const kind of ['dialer', 'billing', 'auth', 'ivr', 'nats', 'postgres', 'edge-agent', 'kamailio', 'agent']) {
    test(kind, async () => {
      const { world, moments } = stage();
      moments.tolerance = kind === 'kamailio' ? AT_THE_EDGE : {};
      const scenes = await moments.all();
      const outcomes = await play(world, scenes, {
        aim: () => victim(moments, kind, scenes.find(({ moment }) => moment === IN_CONVERSATION)?.caller ?? ''),
        async strike(name) {
          await world.platform.kill(name);
          await world.platform.whole();
        },
      });
      matrix.add(kind, outcomes);
      verify(outcomes);
    });
  }

  test('the table', (t) => {
    t.diagnostic(`note: killed; callers that came through, by step\n${matrix.lines().join('\n')}`);
  });
});
