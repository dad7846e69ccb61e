import type { SwitchPoolStatus } from '@ringback/crds';
import { conditions, isoTime, type Said } from './conditions.ts';
import type { Wanted } from './scale.ts';
import type { ObservedPool, Sorted } from './switch-pool.ts';
import { freshReport, type SwitchView } from './switches.ts';

export const POOL_LABEL = 'ringback.dev/pool';

/** A status lists the worst of them; more would be too large an object. */
const MOST_STRAGGLERS = 100;

function ready(sorted: Sorted, wanted: Wanted, paused: boolean, blocked: string | undefined): Said {
  const { active, bad } = sorted;
  const draining = [...sorted.draining, ...sorted.terminating];
  const takeCalls = active.filter((s) => s.ready).length;
  const unhealthy = bad.filter((b) => b.reason === 'Unhealthy').length;
  const more: string[] = [];
  if (unhealthy > 0) more.push(`${unhealthy} not well`);
  if (bad.length > unhealthy) more.push(`${bad.length - unhealthy} to be replaced`);
  if (draining.length > 0) more.push(`${draining.length} draining`);
  const message = [`${takeCalls} of ${wanted.switches} switches take calls`, ...more].join(', ');
  const enough = takeCalls >= wanted.switches;
  if (!enough && blocked !== undefined) return { type: 'Ready', status: 'False', reason: 'Blocked', message: blocked };
  const reason = paused
    ? 'Paused'
    : !enough
      ? unhealthy > 0
        ? 'Degraded'
        : 'Starting'
      : bad.length > 0
        ? 'Rolling'
        : draining.length > 0
          ? 'Draining'
          : 'Ready';
  return { type: 'Ready', status: enough ? 'True' : 'False', reason, message };
}

function stragglers(draining: readonly SwitchView[], limitMs: number, now: number) {
  return draining
    .flatMap((view) => {
      const calls = freshReport(view, now)?.calls;
      if (view.drain === undefined || calls === 0) return [];
      const overdue = now - view.drain.since >= limitMs;
      return [{ switch: view.name, calls: calls ?? 0, drainingSince: isoTime(view.drain.since), overdue }];
    })
    .sort((a, b) => a.drainingSince.localeCompare(b.drainingSince) || a.switch.localeCompare(b.switch))
    .slice(0, MOST_STRAGGLERS);
}

export function poolStatus(observed: ObservedPool, sorted: Sorted, wanted: Wanted, now: number): SwitchPoolStatus {
  const { pool, revision } = observed;
  const { spec, metadata } = pool;
  const { active, draining, terminating } = sorted;
  const reports = [...active, ...draining, ...terminating].map((view) => ({ view, report: freshReport(view, now) }));
  const serving = reports.filter(({ view }) => view.served);
  const calls = reports.reduce((sum, { report }) => sum + (report?.calls ?? 0), 0);
  const readyCount = active.filter((s) => s.ready).length;
  const capacity = readyCount * spec.callsPerSwitch;
  const callsOfActive = active.reduce((sum, view) => sum + (freshReport(view, now)?.calls ?? 0), 0);
  const silent = serving.filter(({ report }) => report === undefined).map(({ view }) => view.name);
  const said: Said[] = [
    ready(sorted, wanted, spec.paused, observed.blocked),
    {
      type: 'ScalingLimited',
      status: wanted.limited ? 'True' : 'False',
      reason: wanted.limited ? 'MaxSwitches' : 'WithinLimits',
      message: wanted.limited ? `the load asks for more than maxSwitches (${spec.maxSwitches})` : wanted.why,
    },
    {
      type: 'LoadKnown',
      status: silent.length === 0 ? 'True' : 'False',
      reason: silent.length === 0 ? 'AllHeard' : 'SilentSwitches',
      message: silent.length === 0 ? 'every switch tells its calls' : `no word from ${silent.slice(0, 5).join(', ')}`,
    },
  ];
  return {
    observedGeneration: metadata.generation,
    replicas: active.length,
    desired: wanted.switches,
    ready: readyCount,
    draining: draining.length + terminating.length,
    updated: active.filter((s) => s.revision === revision).length,
    calls,
    callsPerSecond: reports.reduce((sum, { report }) => sum + (report?.callsPerSecond ?? 0), 0),
    capacity,
    utilisation: capacity === 0 ? 0 : Math.round((callsOfActive * 100) / capacity),
    revision,
    selector: `${POOL_LABEL}=${metadata.name}`,
    ...(wanted.scaleDownSince === undefined ? {} : { scaleDownSince: isoTime(wanted.scaleDownSince) }),
    stragglers: stragglers(draining, spec.drainLimitSeconds * 1000, now),
    conditions: conditions(pool.status?.conditions, said, metadata.generation, now),
  };
}
