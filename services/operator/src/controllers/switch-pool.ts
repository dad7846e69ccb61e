import { randomInt } from 'node:crypto';
import type { SipEdge, SwitchPool, SwitchPoolStatus } from '@ringback/crds';
import { isoTime } from '../domain/conditions.ts';
import { type Node, nodeView, occupiedPorts, type Pod, switchView } from '../domain/observe-switch.ts';
import { POOL_LABEL } from '../domain/pool-status.ts';
import { place, portsOf } from '../domain/ports.ts';
import {
  DRAIN_REASON_ANNOTATION,
  DRAIN_SINCE_ANNOTATION,
  EVICTABLE_LABEL,
  type Place,
  type Platform,
  revisionOf,
  type SwitchSource,
  switchPod,
} from '../domain/switch-pod.ts';
import { type ObservedPool, type PoolAction, type PoolDecision, reconcilePool } from '../domain/switch-pool.ts';
import type { Report } from '../domain/switches.ts';
import type { Informer } from '../kube/informer.ts';
import { KINDS, type KubeObject, ownerOf } from '../kube/objects.ts';
import {
  type Controller,
  OwnedObjects,
  StatusWriter,
  type Tools,
  withFinalizer,
  withoutFinalizer,
} from './controller.ts';

export const POOL_FINALIZER = 'ringback.dev/drain';
/** Calls on a switch whose limit is over get so long to be told of their end. */
const CUT_GRACE_SECONDS = 30;
/** More Pods than there can be: a budget that counts on a share asks the pool's scale, which need not say a number. */
const NEVER_EVICT = 1_000_000;
/** Without what is easily misread; as Kubernetes does for its own names. */
const LETTERS = 'bcdfghjklmnpqrstvwxz2456789';

export interface PoolInputs {
  readonly pools: Pick<Informer<SwitchPool>, 'get' | 'list'>;
  readonly pods: Pick<Informer<Pod>, 'list' | 'learned'>;
  readonly nodes: Pick<Informer<Node>, 'list'>;
  readonly edges: Pick<Informer<SipEdge>, 'list'>;
  readonly reports: {
    get(switchId: string): Report | undefined;
    drain(switchId: string, draining: boolean): Promise<void>;
  };
  readonly platform: Platform;
}

/** Carries out what `reconcilePool` decides; decides nothing itself. */
export class SwitchPoolController implements Controller {
  readonly kind = KINDS.SwitchPool;
  readonly #tools: Tools;
  readonly #in: PoolInputs;
  readonly #status: StatusWriter<SwitchPoolStatus>;
  readonly #owned: OwnedObjects;

  constructor(tools: Tools, inputs: PoolInputs) {
    this.#tools = tools;
    this.#in = inputs;
    const counts = ['calls', 'callsPerSecond', 'utilisation', 'stragglers', 'conditions'] as const;
    this.#status = new StatusWriter(tools, KINDS.SwitchPool, counts.slice(0, 4));
    this.#owned = new OwnedObjects(tools);
  }

  /** What would be done now, and why; nothing is changed. */
  plan(pool: SwitchPool): PoolDecision {
    return reconcilePool(this.#observe(pool, this.#source(pool)), this.#tools.now());
  }

  async reconcile(key: string): Promise<number | undefined> {
    const known = this.#in.pools.get(key);
    if (!known) return undefined;
    const pool = (await withFinalizer(
      this.#tools,
      KINDS.SwitchPool,
      known as KubeObject,
      POOL_FINALIZER,
    )) as SwitchPool;
    const source = this.#source(pool);
    if (pool.metadata.deletionTimestamp === undefined) await this.#protect(pool);
    const decision = reconcilePool(this.#observe(pool, source), this.#tools.now());
    const failures: unknown[] = [];
    for (const action of decision.actions) {
      // One that cannot be carried out now does not hold up the others; what is left is decided anew.
      await this.#perform(source, action).catch((error: unknown) => failures.push(error));
    }
    if (!decision.actions.some((a) => a.kind === 'removeFinalizer')) {
      await this.#status.write(pool as KubeObject & { status?: SwitchPoolStatus }, decision.status);
    }
    if (failures.length > 0) throw failures[0];
    return decision.againInMs;
  }

  #podsOf({ metadata }: SwitchPool): Pod[] {
    return this.#in.pods
      .list()
      .filter((p) => p.metadata.namespace === metadata.namespace && p.metadata.labels?.[POOL_LABEL] === metadata.name);
  }

  #source(pool: SwitchPool): SwitchSource {
    const before = this.#in.edges
      .list()
      .filter((e) => e.metadata.namespace === pool.metadata.namespace && e.spec.pools.includes(pool.metadata.name));
    const addresses = before.flatMap((e) => e.status?.edges?.map((edge) => edge.address) ?? []).filter((a) => a !== '');
    return { pool, platform: this.#in.platform, edges: [...new Set(addresses)].sort() };
  }

  #observe(pool: SwitchPool, source: SwitchSource): ObservedPool {
    const cordoned = new Set(
      this.#in.nodes.list().flatMap((n) => (n.spec?.unschedulable === true ? [n.metadata.name] : [])),
    );
    const nobody = source.edges.length === 0 && pool.spec.allowedEdges.length === 0;
    const blocked = nobody
      ? 'no SipEdge that names this pool has an address yet, and allowedEdges is empty: everyone could call'
      : undefined;
    return {
      pool,
      revision: revisionOf(source),
      switches: this.#podsOf(pool).map((pod) => switchView(pod, this.#in.reports.get(pod.metadata.name), cordoned)),
      ...(blocked === undefined ? {} : { blocked }),
    };
  }

