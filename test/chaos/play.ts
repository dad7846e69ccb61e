import type { World } from '../support/world.ts';

/** One caller, brought to a moment of a call; after that, it goes on to its end. */
export interface Scene {
  /** Which step of a call the platform is at when the blow falls. */
  moment: string;
  caller: string;
  /** Brings the call to where it can stay while others are still on their way. */
  prepare?(): Promise<void>;
  /** From there to its moment, in seconds. */
  reach?(): Promise<void>;
  /** Done when all are there, so long before the blow. */
  touch?: { leadMs: number; act(): Promise<void> };
  /** What the caller does, hears and finds in the books; begins with the blow, `back` is when all is whole again. */
  goOn(back: Promise<unknown>): Promise<void>;
}

/** What may be different from a call that nothing happened to, because of what was struck. Default: nothing. */
export interface Tolerance {
  /** Legs that may be in the books besides (`role result reason`). */
  legs?: readonly string[];
  /** A telephone may have been called again after an attempt that had ended. */
  again?: boolean;
  /** Who carries the end of a call, or the call itself, stands still so long: cut-offs are late, and sound is missing. */
  lateS?: number;
}

/** What happens to the platform. */
export interface Blow<Aim = void> {
  /** Asked when all are at their moments, and before the last things are done. */
  aim?(): Promise<Aim>;
  /** Resolves when what was struck is back, and all is whole. */
  strike(aim: Aim): Promise<unknown>;
}

/** What became of each scene: undefined when all was well. */
export type Outcomes = Map<Scene, Error | undefined>;

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a part of every scene in which nothing has gone wrong yet. */
async function each(outcomes: Outcomes, run: (scene: Scene) => Promise<void> | undefined): Promise<void> {
  const whole = [...outcomes].filter(([, error]) => error === undefined);
  await Promise.all(
    whole.map(async ([scene]) => {
      try {
        await run(scene);
      } catch (error) {
        outcomes.set(scene, error as Error);
      }
    }),
  );
}

/**
 * Brings all to their moments, strikes, and lets them go on. The calls of those in which something went wrong are hung up.
 * @throws what `blow` throws.
 */
export async function play<Aim = void>(world: World, scenes: readonly Scene[], blow: Blow<Aim>): Promise<Outcomes> {
  const outcomes: Outcomes = new Map(scenes.map((scene) => [scene, undefined]));
  const earlier = new Set(world.phone.calls);
  await each(outcomes, (scene) => scene.prepare?.());
  await each(outcomes, (scene) => scene.reach?.());
  const longestLead = Math.max(0, ...scenes.map(({ touch }) => touch?.leadMs ?? 0));
  const aim = (await blow.aim?.()) as Aim;
  const struck = Promise.withResolvers<{ back: Promise<unknown> }>();
  const goingOn = each(outcomes, async ({ touch, goOn }) => {
    await wait(longestLead - (touch?.leadMs ?? 0));
    await touch?.act();
    const { back } = await struck.promise;
    await goOn(back);
  });
  await wait(longestLead);
  const back = blow.strike(aim);
  back.catch(() => undefined);
  struck.resolve({ back });
  await goingOn;
  if ([...outcomes.values()].some((error) => error !== undefined)) {
    for (const call of world.phone.calls) if (!earlier.has(call)) call.hangup();
  }
  await back;
  return outcomes;
}

/** @throws Error that says at which moments something went wrong, and what. */
export function verify(outcomes: Outcomes): void {
  const failures = [...outcomes].flatMap(([{ moment }, error]) => (error ? [`${moment}: ${error.stack}`] : []));
  if (failures.length > 0) throw new Error(failures.join('\n\n'));
}
