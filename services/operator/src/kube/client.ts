import { Agent, type RequestOptions, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { KubeConfig } from '@kubernetes/client-node';
import { collectionPath, type Kind, type KubeObject, objectPath } from './objects.ts';

/** The API server refused a request. */
export class KubeError extends Error {
  /** HTTP status: 404 not found, 409 conflict, 410 too old, 422 invalid, 429 too many, 5xx. */
  readonly status: number;
  /** Of metav1.Status: AlreadyExists, Conflict, Invalid, … */
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
  }
}

/** No answer from the API server: away, or too slow. Whether the request was carried out is not known. */
export class KubeUnreachable extends Error {
  constructor(cause: unknown) {
    super(`the API server cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
    this.name = 'KubeUnreachable';
  }
}

export interface KubeList<T extends KubeObject> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[];
}

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: KubeObject & { readonly code?: number; readonly message?: string };
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Request {
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
}

const REQUEST_MS = 15_000;
/** Owner of the fields the operator applies. */
export const FIELD_MANAGER = 'ringback-operator';
/** A list is read in pages, so that a large one is no large answer. */
const PAGE = 500;

/** The API server by JSON, with credentials and certificates of a kubeconfig or of the Pod's service account. */
export class Kube {
  readonly #config: KubeConfig;
  #agent: Agent | undefined;
  /** Requests made, by verb: for figures of cost. */
  readonly requests = new Map<string, number>();

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  async #open(method: string, path: string, { query = {}, body, contentType }: Request): Promise<IncomingMessage> {
    const cluster = this.#config.getCurrentCluster();
    if (!cluster) throw new Error('the kubeconfig names no cluster');
    const url = new URL(cluster.server + path);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const options: RequestOptions = { method, headers: {} };
    // Each time: a token on disk is renewed by the kubelet.
    await this.#config.applyToHTTPSOptions(options);
    if (cluster.proxyUrl === undefined || cluster.proxyUrl === '') {
      const { ca, cert, key, rejectUnauthorized, servername } = options;
      this.#agent ??= new Agent({ keepAlive: true, ca, cert, key, rejectUnauthorized, servername });
      options.agent = this.#agent;
    }
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers = options.headers as Record<string, string>;
    headers['accept'] = 'application/json';
    if (text !== undefined) {
      headers['content-type'] = contentType ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(text));
    }
    this.requests.set(method, (this.requests.get(method) ?? 0) + 1);
    return await new Promise((resolve, reject) => {
      const sent = request(url, options, resolve);
      sent.setTimeout(REQUEST_MS, () => sent.destroy(new Error(`no answer within ${REQUEST_MS} ms`)));
      sent.on('error', (error) => reject(new KubeUnreachable(error)));
      sent.end(text);
    });
  }

  async send<T = unknown>(method: string, path: string, options: Request = {}): Promise<T> {
    const response = await this.#open(method, path, options);
    return await answer<T>(response);
  }

  async get<T extends KubeObject>(of: Kind, name: string, namespace?: string): Promise<T | undefined> {
    try {
      return await this.send<T>('GET', objectPath(of, { name, namespace }));
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  async list<T extends KubeObject>(of: Kind, namespace?: string, query: Query = {}): Promise<KubeList<T>> {
    const items: T[] = [];
    let next: string | undefined;
    for (;;) {
      const path = collectionPath(of, namespace);
      const page = await this.send<KubeList<T>>('GET', path, { query: { limit: PAGE, ...query, continue: next } });
      items.push(...page.items);
      next = page.metadata.continue;
      if (next === undefined || next === '') return { metadata: page.metadata, items };
    }
  }

  create<T extends KubeObject>(of: Kind, object: T): Promise<T> {
    const body = { apiVersion: of.apiVersion, kind: of.kind, ...object };
    return this.send('POST', collectionPath(of, object.metadata.namespace), {
      body,
      query: { fieldManager: FIELD_MANAGER },
    });
  }

  /** With `metadata.resourceVersion` in it: refused (409) when somebody else was faster. */
  replace<T extends KubeObject>(of: Kind, object: T): Promise<T> {
    const body = { apiVersion: of.apiVersion, kind: of.kind, ...object };
    return this.send('PUT', objectPath(of, object.metadata), { body });
  }

  /** Server-side apply: these fields are ours, others stay as they are; what we no longer name goes. */
  apply<T extends KubeObject>(of: Kind, object: KubeObject, subresource?: 'status'): Promise<T> {
    const body = { apiVersion: of.apiVersion, kind: of.kind, ...object };
    const path = `${objectPath(of, object.metadata)}${subresource ? `/${subresource}` : ''}`;
    const query = { fieldManager: FIELD_MANAGER, force: true };
    return this.send('PATCH', path, { body, query, contentType: 'application/apply-patch+yaml' });
  }

  /** JSON merge patch (RFC 7386). */
  patch<T extends KubeObject>(of: Kind, ref: { name: string; namespace?: string }, body: unknown): Promise<T> {
    const query = { fieldManager: FIELD_MANAGER };
    return this.send('PATCH', objectPath(of, ref), { body, query, contentType: 'application/merge-patch+json' });
  }

  /**
   * Of exactly this object (its uid), not of another one with its name. Gone already is as good.
   * @returns the object as it is until it is gone; undefined when it is.
   */
  async delete<T extends KubeObject>(
    of: Kind,
    { metadata }: KubeObject,
    graceSeconds?: number,
  ): Promise<T | undefined> {
    const body = {
      kind: 'DeleteOptions',
      apiVersion: 'v1',
      ...(metadata.uid === undefined ? {} : { preconditions: { uid: metadata.uid } }),
      ...(graceSeconds === undefined ? {} : { gracePeriodSeconds: graceSeconds }),
    };
    try {
      const left = await this.send<T>('DELETE', objectPath(of, metadata), { body });
      return left.kind === of.kind ? left : undefined;
    } catch (error) {
      if (error instanceof KubeError && (error.status === 404 || error.reason === 'Conflict')) return undefined;
      throw error;
    }
  }

  /**
   * Events from a version on, until the server ends them (returns), says ERROR (yielded), or the connection breaks or is
   * silent for `silenceMs` (throws KubeUnreachable).
   */
  async *watch(path: string, query: Query, silenceMs: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const response = await this.#open('GET', path, { query: { ...query, watch: true, allowWatchBookmarks: true } });
    if (response.statusCode !== 200) await answer(response);
    const abort = (): void => void response.destroy();
    signal.addEventListener('abort', abort, { once: true });
    response.setTimeout(silenceMs, () => response.destroy(new Error(`silent for ${silenceMs} ms`)));
    try {
      if (signal.aborted) return;
      // Not by readline: its iterator waits for ever when the connection is destroyed.
      let rest = '';
      response.setEncoding('utf8');
      for await (const part of response) {
        const lines = (rest + (part as string)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') yield JSON.parse(line) as WatchEvent;
      }
    } catch (error) {
      if (signal.aborted) return;
      throw new KubeUnreachable(error);
    } finally {
      signal.removeEventListener('abort', abort);
      response.destroy();
    }
  }

  close(): void {
    this.#agent?.destroy();
  }
}

async function answer<T>(response: IncomingMessage): Promise<T> {
  let text = '';
  try {
    response.setEncoding('utf8');
    for await (const part of response) text += part as string;
  } catch (error) {
    throw new KubeUnreachable(error);
  }
  const status = response.statusCode ?? 0;
  if (status >= 200 && status < 300) return JSON.parse(text) as T;
  let said: { reason?: string; message?: string } = {};
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    said = { message: text.slice(0, 500) };
  }
  throw new KubeError(status, said.reason ?? '', said.message ?? `HTTP ${status}`);
}
