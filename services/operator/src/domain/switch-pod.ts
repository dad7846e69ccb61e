import { createHash } from 'node:crypto';
import type { SwitchPool } from '@ringback/crds';
import { freeswitchArguments, type SwitchModel } from '@ringback/freeswitch-config-gen';
import { APP, PATHS, SETUP_ENV, type SwitchSetup } from '../switch-setup.ts';
import { POOL_LABEL } from './pool-status.ts';
import type { NodeView, SwitchPorts } from './ports.ts';

export const REVISION_LABEL = 'ringback.dev/revision';
/** "false" while the switch must not be evicted: a PodDisruptionBudget of the pool is about these. */
export const EVICTABLE_LABEL = 'ringback.dev/evictable';
export const PORTS_ANNOTATION = 'ringback.dev/ports';
export const DRAIN_SINCE_ANNOTATION = 'ringback.dev/drain-since';
export const DRAIN_REASON_ANNOTATION = 'ringback.dev/drain-reason';

export const CONTAINERS = { configure: 'configure', agent: 'agent', switch: 'switch' } as const;

/** Name of the port of probes and metrics. */
const AGENT_PORT = 'agent';
/** After preStop has waited for the calls: to stop. */
const STOP_SECONDS = 60;

/** What the operator knows of the platform and hands on to switches. */
export interface Platform {
  /** Its own image, which is that of all services. */
  readonly image: string;
  readonly imagePullPolicy?: string;
  readonly natsUrl: string;
  /** Secret with the key EVENT_KEY. */
  readonly secretName: string;
  readonly otlpEndpoint?: string;
}

/** All a switch is made from, besides where it runs. */
export interface SwitchSource {
  readonly pool: SwitchPool;
  readonly platform: Platform;
  /** Addresses (host:port) of the edges before it. They are told to new switches; a change makes no new revision. */
  readonly edges: readonly string[];
}

export interface Place {
  readonly node?: NodeView;
  readonly ports: SwitchPorts;
}

type Json = Record<string, unknown>;

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
};

function advertised(
  what: 'PodIP' | 'NodeInternalIP' | 'NodeExternalIP',
  node: NodeView | undefined,
): string | undefined {
  if (what === 'PodIP') return undefined;
  return what === 'NodeInternalIP' ? node?.internalIp : (node?.externalIp ?? node?.internalIp);
}

function setupOf({ pool, edges }: SwitchSource, { node, ports }: Place): SwitchSetup {
  const { spec } = pool;
  const { signalling, media } = spec.network.advertise;
  const [sig, rtp] = [advertised(signalling, node), advertised(media, node)];
  const hosts = edges.map((edge) => edge.slice(0, edge.lastIndexOf(':')));
  return {
    configuration: spec.switch.configuration,
    ports,
    codecs: spec.codecs,
    callsPerSwitch: spec.callsPerSwitch,
    callsPerSecondPerSwitch: spec.callsPerSecondPerSwitch,
    allowedEdges: [...new Set([...hosts, ...spec.allowedEdges])],
    edges,
    advertise: { ...(sig === undefined ? {} : { signalling: sig }), ...(rtp === undefined ? {} : { media: rtp }) },
  };
}

function switchCommand({ pool }: SwitchSource): string[] {
  if (pool.spec.switch.configuration === 'DevSwitch') {
    return ['node', `${APP}/dev/switch/src/main.ts`, PATHS.devSwitchConfig];
  }
  // Paths only: what else is in the model does not become arguments.
  const model = { soundsDir: PATHS.sounds } as SwitchModel;
  return ['freeswitch', ...freeswitchArguments(model, { configDir: PATHS.config, runDir: PATHS.run })];
}

