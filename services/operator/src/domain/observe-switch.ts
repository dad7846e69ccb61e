import type { KubeObject } from '../kube/objects.ts';
import type { NodeView, Occupied, SwitchPorts } from './ports.ts';
import {
  CONTAINERS,
  DRAIN_REASON_ANNOTATION,
  DRAIN_SINCE_ANNOTATION,
  PORTS_ANNOTATION,
  REVISION_LABEL,
} from './switch-pod.ts';
import type { DrainReason, Report, SwitchView } from './switches.ts';

interface ContainerStatus {
  readonly name: string;
  readonly state?: { readonly terminated?: { readonly finishedAt?: string } };
}

export interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime?: string;
    }[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
  };
}

export interface Node extends KubeObject {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: {
    readonly addresses?: readonly { readonly type: string; readonly address: string }[];
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const ms = (time: string | undefined): number | undefined => (time === undefined ? undefined : Date.parse(time));

/**
 * Whether it was ever ready: a condition that never became true still has the time of the Pod's birth, before its first
 * container was done; one that became false later has a later time.
 */
function everReady(pod: Pod): boolean {
  const ready = pod.status?.conditions?.find((c) => c.type === 'Ready');
  if (ready?.status === 'True') return true;
  const configured = pod.status?.initContainerStatuses?.find((c) => c.name === CONTAINERS.configure);
  const done = ms(configured?.state?.terminated?.finishedAt);
  const changed = ms(ready?.lastTransitionTime);
  return done !== undefined && changed !== undefined && changed > done;
}

/** A switch as a Pod shows it, with what its agent said last. */
export function switchView(pod: Pod, report: Report | undefined, cordoned: ReadonlySet<string>): SwitchView {
  const { metadata, status } = pod;
  const ready = status?.conditions?.find((c) => c.type === 'Ready');
  const createdAt = ms(metadata.creationTimestamp) ?? 0;
  const since = ms(metadata.annotations?.[DRAIN_SINCE_ANNOTATION]);
  const reason = metadata.annotations?.[DRAIN_REASON_ANNOTATION] as DrainReason | undefined;
  const node = pod.spec?.nodeName;
  return {
    name: metadata.name,
    revision: metadata.labels?.[REVISION_LABEL] ?? '',
    createdAt,
    ...(node === undefined ? {} : { node }),
    nodeCordoned: node !== undefined && cordoned.has(node),
    over: status?.phase === 'Succeeded' || status?.phase === 'Failed',
    terminating: metadata.deletionTimestamp !== undefined,
    ready: ready?.status === 'True' && metadata.deletionTimestamp === undefined,
    readyChangedAt: ms(ready?.lastTransitionTime) ?? createdAt,
    served: everReady(pod) || (report?.calls ?? 0) > 0,
    ...(since === undefined || Number.isNaN(since) ? {} : { drain: { since, reason: reason ?? 'Requested' } }),
    ...(report ? { report } : {}),
  };
}

/** Ports of the Pods that use their node's network; also of those not yet scheduled, which are meant for a node. */
export function occupiedPorts(pods: readonly Pod[]): Occupied[] {
  return pods.flatMap((pod) => {
    const spec = pod.spec as { hostNetwork?: boolean; nodeName?: string; affinity?: unknown } | undefined;
    const text = pod.metadata.annotations?.[PORTS_ANNOTATION];
    if (spec?.hostNetwork !== true || text === undefined) return [];
    const meant = /"values":\["([^"]+)"\]/.exec(JSON.stringify(spec.affinity ?? {}))?.[1];
    const node = spec.nodeName ?? meant;
    return node === undefined ? [] : [{ node, ports: JSON.parse(text) as SwitchPorts }];
  });
}

/** A node, and whether it may run switches with these labels. */
export function nodeView(node: Node, selector: Readonly<Record<string, string>>): NodeView {
  const address = (type: string) => node.status?.addresses?.find((a) => a.type === type)?.address;
  const labels = node.metadata.labels ?? {};
  const ready = node.status?.conditions?.find((c) => c.type === 'Ready')?.status === 'True';
  const [internalIp, externalIp] = [address('InternalIP'), address('ExternalIP')];
  return {
    name: node.metadata.name,
    ...(internalIp === undefined ? {} : { internalIp }),
    ...(externalIp === undefined ? {} : { externalIp }),
    usable:
      ready &&
      node.spec?.unschedulable !== true &&
      node.metadata.deletionTimestamp === undefined &&
      Object.entries(selector).every(([name, value]) => labels[name] === value),
  };
}
