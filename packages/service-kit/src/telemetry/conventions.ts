/**
 * Ringback's telephony conventions: every attribute that a span or a metric of the platform may carry, and what it may hold.
 * OpenTelemetry has none for telephony; what it has (rpc, db, messaging, error) is used as it is. Code, tests and
 * `docs/telemetry.md` are made of this list; nothing else may be used.
 *
 * No attribute ever holds a caller's or a destination's number, a PIN, digits or a text: each is a closed list, a shape that
 * none of these can have, or a count.
 */

interface AttributeSpec {
  readonly type: 'string' | 'int' | 'boolean';
  /** What it says. */
  readonly means: string;
  /** All values there are, or ever will be without a change here. */
  readonly values?: readonly string[];
  /** Shape of values that are no closed list. */
  readonly shape?: 'uuid' | 'session' | 'name' | 'word' | 'cause' | 'method' | 'subject' | 'own_number';
  /** For the label of a metric without a closed list: what bounds the number of its values. */
  readonly bound?: string;
}

/** What became of a call, as a label: closed for good. */
export const RESULTS = [
  'success',
  'caller_error',
  'busy',
  'no_answer',
  'rejected',
  'unreachable',
  'indeterminate',
  'platform_error',
] as const;

const PHASES = [
  'new',
  'triggered',
  'waiting',
  'reserving_a',
  'calling_a',
  'retrying',
  'answering',
  'talking',
  'dialling_b',
  'connected',
  'ending',
  'ended',
] as const;

/** Bodies of sw.Command. */
const COMMANDS = [
  'originate',
  'answer',
  'play',
  'stopPlay',
  'bridge',
  'hangup',
  'setCutoff',
  'warn',
  'probe',
  'drain',
  'none',
] as const;

/** Bodies of sw.Event. */
const EVENTS = [
  'offered',
  'progress',
  'answered',
  'parked',
  'ended',
  'collected',
  'endCode',
  'cutoffSet',
  'legState',
  'commandFailed',
  'lost',
  'switchLost',
  'triggerAgain',
] as const;

/** What the agent tells its switch: `api` and `bgapi` commands, and applications that are executed. */
export const ESL_COMMANDS = [
  'originate',
  'bridge',
  'playback',
  'park',
  'uuid_answer',
  'uuid_break',
  'uuid_displace',
  'uuid_dump',
  'uuid_exists',
  'uuid_flush_dtmf',
  'uuid_kill',
  'uuid_setvar',
  'sched_hangup',
  'sched_del',
  'bind_digit_action',
  'digit_action_set_realm',
  'clear_digit_action',
  'start_dtmf',
  'fsctl',
  'show',
  'other',
] as const;

