import type { AccessNumber, Condition, Trunk } from '@ringback/crds';
import { dialer } from '@ringback/contracts';
import { conditions, type Said } from './conditions.ts';

/** A resource that becomes an entry of the platform's routing. */
export interface RouteResource {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly generation: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
  };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export type RouteAction<Entry> =
  | { readonly kind: 'put'; readonly entry: Entry; readonly why: string }
  | { readonly kind: 'delete'; readonly why: string }
  | { readonly kind: 'removeFinalizer'; readonly why: string };

export interface RouteDecision<Entry> {
  readonly actions: readonly RouteAction<Entry>[];
  readonly said: Said;
}

/** How a kind of resource becomes an entry. */
export interface Mapping<Resource, Entry> {
  /** What the platform knows it as. */
  id(resource: Resource): string;
  entry(resource: Resource): Entry;
  /** The same text for entries that mean the same. */
  text(entry: Entry): string;
}

/** The oldest one has it; of equally old ones that of the smaller uid, so that all operators agree. */
function first<R extends RouteResource>(resources: readonly R[]): R | undefined {
  return resources.toSorted((a, b) => {
    const [one, other] = [a.metadata, b.metadata];
    if (one.creationTimestamp !== other.creationTimestamp)
      return one.creationTimestamp < other.creationTimestamp ? -1 : 1;
    return one.uid < other.uid ? -1 : 1;
  })[0];
}

/**
 * What to do about one resource. While it exists the cluster is the source of truth: an entry that differs is put right.
 *
 * @param all every resource of the kind, this one included.
 * @param actual what the platform has under its id.
 */
export function reconcileRoute<R extends RouteResource, Entry>(
  mapping: Mapping<R, Entry>,
  resource: R,
  all: readonly R[],
  actual: Entry | undefined,
): RouteDecision<Entry> {
  const id = mapping.id(resource);
  const claims = all.filter((other) => mapping.id(other) === id);
  const living = claims.filter((other) => other.metadata.deletionTimestamp === undefined);
  const owner = first(living);
  if (resource.metadata.deletionTimestamp !== undefined) {
    // Another one that says the same goes on with the entry.
    const remove = owner === undefined && actual !== undefined;
    return {
      actions: remove
        ? [
            { kind: 'delete', why: 'its resource is deleted' },
            { kind: 'removeFinalizer', why: 'the platform has it no more' },
          ]
        : [{ kind: 'removeFinalizer', why: 'the platform has nothing of it' }],
      said: { type: 'Ready', status: 'False', reason: 'Deleted', message: 'it is being deleted' },
    };
  }
  if (owner && owner.metadata.uid !== resource.metadata.uid) {
    const where = `${owner.metadata.namespace}/${owner.metadata.name}`;
    const message = `${where} is older and has ${id}: this one does nothing`;
    return { actions: [], said: { type: 'Ready', status: 'False', reason: 'Conflict', message } };
  }
  const entry = mapping.entry(resource);
  const said: Said = {
    type: 'Ready',
    status: 'True',
    reason: 'Applied',
    message: 'the platform has it as it stands here',
  };
  if (actual !== undefined && mapping.text(actual) === mapping.text(entry)) return { actions: [], said };
  const why = actual === undefined ? 'the platform does not have it' : 'the platform has it otherwise';
  return { actions: [{ kind: 'put', entry, why }], said };
}

/** Conditions of a resource after its decision was carried out, or was not. */
export function routeConditions(resource: RouteResource, said: Said, now: number): Condition[] {
  return conditions(resource.status?.conditions, [said], resource.metadata.generation, now);
}

export const TRUNKS: Mapping<Trunk, dialer.Trunk> = {
  id: (trunk) => trunk.metadata.name,
  entry: ({ metadata, spec }) => ({
    id: metadata.name,
    sources: [...spec.sources],
    gateway: spec.gateway ?? '',
    trusted: spec.trusted,
    country: spec.country,
    identity: spec.identity,
    numberFormat: spec.numberFormat,
    prefixes: [...spec.prefixes],
    priority: spec.priority,
    callsPerSecond: spec.callsPerSecond,
    forwardCallerId: spec.forwardCallerId,
    disabled: spec.paused,
    username: '',
    password: '',
    sealedPassword: Buffer.alloc(0),
    registrar: '',
    registerSeconds: 600,
  }),
  text: (entry) => JSON.stringify(dialer.Trunk.toJSON(entry)),
};

export const ACCESS_NUMBERS: Mapping<AccessNumber, dialer.AccessNumber> = {
  id: (access) => access.spec.number,
  entry: ({ spec }) => ({
    number: spec.number,
    mode: spec.mode,
    language: spec.language,
    unknownCallers: spec.unknownCallers,
    // Kubernetes' API conventions know no fractions: the resource has the time, not 2.5 cycles.
    ringTimeMs: spec.ringTimeMs,
    ringCycleMs: 5_000,
    ringCycles: 0,
    rejectCode: spec.rejectCode,
    callbackDelayMs: spec.callbackDelayMs,
    answerConfirmation: spec.answerConfirmation,
    endCode: spec.endCode,
    busyRetrySeconds: [...spec.busyRetrySeconds],
    noAnswerRetrySeconds: [...spec.noAnswerRetrySeconds],
    coolDownSeconds: spec.coolDownSeconds,
    shownCallerId: spec.shownCallerId ?? '',
    answerTimeoutSeconds: spec.answerTimeoutSeconds,
    callBackAfterSwitchLoss: spec.callBackAfterSwitchLoss,
  }),
  text: (entry) => JSON.stringify(dialer.AccessNumber.toJSON(entry)),
};
