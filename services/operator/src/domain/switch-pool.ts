import type { SwitchPool, SwitchPoolStatus } from '@ringback/crds';
import { poolStatus } from './pool-status.ts';
import { type Load, type Wanted, wantedSwitches } from './scale.ts';
import { callsAtMost, type DrainReason, freshReport, mayGo, type SwitchView, unhealthy } from './switches.ts';

export interface ObservedPool {
  readonly pool: SwitchPool;
  readonly switches: readonly SwitchView[];
  /** Revision of what the pool now asks for. */
  readonly revision: string;
  /** Why no switch can be made at the moment, a sentence; not set where one can. */
  readonly blocked?: string;
}

export type PoolAction =
  | { readonly kind: 'create'; readonly why: string }
  /** Takes no new sessions any more; goes when its calls are over. */
  | { readonly kind: 'drain'; readonly name: string; readonly reason: DrainReason; readonly why: string }
  /** It was told, and does not say that it drains: tell it again. */
  | { readonly kind: 'tell'; readonly name: string; readonly why: string }
  | { readonly kind: 'undrain'; readonly name: string; readonly why: string }
  /** `cut`: its calls are ended, as the limit is over. */
  | { readonly kind: 'delete'; readonly name: string; readonly cut: boolean; readonly why: string }
  | { readonly kind: 'removeFinalizer'; readonly why: string };

export interface PoolDecision {
  readonly actions: readonly PoolAction[];
  readonly status: SwitchPoolStatus;
  readonly wanted: Wanted;
  /** When to look again though nothing changes, ms. */
  readonly againInMs: number;
}

/** Loads change without Kubernetes saying so. */
const LOOK_AGAIN_MS = 2_000;

/** What of a pool's switches belongs where. */
export interface Sorted {
  /** Take calls, or will. */
  readonly active: readonly SwitchView[];
  /** Of them those to be kept: of the newest revision, and well. */
  readonly good: readonly SwitchView[];
  /** Of them those that get a successor, with the reason. */
  readonly bad: readonly { readonly view: SwitchView; readonly reason: DrainReason }[];
  readonly draining: readonly SwitchView[];
  /** Being deleted: their preStop drains them. */
  readonly terminating: readonly SwitchView[];
}

function sort({ pool, switches, revision }: ObservedPool, now: number): Sorted {
  const afterMs = pool.spec.replaceUnhealthyAfterSeconds * 1000;
  const badReason = (view: SwitchView): DrainReason | undefined => {
    if (unhealthy(view, afterMs, now)) return 'Unhealthy';
    if (view.nodeCordoned) return 'NodeCordoned';
    // Not by us: somebody wants it gone.
    if (freshReport(view, now)?.state === 'draining') return 'Requested';
    return view.revision === revision ? undefined : 'Outdated';
  };
  const here = switches.filter((s) => !s.over && !s.terminating);
  const active = here.filter((s) => s.drain === undefined);
  const bad = active.flatMap((view) => {
    const reason = badReason(view);
    return reason === undefined ? [] : [{ view, reason }];
  });
  return {
    active,
    good: active.filter((view) => badReason(view) === undefined),
    bad,
    draining: here.filter((s) => s.drain !== undefined),
    terminating: switches.filter((s) => s.terminating && !s.over),
  };
}

export function loadOf(switches: readonly SwitchView[], now: number): Load {
  const load = { calls: 0, callsPerSecond: 0, silent: 0 };
  for (const view of switches) {
    if (view.over || !view.served) continue;
    const report = freshReport(view, now);
    if (report === undefined) {
      load.silent += 1;
      continue;
    }
    load.calls += report.calls;
    load.callsPerSecond += report.callsPerSecond;
  }
  return load;
}

/** Emptiest first; of equals the youngest, as it has the least to lose. Names make the order one. */
function emptiestFirst(now: number) {
  return (a: SwitchView, b: SwitchView): number => {
    const [callsA, callsB] = [callsAtMost(a, now), callsAtMost(b, now)];
    if (callsA !== callsB) return callsA < callsB ? -1 : 1;
    return b.createdAt - a.createdAt || (a.name < b.name ? -1 : 1);
  };
}

/**
 * What to do about a pool. Pure: the same observation at the same time gives the same decision, and one that was carried
 * out half is taken up by the next. A switch with calls, or whose calls are not known, is never deleted before its drain
 * limit is over.
 */
export function reconcilePool(observed: ObservedPool, now: number): PoolDecision {
  const { pool, switches } = observed;
  const deleted = pool.metadata.deletionTimestamp !== undefined;
  const sorted = sort(observed, now);
  const current = pool.status?.desired ?? Math.max(pool.spec.minSwitches, sorted.active.length);
  const since = pool.status?.scaleDownSince;
  const wanted: Wanted = deleted
    ? { switches: 0, limited: false, why: 'the pool is being deleted' }
    : wantedSwitches(pool.spec, loadOf(switches, now), current, since ? Date.parse(since) : undefined, now);

  const actions: PoolAction[] = [...removals(switches, pool.spec.drainLimitSeconds * 1000, now)];
  if (deleted || !pool.spec.paused) {
    actions.push(...changes(observed, sorted, wanted, now));
  }
  actions.push(...toTell(switches, actions, now));
  if (deleted && switches.length === 0) actions.push({ kind: 'removeFinalizer', why: 'no switch is left' });
  const limits = sorted.draining.map((s) => (s.drain?.since ?? now) + pool.spec.drainLimitSeconds * 1000 - now);
  return {
    actions,
    wanted,
    status: poolStatus(observed, sorted, wanted, now),
    againInMs: Math.max(50, Math.min(LOOK_AGAIN_MS, wanted.againInMs ?? LOOK_AGAIN_MS, ...limits.filter((l) => l > 0))),
  };
}

