import type { SipEdge, SipEdgeStatus } from '@ringback/crds';
import {
  DEFAULTS,
  type EdgeModel,
  EdgeConfigError,
  kamailioArguments,
  validateModel,
} from '@ringback/kamailio-config-gen';
import { createHash } from 'node:crypto';
import { DIALOG_SECRET_ENV, EDGE_MODEL_ENV, EDGE_PATHS } from '../edge-setup.ts';
import { APP } from '../switch-setup.ts';
import { conditions, isoTime, type Said } from './conditions.ts';
import type { Pod } from './observe-switch.ts';
import type { Platform } from './switch-pod.ts';

export const EDGE_LABEL = 'ringback.dev/edge';
const EDGE_REVISION_LABEL = 'ringback.dev/edge-revision';
const AGENT_PORT = 9081;
/** After preStop has waited for the transactions: to stop. */
const STOP_SECONDS = 20;

export interface EdgePlatform extends Platform {
  readonly edgeImage: string;
  readonly dialerAddress: string;
}

type Json = Record<string, unknown>;

/** Name of the Secret whose DIALOG_SECRET signs Record-Route: the same on every edge of the resource, over restarts. */
export const dialogSecretName = (edge: SipEdge): string => `${edge.metadata.name}-dialog`;

/** The part of an edge's model that is the same in all its Pods; addresses and the secret are known there. */
export function edgeModel({ metadata, spec }: SipEdge): Omit<EdgeModel, 'dialogSecret'> {
  const { floodLimits: flood } = spec;
  const anywhere = { host: '0.0.0.0', port: spec.port };
  return {
    ...DEFAULTS,
    id: metadata.name,
    listen: anywhere,
    advertise: { host: spec.advertise?.host ?? '0.0.0.0', port: spec.advertise?.port ?? spec.port },
    tcp: spec.tcp,
    workers: spec.workers,
    sharedMemoryMiB: spec.sharedMemoryMiB,
    paths: { configDir: EDGE_PATHS.config, runDir: EDGE_PATHS.run },
    unknownSources: spec.unknownSources,
    maxMessageBytes: flood.maxMessageBytes,
    unknownSourceLimit: {
      requests: flood.unknownSourceRequests,
      perSeconds: flood.unknownSourceSeconds,
      banSeconds: flood.unknownSourceBanSeconds,
    },
    trunkRequestsPerSecond: flood.trunkRequestsPerSecond,
    timers: spec.timers,
    probeIntervalSeconds: spec.probeIntervalSeconds,
    logLevel: spec.logLevel,
  };
}

/** What is wrong with the resource that only the generator sees, in a sentence; undefined when nothing is. */
export function edgeProblem(edge: SipEdge, platform: EdgePlatform): string | undefined {
  if ((edge.spec.image ?? platform.edgeImage) === '') return 'spec.image is not set, and the operator has no default';
  try {
    // As its Pods will fill it in.
    const host = edge.spec.advertise?.host ?? '192.0.2.1';
    const model = { ...edgeModel(edge), dialogSecret: 'x'.repeat(32) };
    validateModel({ ...model, advertise: { ...model.advertise, host } });
    return undefined;
  } catch (error) {
    if (error instanceof EdgeConfigError) return error.message;
    throw error;
  }
}

const RESTRICTED = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } };

