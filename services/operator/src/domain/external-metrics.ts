import type { SwitchPool } from '@ringback/crds';

const GROUP_VERSION = 'external.metrics.k8s.io/v1beta1';
const ROOT = `/apis/${GROUP_VERSION}`;
const POOL_LABEL = 'ringback.dev/pool';

/** What an autoscaler may ask for, of each pool. */
export const EXTERNAL_METRICS: Readonly<Record<string, (status: NonNullable<SwitchPool['status']>) => number>> = {
  ringback_pool_calls: (status) => status.calls ?? 0,
  ringback_pool_calls_per_second: (status) => status.callsPerSecond ?? 0,
  ringback_pool_utilisation_percent: (status) => status.utilisation ?? 0,
};

export interface Answer {
  readonly status: number;
  readonly body: object;
}

/** What is asked for, in the words of an authorisation. */
export interface Asked {
  readonly namespace: string;
  readonly metric: string;
  readonly pool: string | undefined;
}

function failure(code: number, reason: string, message: string): Answer {
  return { status: code, body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message } };
}

/** The group's page, which the API server itself looks at; undefined for other paths. */
export function discovery(path: string): Answer | undefined {
  if (path !== ROOT && path !== `${ROOT}/`) return undefined;
  const resources = Object.keys(EXTERNAL_METRICS).map((name) => ({
    name,
    singularName: '',
    namespaced: true,
    kind: 'ExternalMetricValueList',
    verbs: ['get'],
  }));
  return { status: 200, body: { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: GROUP_VERSION, resources } };
}

/** Reads a request for a metric; an answer where it is none that can be answered. */
export function askedFor(path: string, selector: string): Asked | Answer {
  const match = new RegExp(`^${ROOT}/namespaces/([a-z0-9-]+)/([a-z0-9_]+)$`).exec(path);
  if (!match) return failure(404, 'NotFound', 'there is no such page');
  const [, namespace = '', metric = ''] = match;
  if (!Object.hasOwn(EXTERNAL_METRICS, metric)) return failure(404, 'NotFound', `there is no metric ${metric}`);
  if (selector === '') return { namespace, metric, pool: undefined };
  const pool = new RegExp(`^${POOL_LABEL}={1,2}([a-z0-9-]+)$`).exec(selector)?.[1];
  if (pool === undefined)
    return failure(400, 'BadRequest', `the selector must be ${POOL_LABEL}=<pool>, not ${selector}`);
  return { namespace, metric, pool };
}

/** Values of a metric. A pool whose status says nothing yet has none: an autoscaler then leaves it alone. */
export function metricValues({ namespace, metric, pool }: Asked, pools: readonly SwitchPool[], now: number): Answer {
  const items = pools
    .filter((p) => p.metadata.namespace === namespace && (pool === undefined || p.metadata.name === pool))
    .flatMap(({ metadata, status }) => {
      const value = EXTERNAL_METRICS[metric];
      if (!status || !value) return [];
      return [
        {
          metricName: metric,
          metricLabels: { [POOL_LABEL]: metadata.name },
          timestamp: new Date(now).toISOString(),
          value: String(value(status)),
        },
      ];
    });
  return { status: 200, body: { kind: 'ExternalMetricValueList', apiVersion: GROUP_VERSION, metadata: {}, items } };
}
