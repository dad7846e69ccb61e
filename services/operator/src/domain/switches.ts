/** What a switch says of itself, by its agent over NATS. */
export interface Report {
  readonly state: 'active' | 'draining' | 'disconnected';
  readonly calls: number;
  readonly callsPerSecond: number;
  /** ms; of the operator's clock. */
  readonly heardAt: number;
  /** Since when it has said, without a break, that it drains and has no call, ms. */
  readonly idleSince?: number;
}

export type DrainReason = 'ScaleDown' | 'Outdated' | 'Unhealthy' | 'NodeCordoned' | 'Requested' | 'PoolDeleted';

/** One switch, as Kubernetes and its agent show it. Times in ms. */
export interface SwitchView {
  /** Name of the Pod, and the switch's id. */
  readonly name: string;
  readonly revision: string;
  readonly createdAt: number;
  readonly node?: string;
  /** Its node takes no new Pods. */
  readonly nodeCordoned: boolean;
  /** Its processes have ended for good: Succeeded or Failed. */
  readonly over: boolean;
  /** It is being deleted; its preStop drains it. */
  readonly terminating: boolean;
  readonly ready: boolean;
  /** When `ready` last changed. */
  readonly readyChangedAt: number;
  /** It may have had calls: it was ready once, or has told of some. */
  readonly served: boolean;
  readonly drain?: { readonly since: number; readonly reason: DrainReason };
  readonly report?: Report;
}

/** A report older than this says nothing: agents tell every second. */
export const REPORT_VALID_MS = 10_000;
/**
 * A draining switch must have been without calls for so long: a session that was given to it just before everyone knew
 * has its call by then.
 */
export const IDLE_MS = 5_000;

export function freshReport(view: SwitchView, now: number): Report | undefined {
  return view.report && now - view.report.heardAt <= REPORT_VALID_MS ? view.report : undefined;
}

/** Calls it may carry: unknown is as many as can be. */
export function callsAtMost(view: SwitchView, now: number): number {
  if (view.over || !view.served) return 0;
  return freshReport(view, now)?.calls ?? Number.POSITIVE_INFINITY;
}

/** Nothing is lost when it goes: its processes are over, it never served, or it drains and has long been without calls. */
export function mayGo(view: SwitchView, now: number): boolean {
  if (view.over || !view.served) return true;
  const report = freshReport(view, now);
  if (view.drain === undefined || report?.state !== 'draining' || report.calls > 0) return false;
  return report.idleSince !== undefined && now - report.idleSince >= IDLE_MS;
}

/** It neither is ready nor says that it works, for longer than is borne. A silent one whose Pod is ready is left alone. */
export function unhealthy(view: SwitchView, afterMs: number, now: number): boolean {
  if (!view.served || view.ready || view.over || view.terminating) return false;
  // Full ones are not ready either, and say they are active.
  if (freshReport(view, now)?.state === 'active') return false;
  return now - view.readyChangedAt >= afterMs;
}
