import { API_VERSION } from '@ringback/crds';

/** Any object of Kubernetes, as far as the operator handles it in general. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Metadata;
}

export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** What a request path needs to know of a kind. */
export interface Kind {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const kind = (apiVersion: string, name: string, plural: string, namespaced = true): Kind => ({
  apiVersion,
  kind: name,
  plural,
  namespaced,
});

export const KINDS = {
  SwitchPool: kind(API_VERSION, 'SwitchPool', 'switchpools'),
  SipEdge: kind(API_VERSION, 'SipEdge', 'sipedges'),
  Trunk: kind(API_VERSION, 'Trunk', 'trunks'),
  AccessNumber: kind(API_VERSION, 'AccessNumber', 'accessnumbers'),
  Pod: kind('v1', 'Pod', 'pods'),
  Node: kind('v1', 'Node', 'nodes', false),
  Secret: kind('v1', 'Secret', 'secrets'),
  ConfigMap: kind('v1', 'ConfigMap', 'configmaps'),
  Event: kind('v1', 'Event', 'events'),
  Deployment: kind('apps/v1', 'Deployment', 'deployments'),
  Lease: kind('coordination.k8s.io/v1', 'Lease', 'leases'),
  PodDisruptionBudget: kind('policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets'),
} as const;

/** Path of a kind's objects; of all namespaces without one. */
export function collectionPath({ apiVersion, plural, namespaced }: Kind, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const inside = namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  return `${root}${inside}/${plural}`;
}

export function objectPath(
  of: Kind,
  { namespace, name }: { readonly namespace?: string; readonly name: string },
): string {
  return `${collectionPath(of, namespace)}/${encodeURIComponent(name)}`;
}

/** The object that owns others: they go when it goes. */
export function ownerOf(of: Kind, { metadata }: KubeObject): OwnerReference {
  return {
    apiVersion: of.apiVersion,
    kind: of.kind,
    name: metadata.name,
    uid: metadata.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}
