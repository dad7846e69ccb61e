import type { AccessNumber, Trunk } from '@ringback/crds';
import { dialer } from '@ringback/contracts';
import { call, grpcClient, GrpcError } from '@ringback/service-kit';
import {
  ACCESS_NUMBERS,
  type Mapping,
  reconcileRoute,
  type RouteResource,
  routeConditions,
  TRUNKS,
} from '../domain/routing.ts';
import type { Informer } from '../kube/informer.ts';
import { KINDS, type Kind, type KubeObject } from '../kube/objects.ts';
import { type Controller, StatusWriter, type Tools, withFinalizer, withoutFinalizer } from './controller.ts';

export const ROUTE_FINALIZER = 'ringback.dev/routing';
/** The console may change an entry: it is looked at again, ms. */
const LOOK_AGAIN_MS = 30_000;
/** One list of the platform's entries serves all passes of a burst, ms. */
const LIST_VALID_MS = 500;
const DEADLINE_MS = 5_000;

/** The platform's side of a kind. */
export interface Entries<Entry> {
  list(): Promise<readonly Entry[]>;
  put(entry: Entry): Promise<void>;
  delete(id: string): Promise<void>;
}

/** Carries out what `reconcileRoute` decides, for trunks or access numbers. */
export class RouteController<R extends RouteResource, Entry> implements Controller {
  readonly kind: Kind;
  readonly #tools: Tools;
  readonly #mapping: Mapping<R, Entry>;
  readonly #entries: Entries<Entry>;
  readonly #idOf: (entry: Entry) => string;
  readonly #resources: { get(key: string): R | undefined; list(): R[] };
  readonly #statusOf: (id: string) => object;
  readonly #status: StatusWriter<object>;
  #listed: { readonly at: number; readonly entries: Promise<readonly Entry[]> } | undefined;

  constructor(options: {
    readonly kind: Kind;
    readonly tools: Tools;
    readonly mapping: Mapping<R, Entry>;
    readonly entries: Entries<Entry>;
    readonly idOf: (entry: Entry) => string;
    readonly resources: { get(key: string): R | undefined; list(): R[] };
    readonly statusOf: (id: string) => object;
  }) {
    this.kind = options.kind;
    this.#tools = options.tools;
    this.#mapping = options.mapping;
    this.#entries = options.entries;
    this.#idOf = options.idOf;
    this.#resources = options.resources;
    this.#statusOf = options.statusOf;
    this.#status = new StatusWriter(options.tools, options.kind);
  }

  async #actual(id: string): Promise<Entry | undefined> {
    const now = this.#tools.now();
    if (!this.#listed || now - this.#listed.at > LIST_VALID_MS)
      this.#listed = { at: now, entries: this.#entries.list() };
    const { entries } = this.#listed;
    entries.catch(() => {
      this.#listed = undefined;
    });
    return (await entries).find((entry) => this.#idOf(entry) === id);
  }

  async reconcile(key: string): Promise<number | undefined> {
    const known = this.#resources.get(key);
    if (!known) return undefined;
    const resource = (await withFinalizer(
      this.#tools,
      this.kind,
      known as KubeObject,
      ROUTE_FINALIZER,
    )) as unknown as R;
    const id = this.#mapping.id(resource);
    let said;
    try {
      const decision = reconcileRoute(this.#mapping, resource, this.#resources.list(), await this.#actual(id));
      said = decision.said;
      for (const action of decision.actions) {
        this.#tools.log.info({ kind: this.kind.kind, resource: key, action: action.kind, why: action.why }, 'routing');
        this.#listed = undefined;
        if (action.kind === 'put') await this.#entries.put(action.entry);
        else if (action.kind === 'delete') await this.#entries.delete(id);
        else {
          await withoutFinalizer(this.#tools, this.kind, resource as KubeObject, ROUTE_FINALIZER);
          return undefined;
        }
      }
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      const refused = error.code === 'INVALID_ARGUMENT';
      const reason = refused ? 'Refused' : 'PlatformAway';
      await this.#tell(resource, id, {
        type: 'Ready',
        status: refused ? 'False' : 'Unknown',
        reason,
        message: error.message,
      });
      // What is refused stays so until it is changed.
      if (refused) return LOOK_AGAIN_MS;
      throw error;
    }
    await this.#tell(resource, id, said);
    return LOOK_AGAIN_MS;
  }

  async #tell(resource: R, id: string, said: Parameters<typeof routeConditions>[1]): Promise<void> {
    const before = resource.status?.conditions?.find((c) => c.type === 'Ready');
    const status = {
      observedGeneration: resource.metadata.generation,
      ...this.#statusOf(id),
      conditions: routeConditions(resource, said, this.#tools.now()),
    };
    await this.#status.write(resource as KubeObject & { status?: object }, status);
    if (before?.reason === said.reason) return;
    const type = said.status === 'True' ? 'Normal' : 'Warning';
    await this.#tools.events.tell(this.kind, resource as KubeObject, type, said.reason, said.message);
  }
}

/** The dialer's routing, by gRPC. */
export function routingOf(address: string): {
  trunks: Entries<dialer.Trunk>;
  accessNumbers: Entries<dialer.AccessNumber>;
  close(): void;
} {
  const client = grpcClient(dialer.RoutingServiceClient, address);
  const options = { deadlineMs: DEADLINE_MS };
  const gone = (error: unknown): void => {
    if (!(error instanceof GrpcError && error.code === 'NOT_FOUND')) throw error;
  };
  return {
    trunks: {
      list: async () => (await call(client, client.listTrunks, {}, options)).trunks,
      put: async (trunk) => void (await call(client, client.putTrunk, { trunk }, options)),
      delete: async (id) => void (await call(client, client.deleteTrunk, { id }, options).catch(gone)),
    },
    accessNumbers: {
      list: async () => (await call(client, client.listAccessNumbers, {}, options)).accessNumbers,
      put: async (accessNumber) => void (await call(client, client.putAccessNumber, { accessNumber }, options)),
      delete: async (number) => void (await call(client, client.deleteAccessNumber, { number }, options).catch(gone)),
    },
    close: () => client.close(),
  };
}

export function trunkController(
  tools: Tools,
  entries: Entries<dialer.Trunk>,
  resources: Pick<Informer<Trunk>, 'get' | 'list'>,
): RouteController<Trunk, dialer.Trunk> {
  return new RouteController({
    kind: KINDS.Trunk,
    tools,
    mapping: TRUNKS,
    entries,
    idOf: (entry) => entry.id,
    resources,
    statusOf: (id) => ({ id }),
  });
}

export function accessNumberController(
  tools: Tools,
  entries: Entries<dialer.AccessNumber>,
  resources: Pick<Informer<AccessNumber>, 'get' | 'list'>,
): RouteController<AccessNumber, dialer.AccessNumber> {
  return new RouteController({
    kind: KINDS.AccessNumber,
    tools,
    mapping: ACCESS_NUMBERS,
    entries,
    idOf: (entry) => entry.number,
    resources,
    statusOf: (number) => ({ number }),
  });
}
