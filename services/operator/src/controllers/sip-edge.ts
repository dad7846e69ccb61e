import { randomBytes } from 'node:crypto';
import type { SipEdge, SipEdgeStatus, SwitchPool } from '@ringback/crds';
import {
  dialogSecretName,
  EDGE_LABEL,
  edgeBudget,
  edgeDeployment,
  type EdgePlatform,
  edgeProblem,
  edgeRevision,
  edgeStatus,
} from '../domain/edge.ts';
import type { Pod } from '../domain/observe-switch.ts';
import { DIALOG_SECRET_ENV } from '../edge-setup.ts';
import { KubeError } from '../kube/client.ts';
import type { Informer } from '../kube/informer.ts';
import { KINDS, type KubeObject, ownerOf } from '../kube/objects.ts';
import { type Controller, OwnedObjects, StatusWriter, type Tools } from './controller.ts';

/** Its objects are looked at again though nothing changed, ms. */
const LOOK_AGAIN_MS = 10_000;

export interface EdgeInputs {
  readonly edges: Pick<Informer<SipEdge>, 'get' | 'list'>;
  readonly pools: Pick<Informer<SwitchPool>, 'list'>;
  readonly pods: Pick<Informer<Pod>, 'list'>;
  readonly platform: EdgePlatform;
}

/** An edge is a Deployment: Kubernetes replaces one Pod after the other, and preStop waits for its transactions. */
export class SipEdgeController implements Controller {
  readonly kind = KINDS.SipEdge;
  readonly #tools: Tools;
  readonly #in: EdgeInputs;
  readonly #status: StatusWriter<SipEdgeStatus>;
  readonly #owned: OwnedObjects;
  /** Edges (uids) whose Secret is known to be there. */
  readonly #signed = new Set<string>();

  constructor(tools: Tools, inputs: EdgeInputs) {
    this.#tools = tools;
    this.#in = inputs;
    this.#status = new StatusWriter(tools, KINDS.SipEdge);
    this.#owned = new OwnedObjects(tools);
  }

  async reconcile(key: string): Promise<number | undefined> {
    const edge = this.#in.edges.get(key);
    // What it owns goes with it.
    if (!edge || edge.metadata.deletionTimestamp !== undefined) return undefined;
    const { platform } = this.#in;
    const problem = edgeProblem(edge, platform);
    if (problem === undefined) {
      await this.#sign(edge);
      await this.#owned.apply(KINDS.SipEdge, edge as KubeObject, KINDS.PodDisruptionBudget, edgeBudget(edge));
      await this.#owned.apply(KINDS.SipEdge, edge as KubeObject, KINDS.Deployment, edgeDeployment(edge, platform));
    } else {
      await this.#tools.events.tell(KINDS.SipEdge, edge as KubeObject, 'Warning', 'Refused', problem);
    }
    const { namespace, name } = edge.metadata;
    const pods = this.#in.pods
      .list()
      .filter((pod) => pod.metadata.namespace === namespace && pod.metadata.labels?.[EDGE_LABEL] === name);
    const switches = this.#in.pools
      .list()
      .filter((pool) => pool.metadata.namespace === namespace && edge.spec.pools.includes(pool.metadata.name))
      .reduce((sum, pool) => sum + (pool.status?.ready ?? 0), 0);
    const status = edgeStatus(edge, pods, edgeRevision(edge, platform), switches, problem, this.#tools.now());
    await this.#status.write(edge as KubeObject & { status?: SipEdgeStatus }, status);
    return LOOK_AGAIN_MS;
  }

  /** Made once, and never again: calls that are up carry signatures of it. */
  async #sign(edge: SipEdge): Promise<void> {
    const { uid, namespace } = edge.metadata;
    if (this.#signed.has(uid)) return;
    const name = dialogSecretName(edge);
    const metadata = { name, namespace, ownerReferences: [ownerOf(KINDS.SipEdge, edge as KubeObject)] };
    const stringData = { [DIALOG_SECRET_ENV]: randomBytes(32).toString('hex') };
    try {
      await this.#tools.kube.create(KINDS.Secret, { metadata, stringData } as KubeObject);
    } catch (error) {
      if (!(error instanceof KubeError && error.reason === 'AlreadyExists')) throw error;
    }
    this.#signed.add(uid);
  }
}
