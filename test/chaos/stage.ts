import { after, afterEach, before, describe } from 'node:test';
import { World, type WorldOptions } from '../support/world.ts';
import { Moments, WAIT } from './moments.ts';

/** A platform on which processes die, and its callers. */
export class Stage {
  readonly world: World;
  readonly moments: Moments;

  constructor(world: World) {
    this.world = world;
    this.moments = new Moments(world);
  }
}

/** Longest that all tests of a stage take together, in ms. */
const SUITE_MS = 1_200_000;

/** Tests on one platform; after each of them all calls are settled, and the invariants hold. */
export function onStage(what: string, options: WorldOptions, define: (stage: () => Stage) => void): void {
  let stage: Stage;
  describe(what, { timeout: SUITE_MS }, () => {
    before(async () => {
      const accessNumber = { answerTimeoutSeconds: 30, ...options.accessNumber };
      // A hold is extended every few seconds, and who has little credit is warned in time.
      const env = {
        ...options.env,
        dialer: { WARN_LEAD: '3s', QUOTE_CAP: '30s', EXTEND_LEAD: '28s', ...options.env?.dialer },
      };
      stage = new Stage(await World.start({ ...options, env, accessNumber }));
    });
    after(() => stage.world.close());
    afterEach(async () => {
      await stage.world.settled(WAIT);
      await stage.world.invariants();
      onceAtATime(stage.world);
    });
    define(() => stage);
  });
}

/** No telephone was called while another call from us was up there. @throws Error naming the moments. */
export function onceAtATime({ phone }: World): void {
  const inbound = phone.calls.filter(({ direction }) => direction === 'inbound');
  for (const calls of Map.groupBy(inbound, ({ to }) => to).values()) {
    for (const [index, call] of calls.entries()) {
      const before = calls[index - 1];
      if (before && (before.at.ended ?? Infinity) > call.at.invite) {
        throw new Error('a telephone was called while it had a call from us');
      }
    }
  }
}

const agentOf = (switchId: string): string => switchId.replace('switch', 'agent');

/** Kinds of which there are several: the one that carries the conversation is struck. */
const BY_SWITCH: Record<string, (switchId: string) => string> = { agent: agentOf, switch: (id) => id };

/** The name of the process to strike: of an agent or a switch, of the one that has that caller's leg A. */
export async function victim(moments: Moments, kind: string, caller: string): Promise<string> {
  const name = BY_SWITCH[kind];
  return name ? name(await moments.switchOf(caller)) : kind;
}
