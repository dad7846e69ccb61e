import { after, afterEach, before, describe } from 'node:test';
import { type Scene, Scenes, WAIT } from './kill-scenes.ts';
import { World } from '../support/world.ts';

/** A platform on which processes die, with callers at every moment of a call. */
export class Stage {
  readonly world: World;
  readonly scenes: Scenes;

  constructor(world: World) {
    this.world = world;
    this.scenes = new Scenes(world);
  }

  /** One caller at every moment of a call. */
  everyMoment(): Promise<Scene[]> {
    const { scenes } = this;
    return Promise.all([
      scenes.talking(),
      scenes.leaving(),
      scenes.ringingA(),
      scenes.ringingB(),
      scenes.keyingPin(),
      scenes.triggering('while the access number rings'),
      scenes.triggering('right after the trigger'),
      scenes.exhausting(),
    ]);
  }
}

/** Tests on one platform; after each of them all calls are settled, and the invariants hold. */
export function onStage(what: string, define: (stage: () => Stage) => void): void {
  let stage: Stage;
  describe(what, { timeout: 600_000 }, () => {
    before(async () => {
      const accessNumber = { answerTimeoutSeconds: 30 };
      stage = new Stage(await World.start({ env: { dialer: { WARN_LEAD: '3s' } }, accessNumber }));
    });
    after(() => stage.world.close());
    afterEach(async () => {
      await stage.world.settled(WAIT);
      await stage.world.invariants();
    });
    define(() => stage);
  });
}
