import type { AttributeName } from './conventions.ts';

interface MetricSpec {
  readonly kind: 'counter' | 'histogram' | 'gauge' | 'observed_counter';
  /** UCUM; `{…}` is an annotation and not told to Prometheus, `s` becomes the suffix `_seconds`. */
  readonly unit: string;
  readonly means: string;
  readonly attributes: readonly AttributeName[];
  /** Upper bounds of a histogram's buckets, in its unit. */
  readonly buckets?: readonly number[];
  /** Services that tell it. */
  readonly by: string;
}

/** What a caller or a machine waits for: 1 ms to 10 s. */
const QUICK = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** What somebody at a telephone waits for: up to the longest ringing. */
const HUMAN = [0.25, 0.5, 1, 2, 3, 4, 5, 6, 8, 11, 15, 20, 30, 60];

/** Every metric of the platform. Each also has the labels `service_name` and, where one is set, `cloud_region`. */
export const METRICS = {
  // Requests, errors, durations of every service.
  'rpc.server.call.duration': {
    kind: 'histogram',
    unit: 's',
    means: 'gRPC calls and questions served: how many, how they ended, how long they took',
    attributes: ['rpc.system.name', 'rpc.method', 'rpc.response.status_code'],
    buckets: QUICK,
    by: 'auth, billing, dialer, ivr',
  },
  'messaging.process.duration': {
    kind: 'histogram',
    unit: 's',
    means: 'commands taken from NATS: how many, how they were answered, how long that took',
    attributes: ['messaging.system', 'messaging.destination.template', 'call.command', 'call.command_status'],
    buckets: QUICK,
    by: 'switch-agent',
  },

  // Calls, counted when their facts are committed.
  'ringback.call.started': {
    kind: 'counter',
    unit: '{call}',
    means: 'legs begun: triggers that came in, INVITEs that are to go out. Its rate is calls per second',
    attributes: ['call.leg_role', 'call.trunk_id', 'call.access_number'],
    by: 'dialer',
  },
  'ringback.call.attempts': {
    kind: 'counter',
    unit: '{call}',
    means: 'legs A and B that were dialled (or answered) and are over, by result; triggers are not among them',
    attributes: ['call.leg_role', 'call.trunk_id', 'call.access_number', 'call.result'],
    by: 'dialer',
  },
  'ringback.call.answered_time': {
    kind: 'counter',
    unit: 's',
    means: 'time that legs A and B were answered, added when they are over',
    attributes: ['call.leg_role', 'call.trunk_id', 'call.access_number'],
    by: 'dialer',
  },
  'ringback.call.up': {
    kind: 'gauge',
    unit: '{call}',
    means: 'legs that are answered now',
    attributes: ['call.leg_role', 'call.trunk_id', 'call.access_number'],
    by: 'dialer',
  },
  'ringback.call.post_dial_delay': {
    kind: 'histogram',
    unit: 's',
    means: 'INVITE sent to first 180, 183 or answer (E.721 post-selection delay; RFC 6076 session request delay)',
    attributes: ['call.leg_role', 'call.trunk_id'],
    buckets: HUMAN,
    by: 'dialer',
  },
  'ringback.sip.final_responses': {
    kind: 'counter',
    unit: '{response}',
    means: 'final answers to INVITEs of legs A and B, for SER and SEER (RFC 6076)',
    attributes: ['call.leg_role', 'call.trunk_id', 'sip.status_code'],
    by: 'dialer',
  },
  'ringback.callback.trigger_to_invite': {
    kind: 'histogram',
    unit: 's',
    means: 'end of the last trigger call to the first INVITE of leg A, by the switch’s clock',
    attributes: ['call.access_number'],
    buckets: HUMAN,
    by: 'dialer',
  },
  'ringback.callback.lateness': {
    kind: 'histogram',
    unit: 's',
    means: 'punctuality: how long after the wanted moment the first INVITE of leg A went out (0: on time)',
    attributes: ['call.access_number'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 120],
    by: 'dialer',
  },
  'ringback.callback.answer_to_prompt': {
    kind: 'histogram',
    unit: 's',
    means: 'answer of leg A to the first prompt being played',
    attributes: ['call.trunk_id'],
    buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10],
    by: 'switch-agent',
  },
  'ringback.session.ended': {
    kind: 'counter',
    unit: '{session}',
    means: 'sessions that are over, by result',
    attributes: ['call.access_number', 'call.result'],
    by: 'dialer',
  },

  // The dialer's loop.
  'ringback.dialer.events': {
    kind: 'counter',
    unit: '{event}',
    means: 'inputs decided and committed',
    attributes: [],
    by: 'dialer',
  },
  'ringback.dialer.commit': {
    kind: 'histogram',
    unit: 's',
    means: 'one batch: decide and commit',
    attributes: [],
    buckets: QUICK,
    by: 'dialer',
  },
  'ringback.dialer.parked_events': {
    kind: 'counter',
    unit: '{event}',
    means: 'events that no session could take; an operator looks at them',
    attributes: [],
    by: 'dialer',
  },
  'ringback.dialer.open_sessions': {
    kind: 'gauge',
    unit: '{session}',
    means: 'sessions open in this process',
    attributes: [],
    by: 'dialer',
  },
  'ringback.dialer.shards': {
    kind: 'gauge',
    unit: '{shard}',
    means: 'shards this process owns; the sum over all dialers must be 64',
    attributes: [],
    by: 'dialer',
  },

  // Switches.
  'ringback.switch.legs': {
    kind: 'gauge',
    unit: '{call}',
    means: 'legs that live on the switch',
    attributes: ['call.switch_id'],
    by: 'switch-agent',
  },
  'ringback.switch.max_legs': {
    kind: 'gauge',
    unit: '{call}',
    means: 'legs the switch may have at once',
    attributes: ['call.switch_id'],
    by: 'switch-agent',
  },
  'ringback.switch.draining': {
    kind: 'gauge',
    unit: '{switch}',
    means: '1 while it takes no new session',
    attributes: ['call.switch_id'],
    by: 'switch-agent',
  },
  'ringback.switch.connected': {
    kind: 'gauge',
    unit: '{switch}',
    means: '1 while its event socket answers',
    attributes: ['call.switch_id'],
    by: 'switch-agent',
  },
  'ringback.switch.commands': {
    kind: 'counter',
    unit: '{command}',
    means: 'commands by kind and answer',
    attributes: ['call.switch_id', 'call.command', 'call.command_status'],
    by: 'switch-agent',
  },
  'ringback.switch.events': {
    kind: 'counter',
    unit: '{event}',
    means: 'events told, by kind',
    attributes: ['call.switch_id', 'call.event'],
    by: 'switch-agent',
  },
  'ringback.switch.journal_flush': {
    kind: 'histogram',
    unit: 's',
    means: 'one write to the journal, to the disk',
    attributes: [],
    buckets: QUICK,
    by: 'switch-agent',
  },

  // The bus.
  'ringback.bus.consumer_lag': {
    kind: 'gauge',
    unit: '{message}',
    means: 'messages of the event stream that this process has not read yet',
    attributes: [],
    by: 'dialer',
  },
  'ringback.bus.redeliveries': {
    kind: 'counter',
    unit: '{event}',
    means: 'events read again that were applied before (they change nothing)',
    attributes: [],
    by: 'dialer',
  },
  'ringback.bus.republish_requests': {
    kind: 'counter',
    unit: '{request}',
    means: 'sources asked to publish again: a gap in their numbers, or a stream that lost its tail',
    attributes: [],
    by: 'dialer',
  },
  'ringback.bus.unconfirmed_events': {
    kind: 'gauge',
    unit: '{event}',
    means: 'events in the journal that PostgreSQL has not confirmed',
    attributes: ['call.switch_id'],
    by: 'switch-agent',
  },
  'ringback.bus.publish_retries': {
    kind: 'counter',
    unit: '{message}',
    means: 'messages that JetStream did not take at once',
    attributes: ['call.switch_id'],
    by: 'switch-agent',
  },

  // Money.
  'ringback.billing.questions': {
    kind: 'counter',
    unit: '{question}',
    means: 'answers by kind and outcome',
    attributes: ['billing.question', 'billing.outcome'],
    by: 'billing',
  },
  'ringback.billing.batch.size': {
    kind: 'histogram',
    unit: '{question}',
    means: 'questions of one transaction',
    attributes: [],
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500],
    by: 'billing',
  },
  'ringback.billing.batch.duration': {
    kind: 'histogram',
    unit: 's',
    means: 'one transaction',
    attributes: [],
    buckets: QUICK,
    by: 'billing',
  },
  'ringback.billing.holds.open': {
    kind: 'gauge',
    unit: '{hold}',
    means: 'pending holds',
    attributes: [],
    by: 'billing',
  },
  'ringback.billing.holds.oldest': {
    kind: 'gauge',
    unit: 's',
    means: 'age of the oldest pending hold; 0: there is none',
    attributes: [],
    by: 'billing',
  },
  'ringback.billing.legs.unsettled': {
    kind: 'gauge',
    unit: '{leg}',
    means: 'pending holds whose paid-for time is over',
    attributes: [],
    by: 'billing',
  },
  'ringback.billing.ledger.imbalance_micros': {
    kind: 'gauge',
    unit: '{micro-unit}',
    means: 'sum of all entries, added up over currencies: must be 0',
    attributes: [],
    by: 'billing',
  },
  'ringback.billing.ledger.problems': {
    kind: 'gauge',
    unit: '{problem}',
    means: 'what the last check of the whole ledger found (balances that differ from their entries, …): must be 0',
    attributes: [],
    by: 'billing',
  },

  // The edge.
  'ringback.edge.ready': {
    kind: 'gauge',
    unit: '{edge}',
    means: '1 when Kamailio knows all it should',
    attributes: [],
    by: 'edge-agent',
  },
  'ringback.edge.switches': {
    kind: 'gauge',
    unit: '{switch}',
    means: 'switches the edge knows, by state',
    attributes: ['sip.dispatcher_state'],
    by: 'edge-agent',
  },
  'ringback.edge.transactions': {
    kind: 'gauge',
    unit: '{transaction}',
    means: 'SIP transactions Kamailio holds',
    attributes: [],
    by: 'edge-agent',
  },
  'ringback.edge.registrations': {
    kind: 'gauge',
    unit: '{registration}',
    means: 'registrations at carriers that this edge keeps while it holds the lease, by whether they are bound',
    attributes: ['sip.registration_state'],
    by: 'edge-agent',
  },
  'ringback.edge.requests': {
    kind: 'observed_counter',
    unit: '{request}',
    means: 'what became of requests',
    attributes: ['sip.edge_outcome'],
    by: 'edge-agent',
  },
} as const satisfies Record<string, MetricSpec>;

export type MetricName = keyof typeof METRICS;