function podSpec(edge: SipEdge, platform: EdgePlatform): Json {
  const { spec } = edge;
  const host = spec.network === 'Host';
  const image = spec.image ?? platform.edgeImage;
  const agentImage = spec.agentImage ?? platform.image;
  const policy = spec.imagePullPolicy ?? platform.imagePullPolicy;
  const pull = policy === undefined ? {} : { imagePullPolicy: policy };
  const model = edgeModel(edge);
  const field = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const mounts = [
    { name: 'config', mountPath: EDGE_PATHS.config },
    { name: 'run', mountPath: EDGE_PATHS.run },
  ];
  const page = (path: string): Json => ({ httpGet: { path, port: AGENT_PORT } });
  const kamailio = ['/usr/sbin/kamailio', ...kamailioArguments(model as EdgeModel)];
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: spec.drainLimitSeconds + STOP_SECONDS,
    ...(host ? { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' } : {}),
    ...(spec.priorityClassName === undefined ? {} : { priorityClassName: spec.priorityClassName }),
    nodeSelector: spec.nodeSelector,
    tolerations: spec.tolerations,
    affinity: {
      podAntiAffinity: {
        [host ? 'requiredDuringSchedulingIgnoredDuringExecution' : 'preferredDuringSchedulingIgnoredDuringExecution']: [
          host ? antiAffinity(edge) : { weight: 100, podAffinityTerm: antiAffinity(edge) },
        ],
      },
    },
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10_001,
      runAsGroup: 10_001,
      fsGroup: 10_001,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    initContainers: [
      {
        name: 'configure',
        image: agentImage,
        ...pull,
        command: ['node', `${APP}/services/operator/src/configure-edge.ts`],
        env: [
          { name: EDGE_MODEL_ENV, value: JSON.stringify(model) },
          field('POD_IP', 'status.podIP'),
          {
            name: DIALOG_SECRET_ENV,
            valueFrom: { secretKeyRef: { name: dialogSecretName(edge), key: DIALOG_SECRET_ENV } },
          },
        ],
        volumeMounts: mounts,
        resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } },
        securityContext: RESTRICTED,
      },
      {
        // Kamailio's own word on it, before it would take the place of one that works.
        name: 'check',
        image,
        ...pull,
        command: [...kamailio, '-c'],
        volumeMounts: mounts,
        resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } },
        securityContext: RESTRICTED,
      },
      {
        // A native sidecar: it is there before Kamailio, and after it.
        name: 'agent',
        restartPolicy: 'Always',
        image: agentImage,
        ...pull,
        command: ['node', `${APP}/services/edge-agent/src/main.ts`],
        env: [
          field('EDGE_ID', 'metadata.name'),
          field('POD_IP', 'status.podIP'),
          {
            name: 'EDGE_SIP_ADDRESS',
            value: `${spec.advertise?.host ?? '$(POD_IP)'}:${spec.advertise?.port ?? spec.port}`,
          },
          { name: 'EDGE_CONFIG_DIR', value: EDGE_PATHS.config },
          { name: 'EDGE_RUN_DIR', value: EDGE_PATHS.run },
          { name: 'STATE_DIR', value: EDGE_PATHS.state },
          { name: 'SWITCH_POOLS', value: spec.pools.join(',') },
          { name: 'DIALER_ADDRESS', value: platform.dialerAddress },
          { name: 'NATS_URL', value: platform.natsUrl },
          { name: 'EVENT_KEY', valueFrom: { secretKeyRef: { name: platform.secretName, key: 'EVENT_KEY' } } },
          { name: 'REGION', value: spec.region },
          { name: 'HTTP_LISTEN', value: `0.0.0.0:${AGENT_PORT}` },
        ],
        ports: [{ name: 'agent', containerPort: AGENT_PORT, protocol: 'TCP' }],
        livenessProbe: { ...page('/livez'), periodSeconds: 5, failureThreshold: 6, timeoutSeconds: 5 },
        readinessProbe: { ...page('/readyz'), periodSeconds: 1, failureThreshold: 2, timeoutSeconds: 2 },
        volumeMounts: [...mounts, { name: 'state', mountPath: EDGE_PATHS.state }],
        resources: { requests: { cpu: '50m', memory: '96Mi' }, limits: { memory: '384Mi' } },
        securityContext: RESTRICTED,
      },
    ],
    containers: [
      {
        name: 'kamailio',
        image,
        ...pull,
        command: kamailio,
        ports: [
          { name: 'sip', containerPort: spec.port, protocol: 'UDP' },
          ...(spec.tcp ? [{ name: 'sip-tcp', containerPort: spec.port, protocol: 'TCP' }] : []),
        ],
        lifecycle: { preStop: { httpGet: { path: '/drain', port: AGENT_PORT } } },
        volumeMounts: [...mounts, { name: 'tmp', mountPath: '/tmp' }],
        resources: {
          requests: { cpu: '100m', memory: `${spec.sharedMemoryMiB + 64}Mi` },
          limits: { memory: `${spec.sharedMemoryMiB * 2 + 256}Mi` },
        },
        securityContext: RESTRICTED,
      },
    ],
    volumes: [
      { name: 'config', emptyDir: { sizeLimit: '64Mi' } },
      { name: 'run', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
      { name: 'state', emptyDir: { sizeLimit: '64Mi' } },
      { name: 'tmp', emptyDir: { sizeLimit: '64Mi' } },
    ],
  };
}

