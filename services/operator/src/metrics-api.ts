import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { SwitchPool } from '@ringback/crds';
import type { Logger } from '@ringback/service-kit';
import { type Answer, askedFor, discovery, metricValues } from './domain/external-metrics.ts';
import type { Kube } from './kube/client.ts';
import { KINDS, type KubeObject } from './kube/objects.ts';

/** Where every API server says by which certificates and headers it speaks for its users. */
const AUTHENTICATION = { namespace: 'kube-system', name: 'extension-apiserver-authentication' };
const REVIEW = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
/** An authorisation is asked for again after so long, ms. */
const REVIEW_VALID_MS = 10_000;

interface FrontProxy {
  readonly ca: string;
  /** Common names allowed; any when empty. */
  readonly names: readonly string[];
}

export interface MetricsApi {
  readonly port: number;
  stop(): Promise<void>;
}

/** Serves external.metrics.k8s.io for HorizontalPodAutoscalers, to the API server alone and for users who may ask. */
export async function startMetricsApi(options: {
  readonly listen: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly kube: Kube;
  readonly pools: { list(): SwitchPool[] };
  readonly log: Logger;
}): Promise<MetricsApi> {
  const { kube, log } = options;
  const front = await frontProxy(kube);
  const reviews = new Map<string, { readonly at: number; readonly allowed: Promise<boolean> }>();

  const allowed = (user: string, groups: readonly string[], namespace: string, resource: string): Promise<boolean> => {
    const key = JSON.stringify([user, groups, namespace, resource]);
    const known = reviews.get(key);
    if (known && Date.now() - known.at < REVIEW_VALID_MS) return known.allowed;
    if (reviews.size > 1_000) reviews.clear();
    const resourceAttributes = {
      group: 'external.metrics.k8s.io',
      version: 'v1beta1',
      resource,
      namespace,
      verb: 'get',
    };
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, groups, resourceAttributes },
    };
    const asked = kube
      .send<{ status?: { allowed?: boolean } }>('POST', REVIEW, { body })
      .then((r) => r.status?.allowed === true);
    reviews.set(key, { at: Date.now(), allowed: asked });
    asked.catch(() => reviews.delete(key));
    return asked;
  };

  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const socket = request.socket as TLSSocket;
    const name = socket.authorized ? socket.getPeerCertificate().subject?.CN : undefined;
    const common = Array.isArray(name) ? name[0] : name;
    if (common === undefined || (front.names.length > 0 && !front.names.includes(common))) {
      return {
        status: 401,
        body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 401, reason: 'Unauthorized' },
      };
    }
    const url = new URL(request.url ?? '/', 'https://localhost');
    const page = discovery(url.pathname);
    if (page) return page;
    const asked = askedFor(url.pathname, url.searchParams.get('labelSelector') ?? '');
    if ('body' in asked) return asked;
    const user = request.headers['x-remote-user'];
    // Node joins repeated headers; distinct ones are kept apart here.
    const groups = request.headersDistinct['x-remote-group'] ?? [];
    if (typeof user !== 'string' || !(await allowed(user, groups, asked.namespace, asked.metric))) {
      const message = `${String(user)} may not get ${asked.metric} in ${asked.namespace}`;
      return {
        status: 403,
        body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 403, reason: 'Forbidden', message },
      };
    }
    return metricValues(asked, options.pools.list(), Date.now());
  };

  const server: Server = createServer(
    {
      cert: readFileSync(options.certFile),
      key: readFileSync(options.keyFile),
      ca: front.ca,
      requestCert: true,
      // Refused with an answer, not by a broken handshake: probes of the network have no certificate.
      rejectUnauthorized: false,
    },
    (request, response: ServerResponse) => {
      answer(request).then(
        ({ status, body }) =>
          response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
        (error: unknown) => {
          log.warn({ err: error }, 'a metric could not be told');
          response.writeHead(503).end();
        },
      );
    },
  );
  const colon = options.listen.lastIndexOf(':');
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(options.listen.slice(colon + 1)), options.listen.slice(0, colon), resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @throws when the API server tells no certificate: it then cannot be told from others. */
async function frontProxy(kube: Kube): Promise<FrontProxy> {
  type ConfigMap = KubeObject & { readonly data?: Readonly<Record<string, string>> };
  const found = await kube.get<ConfigMap>(KINDS.ConfigMap, AUTHENTICATION.name, AUTHENTICATION.namespace);
  const ca = found?.data?.['requestheader-client-ca-file'];
  if (ca === undefined || ca === '')
    throw new Error('the API server has no aggregation layer: external metrics cannot be served');
  const names = JSON.parse(found?.data?.['requestheader-allowed-names'] ?? '[]') as string[];
  return { ca, names };
}
