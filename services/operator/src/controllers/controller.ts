import type { Logger } from '@ringback/service-kit';
import type { EventRecorder } from '../kube/events.ts';
import type { Kube } from '../kube/client.ts';
import { type Kind, type KubeObject, ownerOf } from '../kube/objects.ts';

/** What every controller works with. */
export interface Tools {
  readonly kube: Kube;
  readonly events: EventRecorder;
  readonly log: Logger;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Looks at one resource and does what is to be done about it. */
export interface Controller {
  readonly kind: Kind;
  /** @returns when to look again though nothing changes, ms. @throws to be called again, later and later. */
  reconcile(key: string): Promise<number | undefined>;
}

/** Statuses that only count (calls, rates) are told at most so often, ms. */
const COUNTS_EVERY_MS = 5_000;

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : value !== null && typeof value === 'object'
      ? Object.fromEntries(
          Object.entries(value)
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([k, v]) => [k, sorted(v)]),
        )
      : value;

export const same = (a: unknown, b: unknown): boolean => JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));

/** Writes statuses: at once what means something, now and then what only counts, never what is there already. */
export class StatusWriter<S extends object> {
  readonly #tools: Tools;
  readonly #kind: Kind;
  readonly #counts: readonly (keyof S)[];
  readonly #written = new Map<string, number>();

  constructor(tools: Tools, kind: Kind, counts: readonly (keyof S)[] = []) {
    this.#tools = tools;
    this.#kind = kind;
    this.#counts = counts;
  }

  async write(object: KubeObject & { readonly status?: S }, status: S): Promise<KubeObject | undefined> {
    if (same(object.status ?? {}, status)) return undefined;
    const { uid = '', name, namespace } = object.metadata;
    const now = this.#tools.now();
    const without = (s: S | undefined) =>
      Object.fromEntries(Object.entries(s ?? {}).filter(([k]) => !this.#counts.includes(k as keyof S)));
    const onlyCounts = same(without(object.status), without(status));
    if (onlyCounts && now - (this.#written.get(uid) ?? 0) < COUNTS_EVERY_MS) return undefined;
    this.#written.set(uid, now);
    return await this.#tools.kube.apply(this.#kind, { metadata: { name, namespace }, status } as KubeObject, 'status');
  }
}

/** Keeps an object from going before the operator has done what its going asks for. */
export async function withFinalizer<T extends KubeObject>(
  tools: Tools,
  kind: Kind,
  object: T,
  finalizer: string,
): Promise<T> {
  const { finalizers = [], deletionTimestamp, name, namespace, resourceVersion } = object.metadata;
  if (deletionTimestamp !== undefined || finalizers.includes(finalizer)) return object;
  const metadata = { resourceVersion, finalizers: [...finalizers, finalizer] };
  return await tools.kube.patch<T>(kind, { name, namespace }, { metadata });
}

export async function withoutFinalizer(tools: Tools, kind: Kind, object: KubeObject, finalizer: string): Promise<void> {
  const { finalizers = [], name, namespace, resourceVersion } = object.metadata;
  if (!finalizers.includes(finalizer)) return;
  const metadata = { resourceVersion, finalizers: finalizers.filter((f) => f !== finalizer) };
  await tools.kube.patch(kind, { name, namespace }, { metadata });
}

/** Applies an object that goes with its owner; only where something of it differs from what was applied last. */
export class OwnedObjects {
  readonly #tools: Tools;
  readonly #applied = new Map<string, { readonly text: string; readonly at: number }>();
  /** Applied again after so long, against whoever changed it, ms. */
  readonly #againMs: number;

  constructor(tools: Tools, againMs = 60_000) {
    this.#tools = tools;
    this.#againMs = againMs;
  }

  async apply(
    ownerKind: Kind,
    owner: KubeObject,
    kind: Kind,
    object: KubeObject & Record<string, unknown>,
  ): Promise<void> {
    const whole = { ...object, metadata: { ...object.metadata, ownerReferences: [ownerOf(ownerKind, owner)] } };
    const text = JSON.stringify(whole);
    const key = `${kind.kind}/${object.metadata.namespace}/${object.metadata.name}`;
    const known = this.#applied.get(key);
    const now = this.#tools.now();
    if (known?.text === text && now - known.at < this.#againMs) return;
    await this.#tools.kube.apply(kind, whole);
    this.#applied.set(key, { text, at: now });
  }
}
