import { join } from 'node:path';
import type { AccessNumber, SipEdge, SwitchPool, Trunk } from '@ringback/crds';
import { KubeConfig } from '@kubernetes/client-node';
import type { Logger, Values } from '@ringback/service-kit';
import type { CONFIG } from './config.ts';
import type { Controller, Tools } from './controllers/controller.ts';
import { accessNumberController, routingOf, trunkController } from './controllers/routing.ts';
import { SipEdgeController } from './controllers/sip-edge.ts';
import { SwitchPoolController } from './controllers/switch-pool.ts';
import { EDGE_LABEL, type EdgePlatform } from './domain/edge.ts';
import type { Node, Pod } from './domain/observe-switch.ts';
import { POOL_LABEL } from './domain/pool-status.ts';
import { Kube } from './kube/client.ts';
import { EventRecorder } from './kube/events.ts';
import { Informer, keyOf } from './kube/informer.ts';
import { LeaderElection, type LeaseTimes } from './kube/lease.ts';
import { KINDS, type Kind, type KubeObject } from './kube/objects.ts';
import { realTimers, WorkQueue } from './kube/work-queue.ts';
import { startMetricsApi } from './metrics-api.ts';
import { SwitchReports } from './reports.ts';

export type OperatorConfig = Values<typeof CONFIG>;

export interface Operator {
  readonly kube: Kube;
  readonly leading: boolean;
  notReady(): string | undefined;
  stop(): Promise<void>;
}

export function platformOf(config: OperatorConfig): EdgePlatform {
  return {
    edgeImage: config.EDGE_IMAGE,
    dialerAddress: config.DIALER_ADDRESS,
    image: config.PLATFORM_IMAGE,
    ...(config.IMAGE_PULL_POLICY === '' ? {} : { imagePullPolicy: config.IMAGE_PULL_POLICY }),
    natsUrl: config.NATS_URL,
    secretName: config.PLATFORM_SECRET,
    ...(config.SWITCH_OTLP_ENDPOINT === '' ? {} : { otlpEndpoint: config.SWITCH_OTLP_ENDPOINT }),
  };
}