  /** Pods of the pool are not evicted: the operator takes them away when their calls are over. */
  async #protect(pool: SwitchPool): Promise<void> {
    const { name, namespace } = pool.metadata;
    await this.#owned.apply(KINDS.SwitchPool, pool as KubeObject, KINDS.PodDisruptionBudget, {
      metadata: {
        name: `${name}-switches`,
        namespace,
        labels: { 'app.kubernetes.io/part-of': 'ringback', [POOL_LABEL]: name },
      },
      spec: {
        minAvailable: NEVER_EVICT,
        // Also those that are not ready: they may have calls.
        unhealthyPodEvictionPolicy: 'IfHealthyBudget',
        selector: { matchLabels: { [POOL_LABEL]: name, [EVICTABLE_LABEL]: 'false' } },
      },
    });
  }

  async #perform(source: SwitchSource, action: PoolAction): Promise<void> {
    const { pool } = source;
    const { kube, events, log } = this.#tools;
    const { namespace } = pool.metadata;
    const tell = (type: 'Normal' | 'Warning', reason: string, message: string): Promise<void> =>
      events.tell(KINDS.SwitchPool, pool as KubeObject, type, reason, message);
    const pod = 'name' in action ? this.#podsOf(pool).find((p) => p.metadata.name === action.name) : undefined;
    if ('name' in action && !pod) return;
    log.info({ pool: `${namespace}/${pool.metadata.name}`, ...action }, 'switch pool');
    switch (action.kind) {
      case 'create': {
        const where = this.#place(pool);
        if (!where) {
          await tell(
            'Warning',
            'NoRoom',
            'no node has room for another switch: its network is the node’s, and ports are taken',
          );
          return;
        }
        const name = `${pool.metadata.name}-${Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)]).join('')}`;
        const made = switchPod(source, name, where);
        const object = {
          ...made,
          metadata: { ...made.metadata, ownerReferences: [ownerOf(KINDS.SwitchPool, pool as KubeObject)] },
        };
        this.#in.pods.learned(await kube.create<Pod>(KINDS.Pod, object as unknown as Pod));
        await tell('Normal', 'SwitchCreated', `${name}: ${action.why}`);
        return;
      }
      case 'drain': {
        // First what lasts, then the command: whoever finds the one without the other tells it again.
        const annotations = {
          [DRAIN_SINCE_ANNOTATION]: isoTime(this.#tools.now()),
          [DRAIN_REASON_ANNOTATION]: action.reason,
        };
        await this.#annotate(pod!, annotations);
        await tell('Normal', 'Draining', `${action.name} (${action.reason}): ${action.why}`);
        await this.#in.reports.drain(action.name, true);
        return;
      }
      case 'tell':
        await this.#in.reports.drain(action.name, true);
        return;
      case 'undrain':
        // The command first: while the mark is there, nobody takes it for drained by hand.
        await this.#in.reports.drain(action.name, false);
        await this.#annotate(pod!, { [DRAIN_SINCE_ANNOTATION]: null, [DRAIN_REASON_ANNOTATION]: null });
        await tell('Normal', 'DrainEnded', `${action.name}: ${action.why}`);
        return;
      case 'delete': {
        const left = await kube.delete<Pod>(KINDS.Pod, pod!, action.cut ? CUT_GRACE_SECONDS : undefined);
        if (left) this.#in.pods.learned(left);
        if (action.cut) await tell('Warning', 'DrainLimitReached', `${action.name}: ${action.why}`);
        else await tell('Normal', 'SwitchRemoved', `${action.name}: ${action.why}`);
        return;
      }
      case 'removeFinalizer':
        await withoutFinalizer(this.#tools, KINDS.SwitchPool, pool as KubeObject, POOL_FINALIZER);
    }
  }

  async #annotate(pod: Pod, annotations: Record<string, string | null>): Promise<void> {
    const { name, namespace, uid } = pod.metadata;
    this.#in.pods.learned(
      await this.#tools.kube.patch<Pod>(KINDS.Pod, { name, namespace }, { metadata: { uid, annotations } }),
    );
  }

  #place(pool: SwitchPool): Place | undefined {
    if (pool.spec.network.mode === 'Pod') {
      const ports = portsOf(pool.spec, 0);
      return ports === undefined ? undefined : { ports };
    }
    const nodes = this.#in.nodes.list().map((node) => nodeView(node, pool.spec.nodeSelector));
    // Of all pools: they share the nodes.
    return place(pool.spec, nodes, occupiedPorts(this.#in.pods.list()));
  }
}
