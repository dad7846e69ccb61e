import { knob } from '@ringback/service-kit';
import { DEFAULT_SETTINGS } from './domain/settings.ts';

/** Every knob of the dialer. */
export const CONFIG = {
  DATABASE_URL: knob.string({ doc: 'PostgreSQL; the dialer owns the schema "dialer"', secret: true }),
  NATS_URL: knob.string({ doc: 'NATS server(s) with JetStream' }),
  EVENT_KEY: knob.secret({
    doc: 'at least 32 characters, the same for every agent: opens the leg events; empty: they are not sealed',
    default: '',
    min: 32,
  }),
  GRPC_LISTEN: knob.address({ doc: 'host:port of the gRPC services' }),
  AUTH_ADDRESS: knob.address({ doc: 'host:port of auth' }),
  BILLING_ADDRESS: knob.address({ doc: 'host:port of billing' }),
  IVR_ADDRESS: knob.address({ doc: 'host:port of ivr' }),
  LEASE_TTL: knob.duration({
    doc: 'after this long without a heartbeat the shards of this process are free',
    default: 5_000,
    min: 1_000,
  }),
  HEARTBEAT: knob.duration({ doc: 'between two heartbeats; well below LEASE_TTL', default: 1_000, min: 100 }),
  MAX_BATCH: knob.integer({ doc: 'most events decided in one commit', default: 1_000, min: 1, max: 10_000 }),
  SWITCH_SILENCE: knob.duration({
    doc: 'after this long without a status a switch gets no new session (it is not taken for dead)',
    default: 3_500,
  }),
  TRIGGER_MAX_AGE: knob.duration({
    doc: 'a trigger older than this is not called back',
    default: DEFAULT_SETTINGS.triggerMaxAgeMs,
  }),
  LEG_A_CHUNK: knob.duration({
    doc: 'leg A alone (prompts) is paid for in pieces of this length',
    default: DEFAULT_SETTINGS.legAChunkMs,
    min: 10_000,
  }),
  QUOTE_CAP: knob.duration({
    doc: "operator's cap on what one quote holds",
    default: DEFAULT_SETTINGS.quoteCapMs,
    min: 10_000,
  }),
  EXTEND_LEAD: knob.duration({
    doc: 'a capped hold is extended this long before its end',
    default: DEFAULT_SETTINGS.extendLeadMs,
  }),
  WARN_LEAD: knob.duration({
    doc: 'the caller is warned this long before the credit ends',
    default: DEFAULT_SETTINGS.warnLeadMs,
  }),
  ANSWER_TIMEOUT: knob.duration({
    doc: 'longest ringing of leg B',
    default: DEFAULT_SETTINGS.answerTimeoutSeconds * 1000,
    min: 5_000,
  }),
  PROGRESS_TIMEOUT: knob.duration({
    doc: 'leg B without any sign of life goes over to the next trunk',
    default: DEFAULT_SETTINGS.progressTimeoutSeconds * 1000,
    min: 1_000,
  }),
  LOST_AFTER: knob.duration({
    doc: 'a leg whose agent is away is taken for lost this long after its paid-for time; its caller cannot be called back before',
    default: DEFAULT_SETTINGS.lostAfterMs,
  }),
  FAILOVER_ON_NO_ROUTE: knob.boolean({
    doc: 'leg B goes over to the next trunk also after "no route to destination" (Q.850 cause 3)',
    default: DEFAULT_SETTINGS.failoverOnNoRoute,
  }),
  OVERDUE: knob.duration({
    doc: 'a leg not heard of this long beyond its time is asked for',
    default: DEFAULT_SETTINGS.overdueMs,
    min: 1_000,
  }),
};