function podSpec(source: SwitchSource, place: Place): Json {
  const { pool, platform } = source;
  const { spec } = pool;
  const host = spec.network.mode === 'Host';
  const agentImage = spec.agent.image ?? platform.image;
  const agentPull = spec.agent.imagePullPolicy ?? platform.imagePullPolicy;
  const pull = (policy: string | undefined): Json => (policy === undefined ? {} : { imagePullPolicy: policy });
  const mount = (name: string, mountPath: string, readOnly = false): Json => ({
    name,
    mountPath,
    ...(readOnly ? { readOnly } : {}),
  });
  const field = (name: string, fieldPath: string): Json => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  const agentPage = (path: string): Json => ({ httpGet: { path, port: place.ports.agent } });
  const { cpu, memory } = spec.switch.resources;
  const away = (key: string): Json => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    // A node that cannot be reached may have callers who are talking: its Pods are not given up before their calls can be over.
    tolerationSeconds: spec.drainLimitSeconds,
  });
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: spec.drainLimitSeconds + STOP_SECONDS,
    ...(host ? { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' } : {}),
    ...(spec.priorityClassName === undefined ? {} : { priorityClassName: spec.priorityClassName }),
    nodeSelector: spec.nodeSelector,
    ...(place.node
      ? {
          affinity: {
            nodeAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: {
                nodeSelectorTerms: [
                  { matchFields: [{ key: 'metadata.name', operator: 'In', values: [place.node.name] }] },
                ],
              },
            },
          },
        }
      : {
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: { [POOL_LABEL]: pool.metadata.name } },
            },
          ],
        }),
    tolerations: [...spec.tolerations, away('node.kubernetes.io/not-ready'), away('node.kubernetes.io/unreachable')],
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 10_001,
      runAsGroup: 10_001,
      fsGroup: 10_001,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    initContainers: [
      {
        name: CONTAINERS.configure,
        image: agentImage,
        ...pull(agentPull),
        command: ['node', `${APP}/services/operator/src/configure-switch.ts`],
        env: [
          { name: SETUP_ENV, value: JSON.stringify(setupOf(source, place)) },
          field('POD_NAME', 'metadata.name'),
          field('POD_IP', 'status.podIP'),
        ],
        volumeMounts: [mount('setup', PATHS.setup), mount('sounds', PATHS.sounds)],
        resources: { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '256Mi' } },
        securityContext: RESTRICTED,
      },
      {
        // A native sidecar: it is there before the switch, and after it.
        name: CONTAINERS.agent,
        restartPolicy: 'Always',
        image: agentImage,
        ...pull(agentPull),
        command: ['node', `--env-file=${PATHS.agentEnv}`, `${APP}/services/switch-agent/src/main.ts`],
        env: [
          field('SWITCH_ID', 'metadata.name'),
          { name: 'NATS_URL', value: platform.natsUrl },
          { name: 'REGION', value: spec.region },
          { name: 'EVENT_KEY', valueFrom: { secretKeyRef: { name: platform.secretName, key: 'EVENT_KEY' } } },
          ...(platform.otlpEndpoint === undefined
            ? []
            : [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: platform.otlpEndpoint }]),
        ],
        ports: [{ name: AGENT_PORT, containerPort: place.ports.agent, protocol: 'TCP' }],
        // Its process answers.
        livenessProbe: { ...agentPage('/livez'), periodSeconds: 5, failureThreshold: 6, timeoutSeconds: 5 },
        // Connected, not full, not draining.
        readinessProbe: { ...agentPage('/serving'), periodSeconds: 1, failureThreshold: 2, timeoutSeconds: 2 },
        volumeMounts: [
          mount('setup', PATHS.setup, true),
          mount('sounds', PATHS.sounds, true),
          mount('journal', PATHS.journal),
          mount('cdr', PATHS.cdr),
        ],
        resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
        securityContext: RESTRICTED,
      },
    ],
    containers: [
      {
        name: CONTAINERS.switch,
        image: spec.switch.image,
        ...pull(spec.switch.imagePullPolicy),
        command: switchCommand(source),
        ports: [
          { name: 'sip', containerPort: place.ports.sip, protocol: 'UDP' },
          { name: 'sip-tcp', containerPort: place.ports.sip, protocol: 'TCP' },
        ],
        // preStop comes before SIGTERM: it drains, and comes back when the last call is over.
        lifecycle: { preStop: { httpGet: { path: '/drain', port: place.ports.agent } } },
        volumeMounts: [
          mount('setup', PATHS.setup, true),
          mount('sounds', PATHS.sounds, true),
          mount('cdr', PATHS.cdr),
          mount('run', PATHS.run),
          mount('tmp', '/tmp'),
        ],
        resources: {
          requests: { ...(cpu > 0 ? { cpu: String(cpu) } : {}), memory: String(memory) },
          limits: { memory: String(memory) },
        },
        securityContext: RESTRICTED,
      },
    ],
    volumes: [
      { name: 'setup', emptyDir: { medium: 'Memory', sizeLimit: '4Mi' } },
      { name: 'sounds', emptyDir: { sizeLimit: '256Mi' } },
      { name: 'journal', emptyDir: { sizeLimit: '2Gi' } },
      { name: 'cdr', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'run', emptyDir: { sizeLimit: '1Gi' } },
      { name: 'tmp', emptyDir: { sizeLimit: '256Mi' } },
    ],
  };
}

const NOWHERE: Place = { ports: { sip: 0, esl: 0, agent: 0, mediaFrom: 0, mediaTo: 0 } };

/** Of image and configuration: two switches of the same revision differ only in name, place and edges known at their birth. */
export function revisionOf(source: Pick<SwitchSource, 'pool' | 'platform'>): string {
  const { spec } = source.pool;
  const pool = { ...source.pool, spec: { ...spec, drainLimitSeconds: 0 } };
  const text = JSON.stringify([podSpec({ ...source, pool, edges: [] }, NOWHERE), spec.network]);
  return createHash('sha256').update(text).digest('hex').slice(0, 10);
}

export interface SwitchPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: Json;
}

/** The Pod of a new switch. It is born protected from eviction: labelling it once it has calls would be too late. */
export function switchPod(source: SwitchSource, name: string, place: Place): SwitchPod {
  const { metadata, spec } = source.pool;
  return {
    metadata: {
      name,
      namespace: metadata.namespace,
      labels: {
        'app.kubernetes.io/name': 'switch',
        'app.kubernetes.io/part-of': 'ringback',
        'app.kubernetes.io/managed-by': 'ringback-operator',
        'ringback.dev/region': spec.region,
        [POOL_LABEL]: metadata.name,
        [REVISION_LABEL]: revisionOf(source),
        [EVICTABLE_LABEL]: 'false',
      },
      annotations: {
        [PORTS_ANNOTATION]: JSON.stringify(place.ports),
        'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
        'karpenter.sh/do-not-disrupt': 'true',
        'kubectl.kubernetes.io/default-container': CONTAINERS.switch,
      },
    },
    spec: podSpec(source, place),
  };
}
