import { test } from 'node:test';
import { Matrix } from './matrix.ts';
import { IN_CONVERSATION } from './moments.ts';
import { play, type Tolerance, verify } from './play.ts';
import { onStage, victim } from './stage.ts';

/** Longer than a lease: what comes back is a zombie. */
const PAUSE_MS = 6_000;
const KINDS = ['dialer', 'billing', 'auth', 'ivr', 'nats', 'postgres', 'edge-agent', 'kamailio', 'agent', 'switch'];
const TOLERANCES: Record<string, Tolerance> = {
  // The BYE of a cut-off goes through the edge.
  kamailio: { lateS: PAUSE_MS / 1000 },
  switch: { lateS: PAUSE_MS / 1000 },
};

onStage('a process stands still and goes on, with callers at every step of a call', { dialers: 2 }, (stage) => {
  const matrix = new Matrix();

  for (const kind of KINDS) {
    test(kind, async () => {
      const { world, moments } = stage();
      const { supervisor } = world.platform;
      moments.tolerance = TOLERANCES[kind] ?? {};
      const scenes = await moments.all();
      const outcomes = await play(world, scenes, {
        aim: () => victim(moments, kind, scenes.find(({ moment }) => moment === IN_CONVERSATION)?.caller ?? ''),
        async strike(name) {
          supervisor.pause(name);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
          supervisor.resume(name);
          await world.platform.whole();
        },
      });
      matrix.add(kind, outcomes);
      verify(outcomes);
    });
  }

  test('the table', (t) => {
    t.diagnostic(`note: stood still; callers that came through, by step\n${matrix.lines().join('\n')}`);
  });
});
