import type { Logger } from '@ringback/service-kit';
import { Backoff } from '@ringback/service-kit';
import { type Kube, KubeError } from './client.ts';
import { collectionPath, type Kind, type KubeObject } from './objects.ts';

export interface InformerOptions {
  readonly kube: Kube;
  readonly kind: Kind;
  /** Only objects in it; without one, of all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly log: Logger;
  /** An object was added, changed or removed. */
  readonly changed: (object: KubeObject) => void;
  /** All is read again after so long, whatever the watch has told, ms. */
  readonly relistMs?: number;
}

/** Servers send a bookmark at least once a minute. */
const SILENCE_MS = 90_000;
const RELIST_MS = 10 * 60_000;

export function keyOf({ metadata }: KubeObject): string {
  return metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
}

/**
 * All objects of a kind, kept equal to the API server's: a list, then a watch from its version on. A watch that ends in any
 * way but the ordinary is begun again with a list, with back-off: nobody knows what was missed.
 */
export class Informer<T extends KubeObject> {
  readonly #o: InformerOptions;
  readonly #stop = new AbortController();
  #objects = new Map<string, T>();
  #version = '';
  #running: Promise<void> | undefined;
  #synced: (() => void) | undefined;
  readonly synced: Promise<void>;
  /** What is wrong at the moment. */
  trouble: string | undefined = 'not listed yet';

  constructor(options: InformerOptions) {
    this.#o = options;
    this.synced = new Promise((resolve) => {
      this.#synced = resolve;
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  /** Puts what the API server answered to our own request here before the watch tells it: the next decision sees it. */
  learned(object: T): void {
    const known = this.#objects.get(keyOf(object));
    if (known && !newer(object, known)) return;
    this.#objects.set(keyOf(object), object);
  }

  async #run(): Promise<void> {
    const backoff = new Backoff(200, 30_000);
    while (!this.#stop.signal.aborted) {
      try {
        await this.#list();
        backoff.reset();
        const relistAt = performance.now() + (this.#o.relistMs ?? RELIST_MS);
        while (!this.#stop.signal.aborted && performance.now() < relistAt) await this.#watch(relistAt);
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.trouble = error instanceof Error ? error.message : String(error);
        const tooOld = error instanceof KubeError && error.status === 410;
        const wait = tooOld ? 0 : backoff.next();
        this.#o.log[tooOld ? 'info' : 'warn']({ kind: this.#o.kind.kind, err: error, wait_ms: wait }, 'lists again');
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, wait);
          this.#stop.signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
        });
      }
    }
  }

  async #list(): Promise<void> {
    const { kube, kind, namespace, labelSelector } = this.#o;
    const { items, metadata } = await kube.list<T>(kind, namespace, { labelSelector });
    const before = this.#objects;
    this.#objects = new Map(items.map((object) => [keyOf(object), object]));
    this.#version = metadata.resourceVersion;
    this.trouble = undefined;
    this.#synced?.();
    for (const [key, object] of this.#objects) {
      if (before.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion) this.#o.changed(object);
    }
    for (const [key, object] of before) if (!this.#objects.has(key)) this.#o.changed(object);
  }

  /** Until the server ends the watch in good order, which it does every few minutes. */
  async #watch(relistAt: number): Promise<void> {
    const { kube, kind, namespace, labelSelector } = this.#o;
    // Spread, so that not all watches of all operators end at once.
    const timeoutSeconds = Math.ceil(Math.min((relistAt - performance.now()) / 1000, 240 + Math.random() * 60));
    const query = { resourceVersion: this.#version, labelSelector, timeoutSeconds };
    const path = collectionPath(kind, namespace);
    for await (const { type, object } of kube.watch(path, query, SILENCE_MS, this.#stop.signal)) {
      if (type === 'ERROR') throw new KubeError(object.code ?? 500, 'WatchError', object.message ?? 'the watch failed');
      this.#version = object.metadata.resourceVersion ?? this.#version;
      if (type === 'BOOKMARK') continue;
      const key = keyOf(object);
      const known = this.#objects.get(key);
      if (type === 'DELETED') this.#objects.delete(key);
      else if (!known || !newer(known, object)) this.#objects.set(key, object as unknown as T);
      this.#o.changed(object);
    }
  }
}

/** Versions are numbers in every API server there is; where they are not, what comes later is newer. */
function newer(one: KubeObject, other: KubeObject): boolean {
  if (one.metadata.uid !== other.metadata.uid) return false;
  const [a, b] = [Number(one.metadata.resourceVersion), Number(other.metadata.resourceVersion)];
  return Number.isNaN(a) || Number.isNaN(b) ? true : a > b;
}