export const ATTRIBUTES = {
  // Calls: ours.
  'call.session_id': {
    type: 'string',
    means: 'the callback session; also `session_id` of log lines',
    shape: 'session',
  },
  'call.leg_id': { type: 'string', means: 'one SIP leg: its channel UUID on the switch', shape: 'uuid' },
  'call.leg_role': {
    type: 'string',
    means: 'the missed call, the caller called back (or calling, in direct mode), the destination',
    values: ['trigger', 'a', 'b'],
  },
  'call.command_id': { type: 'string', means: 'a command to a switch: its idempotency key', shape: 'uuid' },
  'call.command': { type: 'string', means: 'what a switch is told (body of sw.Command)', values: COMMANDS },
  'call.command_status': {
    type: 'string',
    means: "the agent's answer to a command",
    values: [
      'STATUS_UNSPECIFIED',
      'STATUS_ACCEPTED',
      'STATUS_DUPLICATE',
      'STATUS_STALE_EPOCH',
      'STATUS_TOO_LATE',
      'STATUS_INVALID',
      'STATUS_UNAVAILABLE',
      'UNRECOGNIZED',
    ],
  },
  'call.event': { type: 'string', means: 'what a switch told of a leg (body of sw.Event)', values: EVENTS },
  'call.step': {
    type: 'string',
    means: 'what moved a session: `leg:<event>`, `timer:<name>`, the answer to a question, `gave_up:<effect>`',
    shape: 'word',
    bound: 'the rows of the transition table',
  },
  'call.phase_from': { type: 'string', means: "a session's phase before a step", values: PHASES },
  'call.phase_to': { type: 'string', means: "a session's phase after a step", values: PHASES },
  'call.question': {
    type: 'string',
    means: 'what a session asks auth, billing or ivr',
    values: ['identify', 'verify_pin', 'resolve', 'balance', 'reserve', 'settle', 'dialogue'],
  },
  'call.attempt': { type: 'int', means: 'which attempt at an effect that is owed, from 1' },
  'call.result': { type: 'string', means: 'what became of a call or a session', values: RESULTS },
  'call.cause': {
    type: 'string',
    means: "why a leg ended: the switch's cause name (switch_cause in FreeSWITCH's switch_types.h)",
    shape: 'cause',
  },
  'call.q850': { type: 'int', means: 'why a leg ended: ITU-T Q.850 cause' },
  'call.cut_off': { type: 'boolean', means: 'the switch ended the leg when its paid-for time was over' },
  'call.trunk_id': {
    type: 'string',
    means: 'the trunk a leg came in or went out by; empty: none',
    shape: 'name',
    bound: 'the trunks the operator has made',
  },
  'call.switch_id': {
    type: 'string',
    means: 'the switch a leg lives on',
    shape: 'name',
    bound: 'the switches of the installation',
  },
  'call.access_number': {
    type: 'string',
    means: 'the access number of the session: a number of our own, never a caller’s. Metrics only',
    shape: 'own_number',
    bound: 'the access numbers the operator has made',
  },

  // SIP: ours.
  'sip.method': { type: 'string', means: 'SIP method that made the leg', values: ['INVITE'] },
  'sip.hop': { type: 'string', means: 'where on its way the INVITE is', values: ['edge', 'switch'] },
  'sip.status_code': {
    type: 'int',
    means: 'final SIP status of the INVITE; 0: none came (lost, or ended before)',
    bound: 'the status codes of RFC 3261 and its extensions; others are told as x99 of their class',
  },
  'sip.early_media': { type: 'boolean', means: 'a 183 with media came before the answer' },
  'sip.registration_state': {
    type: 'string',
    means: 'whether a registrar has us bound',
    values: ['registered', 'not_registered'],
  },
  'sip.dispatcher_state': {
    type: 'string',
    means: "a switch's state in the edge's dispatcher",
    values: ['active', 'inactive', 'trying', 'disabled'],
  },
  'sip.edge_outcome': {
    type: 'string',
    means: 'what became of a request at the edge: the counters of its configuration',
    shape: 'word',
    bound: 'the statistics declared in kamailio.cfg',
  },

  // The event socket: ours.
  'esl.command': { type: 'string', means: 'command or application the switch was told', values: ESL_COMMANDS },
  'esl.mode': { type: 'string', means: 'how it was told', values: ['api', 'bgapi', 'execute'] },

  // Services: ours.
  'billing.question': {
    type: 'string',
    means: 'what billing was asked',
    values: ['reserve', 'settle', 'getBalance', 'nothing'],
  },
  'billing.outcome': {
    type: 'string',
    means: 'how billing answered: outcome of its response, or code of the refusal',
    shape: 'word',
    bound: 'the enumerations of billing.proto and the codes of gRPC',
  },
  'ivr.event': {
    type: 'string',
    means: 'what moved the dialogue (event of ivr.StepRequest)',
    shape: 'word',
    bound: 'the events of ivr.proto',
  },

  // OpenTelemetry's own, as its semantic conventions (1.45) define them.
  'rpc.system.name': { type: 'string', means: 'RPC system', values: ['grpc'] },
  'rpc.method': {
    type: 'string',
    means: 'service and method; a question in a batch counts as the unary method it stands for',
    shape: 'method',
    bound: 'the methods of proto/',
  },
  'rpc.response.status_code': {
    type: 'string',
    means: 'gRPC status by name',
    values: [
      'OK',
      'CANCELLED',
      'UNKNOWN',
      'INVALID_ARGUMENT',
      'DEADLINE_EXCEEDED',
      'NOT_FOUND',
      'ALREADY_EXISTS',
      'PERMISSION_DENIED',
      'RESOURCE_EXHAUSTED',
      'FAILED_PRECONDITION',
      'ABORTED',
      'OUT_OF_RANGE',
      'UNIMPLEMENTED',
      'INTERNAL',
      'UNAVAILABLE',
      'DATA_LOSS',
      'UNAUTHENTICATED',
    ],
  },
  'db.system.name': { type: 'string', means: 'database', values: ['postgresql'] },
  'db.namespace': { type: 'string', means: 'schema', values: ['auth', 'billing', 'dialer', 'sms'] },
  'db.operation.name': {
    type: 'string',
    means: 'first word of the statement, or what the transaction is for',
    shape: 'word',
  },
  'db.operation.batch.size': { type: 'int', means: 'sessions or questions of one transaction' },
  'messaging.system': { type: 'string', means: 'the bus', values: ['nats'] },
  'messaging.operation.name': {
    type: 'string',
    means: 'what is done with a message',
    values: ['publish', 'request', 'process'],
  },
  'messaging.operation.type': { type: 'string', means: 'the same in general words', values: ['send', 'process'] },
  'messaging.destination.name': { type: 'string', means: 'subject', shape: 'subject' },
  'messaging.destination.template': {
    type: 'string',
    means: 'subject with its variable parts in braces',
    values: ['switch.{switch}.command', 'event.{shard}.{switch}', 'fact.session.{shard}'],
  },
  'messaging.batch.message_count': { type: 'int', means: 'events of one message' },
  'error.type': {
    type: 'string',
    means: 'code or class of the error; its text is for the log',
    shape: 'word',
    bound: 'the error classes of the code',
  },
} as const satisfies Record<string, AttributeSpec>;

