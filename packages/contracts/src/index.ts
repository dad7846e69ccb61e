/**
 * The platform's contracts: gRPC services and messages (generated from proto/), and the subjects and streams of NATS.
 * One namespace a proto package: `sw` (switch commands, events, status), `ivr`, `auth`, `billing`, `dialer`, `common`.
 */
export * as auth from './gen/ringback/auth/v1/auth.ts';
export * as billing from './gen/ringback/billing/v1/billing.ts';
export * as common from './gen/ringback/common/v1/common.ts';
export * as dialer from './dialer.ts';
export * as ivr from './gen/ringback/ivr/v1/ivr.ts';
export * from './subjects.ts';
export * as sw from './switch.ts';