/** Switches that go now. */
function removals(switches: readonly SwitchView[], limitMs: number, now: number): PoolAction[] {
  return switches.flatMap((view): PoolAction[] => {
    const { name } = view;
    if (view.terminating) return [];
    if (view.over) return [{ kind: 'delete', name, cut: false, why: 'its processes have ended' }];
    if (view.drain === undefined) return [];
    if (mayGo(view, now)) return [{ kind: 'delete', name, cut: false, why: 'drained' }];
    if (now - view.drain.since < limitMs) return [];
    const calls = freshReport(view, now)?.calls;
    const left = calls === undefined ? 'it is silent' : `${calls} calls are still up`;
    return [{ kind: 'delete', name, cut: true, why: `drain limit of ${limitMs / 1000} s passed, ${left}` }];
  });
}

/** More switches, successors, and fewer switches. */
function changes({ pool, revision, blocked }: ObservedPool, sorted: Sorted, wanted: Wanted, now: number): PoolAction[] {
  const { active, good, bad, draining } = sorted;
  const { maxSurge } = pool.spec;
  const deleted = pool.metadata.deletionTimestamp !== undefined;
  const goal = wanted.switches;
  const actions: PoolAction[] = [];

  // One that only drains because fewer were wanted comes back at once; a new one takes its time to start.
  const comeBack = deleted
    ? []
    : draining
        .filter((s) => s.drain?.reason === 'ScaleDown' && s.revision === revision && !s.nodeCordoned)
        // It lives, and its switch with it.
        .filter((s) => freshReport(s, now)?.state === 'draining' && !mayGo(s, now))
        .sort((a, b) => emptiestFirst(now)(b, a))
        .slice(0, Math.max(0, goal - good.length));
  for (const { name } of comeBack) actions.push({ kind: 'undrain', name, why: `${goal} switches are wanted again` });

  const goodAfter = good.length + comeBack.length;
  const activeAfter = active.length + comeBack.length;
  const missing = blocked === undefined ? Math.min(goal - goodAfter, goal + maxSurge - activeAfter) : 0;
  for (let i = 0; i < missing; i += 1) {
    const successor =
      bad[i] && activeAfter >= goal ? `successor of ${bad[i]?.view.name}, ${bad[i]?.reason}` : wanted.why;
    actions.push({ kind: 'create', why: successor });
  }

  // Never below the goal in switches that take calls, whatever the reason of a drain.
  let readySpare = active.filter((s) => s.ready).length - goal;
  let activeSpare = active.length - goal;
  const order = emptiestFirst(now);
  for (const { view, reason } of [...bad].sort((a, b) => order(a.view, b.view))) {
    if (view.ready ? readySpare <= 0 : activeSpare <= 0 || readySpare < 0) continue;
    if (view.ready) readySpare -= 1;
    activeSpare -= 1;
    actions.push(farewell(view, deleted ? 'PoolDeleted' : reason, WHY[reason]));
  }
  let surplus = good.length - goal;
  // One that never served costs nobody anything.
  const candidates = [...good].sort((a, b) => Number(a.served) - Number(b.served) || order(a, b));
  for (const view of candidates) {
    if (surplus <= 0) break;
    if (view.ready && readySpare <= 0) continue;
    if (view.ready) readySpare -= 1;
    surplus -= 1;
    actions.push(farewell(view, deleted ? 'PoolDeleted' : 'ScaleDown', wanted.why));
  }
  return actions;
}

const WHY: Readonly<Record<DrainReason, string>> = {
  ScaleDown: 'fewer switches are wanted',
  Outdated: 'a newer revision takes its place',
  Unhealthy: 'it is not well, and a successor takes its place',
  NodeCordoned: 'its node takes no Pods any more',
  Requested: 'somebody else told it to drain',
  PoolDeleted: 'the pool is being deleted',
};

function farewell(view: SwitchView, reason: DrainReason, why: string): PoolAction {
  if (!view.served) return { kind: 'delete', name: view.name, cut: false, why: `${why}; it never served` };
  return { kind: 'drain', name: view.name, reason, why };
}

/** Agents that should drain and say they do not: a command may be lost, an agent restarted. */
function toTell(switches: readonly SwitchView[], actions: readonly PoolAction[], now: number): PoolAction[] {
  const named = new Set(actions.flatMap((a) => ('name' in a ? [a.name] : [])));
  return switches.flatMap((view): PoolAction[] => {
    if (view.terminating || view.over || named.has(view.name)) return [];
    if (view.drain === undefined || freshReport(view, now)?.state !== 'active') return [];
    return [{ kind: 'tell', name: view.name, why: 'it should drain, and says active' }];
  });
}