export type AttributeName = keyof typeof ATTRIBUTES;

/** What an attribute may hold. */
export type AttributeValue<A extends AttributeName> = (typeof ATTRIBUTES)[A] extends { values: readonly (infer V)[] }
  ? V
  : (typeof ATTRIBUTES)[A]['type'] extends 'int'
    ? number
    : (typeof ATTRIBUTES)[A]['type'] extends 'boolean'
      ? boolean
      : string;

/** Attributes of a span: no other names, no other values. */
export type SpanAttributes = { [A in AttributeName]?: AttributeValue<A> };

type Shape = NonNullable<AttributeSpec['shape']>;

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

/** No shape but that of our own numbers (metrics only) and of ids leaves room for seven digits in a row. */
const SHAPES: Record<Shape, RegExp> = {
  uuid: new RegExp(`^${UUID}$`, 'i'),
  session: new RegExp(`^\\d{2}-${UUID}$`),
  name: /^(?!.*\d{7})[A-Za-z0-9_.-]{0,64}$/,
  word: /^(?!.*\d{7})[A-Za-z][A-Za-z0-9_]{0,62}(:[A-Za-z_]{1,40})?$/,
  cause: /^(?!.*\d{7})([A-Z][A-Z0-9_]{0,60})?$/,
  method: /^[a-z0-9.]+\.[A-Za-z]+\/[A-Za-z]+$/,
  subject: /^(?!.*\d{7})[a-z]+(\.[A-Za-z0-9_-]{1,64})+$/,
  own_number: /^(\+\d{3,15})?$/,
};

/** What is wrong with an attribute of a span or a metric; undefined: nothing. */
export function attributeProblem(name: string, value: unknown): string | undefined {
  const spec: AttributeSpec | undefined = ATTRIBUTES[name as AttributeName];
  if (!spec) return `${name} is not in the conventions`;
  if (spec.type === 'int') return Number.isSafeInteger(value) ? undefined : `${name} is no whole number`;
  if (spec.type === 'boolean') return typeof value === 'boolean' ? undefined : `${name} is no boolean`;
  if (typeof value !== 'string') return `${name} is no string`;
  if (spec.values) return spec.values.includes(value) ? undefined : `${name} has a value that is not listed`;
  return spec.shape && SHAPES[spec.shape].test(value) ? undefined : `${name} has a value of another shape`;
}

/** Class of an error for `error.type`: its code where it has one; never its text, which may quote what it is about. */
export function errorType(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return `SQLSTATE_${code}`;
  const found = typeof code === 'string' ? code : error.name;
  return SHAPES.word.test(found) ? found : 'Error';
}