function antiAffinity(edge: SipEdge): Json {
  return {
    topologyKey: 'kubernetes.io/hostname',
    labelSelector: { matchLabels: { [EDGE_LABEL]: edge.metadata.name } },
  };
}

const labels = (edge: SipEdge): Record<string, string> => ({
  'app.kubernetes.io/name': 'sip-edge',
  'app.kubernetes.io/part-of': 'ringback',
  'app.kubernetes.io/managed-by': 'ringback-operator',
  'ringback.dev/region': edge.spec.region,
  [EDGE_LABEL]: edge.metadata.name,
});

export function edgeRevision(edge: SipEdge, platform: EdgePlatform): string {
  return createHash('sha256')
    .update(JSON.stringify(podSpec(edge, platform)))
    .digest('hex')
    .slice(0, 10);
}

/** The Deployment of an edge: one at a time is replaced, after its transactions are over. */
export function edgeDeployment(edge: SipEdge, platform: EdgePlatform) {
  const { metadata, spec } = edge;
  // With the node's network a new one has no port before the old one is gone.
  const host = spec.network === 'Host';
  return {
    metadata: { name: `${metadata.name}-edge`, namespace: metadata.namespace, labels: labels(edge) },
    spec: {
      replicas: spec.replicas,
      paused: spec.paused,
      revisionHistoryLimit: 2,
      strategy: {
        type: 'RollingUpdate',
        rollingUpdate: host ? { maxSurge: 0, maxUnavailable: 1 } : { maxSurge: 1, maxUnavailable: 0 },
      },
      selector: { matchLabels: { [EDGE_LABEL]: metadata.name } },
      template: {
        metadata: { labels: { ...labels(edge), [EDGE_REVISION_LABEL]: edgeRevision(edge, platform) } },
        spec: podSpec(edge, platform),
      },
    },
  };
}

export function edgeBudget(edge: SipEdge) {
  const { name, namespace } = edge.metadata;
  return {
    metadata: { name: `${name}-edge`, namespace, labels: labels(edge) },
    spec: { maxUnavailable: 1, selector: { matchLabels: { [EDGE_LABEL]: name } } },
  };
}

/** @param problem why its newest configuration is not rolled out. */
export function edgeStatus(
  edge: SipEdge,
  pods: readonly Pod[],
  revision: string,
  switches: number,
  problem: string | undefined,
  now: number,
): SipEdgeStatus {
  const isReady = (pod: Pod): boolean =>
    pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;
  const port = edge.spec.advertise?.port ?? edge.spec.port;
  const edges = pods
    .filter((pod) => (pod.status?.podIP ?? '') !== '')
    .map((pod) => ({
      name: pod.metadata.name,
      address: `${edge.spec.advertise?.host ?? pod.status?.podIP}:${port}`,
      ready: isReady(pod),
      ...(pod.metadata.deletionTimestamp === undefined
        ? {}
        : // A deletion's time is that at which it ends.
          {
            drainingSince: isoTime(
              Date.parse(pod.metadata.deletionTimestamp) - (edge.spec.drainLimitSeconds + STOP_SECONDS) * 1000,
            ),
          }),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const staying = pods.filter((pod) => pod.metadata.deletionTimestamp === undefined);
  const ready = staying.filter(isReady).length;
  const updated = staying.filter((pod) => pod.metadata.labels?.[EDGE_REVISION_LABEL] === revision).length;
  const message = `${ready} of ${edge.spec.replicas} edges take calls, ${switches} switches behind them`;
  const enough = ready >= edge.spec.replicas;
  const reason = !enough
    ? 'Starting'
    : updated < edge.spec.replicas || pods.length > staying.length
      ? 'Rolling'
      : 'Ready';
  const said: Said[] = [
    { type: 'Ready', status: enough ? 'True' : 'False', reason, message },
    problem === undefined
      ? { type: 'Accepted', status: 'True', reason: 'Valid', message: 'its configuration is rolled out' }
      : { type: 'Accepted', status: 'False', reason: 'Refused', message: problem },
  ];
  return {
    observedGeneration: edge.metadata.generation,
    replicas: staying.length,
    ready,
    updated,
    revision,
    selector: `${EDGE_LABEL}=${edge.metadata.name}`,
    switches,
    edges,
    conditions: conditions(edge.status?.conditions, said, edge.metadata.generation, now),
  };
}
