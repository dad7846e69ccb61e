import type { Json, Schema } from './schema.ts';

export const GROUP = 'ringback.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

/** A column of `kubectl get`. */
export interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Shown only with `-o wide`. */
  readonly wide?: boolean;
}

/** A kind of resource: all that is said of it anywhere. */
export interface Definition<Spec = unknown, Status = unknown> {
  readonly kind: string;
  readonly plural: string;
  readonly shortNames: readonly string[];
  /** Most characters of `metadata.name`, and no dot in it: names of Pods and ids inside the platform are made from it. */
  readonly longestName: number;
  /** What it is for; the first paragraph of its reference. */
  readonly doc: string;
  readonly spec: Schema<Spec>;
  readonly status: Schema<Status>;
  readonly columns: readonly Column[];
  /** Paths of the scale subresource. */
  readonly scale?: { readonly spec: string; readonly status: string; readonly selector: string };
  /** A whole resource that the API server takes, for the reference. */
  readonly example: { readonly name: string; readonly spec: Json };
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly generation: number;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A resource as the API server gives it. */
export interface Resource<Spec, Status> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly spec: Spec;
  readonly status?: Status;
}
