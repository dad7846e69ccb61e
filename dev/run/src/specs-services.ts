import { join } from 'node:path';
import type { ProcessSpec } from './child.ts';
import type { Secrets } from './files.ts';
import type { Layout, ServiceName } from './layout.ts';
import { httpReady } from './probes.ts';
import { natsUrl, postgresUrl } from './specs-stores.ts';

/** Decks of the demonstration: what accounts pay, and what calls to unknown callers cost the operator. */
export const DEMO_DECK = 'demo';

/** Where every service tells of itself besides, as this run was told. */
export function telemetryEnv(): Record<string, string> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT = '', REGION = '' } = process.env;
  return {
    ...(OTEL_EXPORTER_OTLP_ENDPOINT === '' ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT }),
    ...(REGION === '' ? {} : { REGION }),
  };
}

/** One of the gRPC services; `name` is its process where several run. */
export function serviceSpec(
  layout: Layout,
  secrets: Secrets,
  kind: ServiceName,
  env: Record<string, string> = {},
  name: string = kind,
): ProcessSpec {
  const http = layout.http[name]!;
  const own: Record<ServiceName, Record<string, string>> = {
    auth: { SEALING_KEY_SECRET: secrets.sealingKeySecret },
    billing: { LOSS_BUDGET_DECK: DEMO_DECK, VOUCHER_KEY: secrets.voucherKey },
    ivr: {},
    dialer: {
      AUTH_ADDRESS: layout.grpc.auth,
      BILLING_ADDRESS: layout.grpc.billing,
      IVR_ADDRESS: layout.grpc.ivr,
      EVENT_KEY: secrets.eventKey,
    },
  };
  return {
    name,
    command: layout.node,
    args: [join(layout.root, `services/${kind}/src/main.ts`)],
    env: {
      ...(kind === 'ivr' ? {} : { DATABASE_URL: postgresUrl(layout, secrets) }),
      NATS_URL: natsUrl(layout, secrets),
      GRPC_LISTEN: layout.grpc[name]!,
      HTTP_LISTEN: http,
      ...telemetryEnv(),
      ...own[kind],
      ...env,
    },
    log: layout.dir('logs', `${name}.log`),
    ready: () => httpReady(http),
  };
}
