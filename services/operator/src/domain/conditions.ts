import type { Condition } from '@ringback/crds';

export interface Said {
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: string;
  readonly message: string;
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** Conditions as they are now; `lastTransitionTime` moves only when a status changes. */
export function conditions(
  before: readonly Condition[] | undefined,
  said: readonly Said[],
  observedGeneration: number,
  now: number,
): Condition[] {
  return said.map((condition) => {
    const old = before?.find((c) => c.type === condition.type);
    const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : isoTime(now);
    return { ...condition, observedGeneration, lastTransitionTime };
  });
}
