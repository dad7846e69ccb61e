import type { SwitchPoolSpec } from '@ringback/crds';

/** What the pool carries, as far as its switches have told. */
export interface Load {
  /** Calls on switches that have told lately. */
  readonly calls: number;
  /** New calls a second on them. */
  readonly callsPerSecond: number;
  /** Switches that serve and have not told: they may be full, or empty. */
  readonly silent: number;
}

export interface Wanted {
  readonly switches: number;
  /** Since when the load has asked for fewer, ms; not set while it does not. */
  readonly scaleDownSince?: number;
  /** The load wants more than maxSwitches allows. */
  readonly limited: boolean;
  /** When this may come out differently with the same load, ms from now. */
  readonly againInMs?: number;
  readonly why: string;
}

type Sizes = Pick<
  SwitchPoolSpec,
  'minSwitches' | 'maxSwitches' | 'replicas' | 'callsPerSwitch' | 'callsPerSecondPerSwitch' | 'scaling'
>;

/** Switches for a load at a utilisation in percent: the larger one of what calls up and what new calls ask for. */
function switchesFor(load: { calls: number; callsPerSecond: number }, percent: number, spec: Sizes): number {
  const byCalls = (load.calls * 100) / (spec.callsPerSwitch * percent);
  const byRate = (load.callsPerSecond * 100) / (spec.callsPerSecondPerSwitch * percent);
  // A hair above a whole number by floating point is not another switch.
  return Math.ceil(Math.max(byCalls, byRate) - 1e-9) + spec.scaling.spareSwitches;
}

/**
 * How many switches there should be. More at once when the load asks for them; fewer only after the load has asked for
 * fewer without a break, and down to a number at which the load is still low, so that it does not swing. A silent switch
 * speaks against fewer and never for more.
 *
 * @param current what was wanted last, or how many there are when nothing was.
 * @param now ms.
 */
export function wantedSwitches(
  spec: Sizes,
  load: Load,
  current: number,
  scaleDownSince: number | undefined,
  now: number,
): Wanted {
  if (spec.replicas !== undefined) {
    return { switches: spec.replicas, limited: false, why: `replicas is ${spec.replicas}` };
  }
  const { minSwitches, maxSwitches, scaling } = spec;
  const clamp = (n: number): number => Math.max(minSwitches, Math.min(maxSwitches, n));
  const asked = switchesFor(load, scaling.targetUtilisation, spec);
  const limited = asked > maxSwitches;
  const up = clamp(asked);
  const what = `${load.calls} calls, ${load.callsPerSecond} new a second`;
  if (up > current) return { switches: up, limited, why: `${what}: more than ${current} should carry` };
  const pessimistic = {
    calls: load.calls + load.silent * spec.callsPerSwitch,
    callsPerSecond: load.callsPerSecond + load.silent * spec.callsPerSecondPerSwitch,
  };
  const down = Math.max(up, clamp(switchesFor(pessimistic, scaling.lowUtilisation, spec)));
  if (down >= current) return { switches: clamp(current), limited, why: `${what}: as many as there should be` };
  const since = scaleDownSince ?? now;
  const waitMs = since + scaling.scaleDownAfterSeconds * 1000 - now;
  if (waitMs > 0 && current <= maxSwitches) {
    return {
      switches: clamp(current),
      scaleDownSince: since,
      limited,
      againInMs: waitMs,
      why: `${what}: ${down} would do; waits whether that lasts`,
    };
  }
  return { switches: down, limited, why: `${what}: ${down} are enough` };
}