/** Starts the operator: what it sees (informers, reports), who acts (one leader), and how (a queue a kind). */
export async function startOperator(
  config: OperatorConfig,
  options: { log: Logger; fail(error: unknown): void; kubeConfig?: KubeConfig; leaseTimes?: LeaseTimes },
): Promise<Operator> {
  const { log } = options;
  const kubeConfig = options.kubeConfig ?? defaultKubeConfig();
  const kube = new Kube(kubeConfig);
  const events = new EventRecorder(kube, config.POD_NAME, log);
  const tools: Tools = { kube, events, log, now: () => Date.now() };
  const namespace = config.WATCH_NAMESPACE === '' ? undefined : config.WATCH_NAMESPACE;

  const queues = new Map<string, WorkQueue>();
  let leading = false;
  const enqueue = (kind: Kind, key: string): void => queues.get(kind.kind)?.add(key);
  const enqueueAll = <T extends KubeObject>(kind: Kind, informer: Informer<T>): void => {
    for (const object of informer.list()) enqueue(kind, keyOf(object));
  };
  const inform = <T extends KubeObject>(
    kind: Kind,
    changed: (object: KubeObject) => void,
    labelSelector?: string,
  ): Informer<T> =>
    new Informer<T>({ kube, kind, namespace: kind.namespaced ? namespace : undefined, labelSelector, log, changed });

  const pools: Informer<SwitchPool & KubeObject> = inform(KINDS.SwitchPool, (object) => {
    enqueue(KINDS.SwitchPool, keyOf(object));
    // They tell how many switches are behind them.
    enqueueAll(KINDS.SipEdge, edges);
  });
  const edges: Informer<SipEdge & KubeObject> = inform(KINDS.SipEdge, (object) => {
    enqueue(KINDS.SipEdge, keyOf(object));
    enqueueAll(KINDS.SwitchPool, pools);
  });
  const trunks: Informer<Trunk & KubeObject> = inform(KINDS.Trunk, () => enqueueAll(KINDS.Trunk, trunks));
  const accessNumbers: Informer<AccessNumber & KubeObject> = inform(KINDS.AccessNumber, () =>
    enqueueAll(KINDS.AccessNumber, accessNumbers),
  );
  const pods: Informer<Pod> = inform(
    KINDS.Pod,
    ({ metadata }) => enqueue(KINDS.SwitchPool, `${metadata.namespace}/${metadata.labels?.[POOL_LABEL]}`),
    POOL_LABEL,
  );
  const edgePods: Informer<Pod> = inform(
    KINDS.Pod,
    ({ metadata }) => enqueue(KINDS.SipEdge, `${metadata.namespace}/${metadata.labels?.[EDGE_LABEL]}`),
    EDGE_LABEL,
  );
  const nodes: Informer<Node> = inform(KINDS.Node, () => undefined);
  const informers: Informer<KubeObject>[] = [pools, edges, trunks, accessNumbers, pods, edgePods, nodes];

  const reports = new SwitchReports((switchId) => {
    const pod = pods.list().find((p) => p.metadata.name === switchId);
    const pool = pod?.metadata.labels?.[POOL_LABEL];
    if (pool !== undefined) enqueue(KINDS.SwitchPool, `${pod?.metadata.namespace}/${pool}`);
  });
  const platform = platformOf(config);
  const routing = routingOf(config.DIALER_ADDRESS);
  const controllers: readonly Controller[] = [
    new SwitchPoolController(tools, { pools, pods, nodes, edges, reports, platform }),
    new SipEdgeController(tools, { edges, pools, pods: edgePods, platform }),
    trunkController(tools, routing.trunks, trunks),
    accessNumberController(tools, routing.accessNumbers, accessNumbers),
  ];

  const election = new LeaderElection({
    kube,
    name: config.LEASE_NAME,
    namespace: config.POD_NAMESPACE,
    me: config.POD_NAME,
    log,
    ...(options.leaseTimes ? { times: options.leaseTimes } : {}),
    gained() {
      leading = true;
      // What the leader before us did last is in the caches only when they are asked anew.
      Promise.all(informers.map((i) => i.synced)).then(() => {
        enqueueAll(KINDS.SwitchPool, pools);
        enqueueAll(KINDS.SipEdge, edges);
        enqueueAll(KINDS.Trunk, trunks);
        enqueueAll(KINDS.AccessNumber, accessNumbers);
      }, options.fail);
    },
    lost() {
      leading = false;
      options.fail(new Error('another operator may lead: this one ends, and starts anew as a follower'));
    },
  });

  for (const controller of controllers) {
    const queue = new WorkQueue({
      timers: realTimers,
      minIntervalMs: 200,
      backoffMs: 500,
      maxBackoffMs: 60_000,
      workers: 4,
      async work(key) {
        if (!leading || !election.leading) return undefined;
        await Promise.all(informers.map((i) => i.synced));
        return await controller.reconcile(key);
      },
      failed: (key, error, retryInMs) =>
        log.warn(
          { kind: controller.kind.kind, resource: key, err: error, retry_ms: retryInMs },
          'not done, tried again',
        ),
    });
    queues.set(controller.kind.kind, queue);
  }

  reports.start({ url: config.NATS_URL, log, fail: options.fail });
  for (const informer of informers) informer.start();
  election.start();
  const metrics =
    config.METRICS_API_LISTEN === ''
      ? undefined
      : await startMetricsApi({
          listen: config.METRICS_API_LISTEN,
          certFile: join(config.METRICS_API_CERT_DIR, 'tls.crt'),
          keyFile: join(config.METRICS_API_CERT_DIR, 'tls.key'),
          kube,
          pools,
          log,
        });
  return {
    kube,
    get leading() {
      return election.leading;
    },
    // A follower is ready: it could lead at once.
    notReady: () => informers.find((i) => i.trouble !== undefined)?.trouble,
    async stop() {
      await metrics?.stop();
      await Promise.all([...queues.values()].map((queue) => queue.stop()));
      await election.stop();
      await Promise.all(informers.map((informer) => informer.stop()));
      await reports.stop();
      routing.close();
      kube.close();
    },
  };
}

export function defaultKubeConfig(): KubeConfig {
  const config = new KubeConfig();
  config.loadFromDefault();
  return config;
}
