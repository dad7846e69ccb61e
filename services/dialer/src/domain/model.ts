import type { sw } from '@ringback/contracts';

/** Everything a session knows. Plain JSON; times are epoch µs, durations µs unless a name says otherwise. */
export interface Session {
  phase: Phase;
  /** Number called back (E.164 with +), or the trigger leg's id when there is none. */
  key: string;
  /** E.164 with +, or empty (hidden). */
  callerId: string;
  /** W3C traceparent of the trigger: parent of everything the session does. */
  traceparent: string;
  access: AccessPolicy;
  trusted: boolean;
  account: Account | undefined;
  authorised: boolean;
  payer: 'account' | 'loss_budget';
  /** Why it will not be called back, once known. */
  refusal: string;
  identified: boolean;
  firstTriggerUs: number;
  lastTriggerEndUs: number;
  busyTries: number;
  noAnswerTries: number;
  legs: Leg[];
  /** Ids of the current legs, or empty. */
  a: string;
  b: string;
  /** A is back from a bridge (or never was in one). */
  aParked: boolean;
  /** Money is held until here, and by what it is limited. */
  paidUntilUs: number;
  capped: boolean;
  balance: { micros: string; currency: string } | undefined;
  dialogue: Dialogue | undefined;
  pin: SealedPin | undefined;
  destination: Destination | undefined;
  result: Result;
  reason: string;
}

export type Phase =
  | 'triggered'
  | 'waiting'
  | 'reserving_a'
  | 'calling_a'
  | 'retrying'
  | 'answering'
  | 'talking'
  | 'dialling_b'
  | 'connected'
  | 'ending';

export type Result =
  | 'success'
  | 'caller_error'
  | 'busy'
  | 'no_answer'
  | 'rejected'
  | 'unreachable'
  | 'indeterminate'
  | 'platform_error'
  | 'cancelled'
  | 'refused';

/** An access number's settings as they stood when the session began. */
export interface AccessPolicy {
  number: string;
  mode: 'callback' | 'direct';
  language: string;
  unknownCallers: 'refuse' | 'ask';
  rejectCause: string;
  callbackDelayMs: number;
  confirm: boolean;
  endCode: string;
  busyRetrySeconds: number[];
  noAnswerRetrySeconds: number[];
  coolDownSeconds: number;
  shownCallerId: string;
  answerTimeoutSeconds: number;
  callBackAfterSwitchLoss: boolean;
}

export interface Account {
  number: string;
  country: string;
  language: string;
}

export interface Leg {
  id: string;
  role: 'trigger' | 'a' | 'b';
  inbound: boolean;
  switchId: string;
  trunkId: string;
  /** Far end, E.164 with +. */
  number: string;
  attempt: number;
  status: 'new' | 'ringing' | 'dialling' | 'up' | 'ended';
  /** Commands sent to it so far. */
  commands: number;
  createdUs: number;
  progressUs: number;
  answeredUs: number;
  endedUs: number;
  cutoffAtUs: number;
  /** By all that its switch was told it ends by itself until here, heard of or not. */
  mayLiveUntilUs: number;
  cause: string;
  q850: number;
  sipStatus: number;
  disposition: string;
  /** The switch ended it at its cut-off. */
  cutOff: boolean;
  /** Why the platform ended it, or empty. */
  endedBy: '' | 'end_code' | 'caller_left' | 'operator' | 'dialogue' | 'duplicate';
  settlement: 'none' | 'owed' | 'done';
  result: Result | '';
  reason: string;
}

export interface Dialogue {
  /** State of ivr, opaque here. */
  state: string;
  /** Id of the Play command whose end is awaited, or empty. */
  playing: string;
  /** The Play command, to be sent again when the agent forgot it. */
  play: PlayBody | undefined;
  /** What follows the prompts. */
  follow: Then;
}

export type Then =
  | { kind: 'nothing' }
  | { kind: 'collected' }
  | { kind: 'verify_pin'; accountNumber: string }
  | { kind: 'destination'; digits: string }
  | { kind: 'balance' }
  | { kind: 'played' }
  | { kind: 'goodbye'; result: string }
  | { kind: 'dial' };

export interface SealedPin {
  keyId: string;
  /** base64 */
  ephemeralPublicKey: string;
  ciphertext: string;
  account: string;
  commandId: string;
  legId: string;
}

export interface Destination {
  number: string;
  /** Trunks not tried yet. */
  trunks: string[];
  maxUs: number;
  /** Longest ringing that the hold of leg A allows for. */
  leadUs: number;
  attempt: number;
}

export interface DialBody {
  toUser: string;
  gateway: string;
  trunkId: string;
  callerId: string;
  cutoffSeconds: number;
  answerTimeoutSeconds: number;
  progressTimeoutSeconds: number;
  /** Where the trunk wants some; the password is sealed, base64. */
  credentials?: { username: string; sealedPassword: string };
}

export interface PlayBody {
  kind: 'play';
  prompts: string[];
  collect?: Omit<sw.Collect, 'seal'>;
  /** Digits come back sealed, for this account. */
  sealFor?: string;
}

/** What a switch is told. */
export type CommandBody =
  | { kind: 'originate'; dial: DialBody }
  | { kind: 'answer'; cutoffSeconds: number }
  | PlayBody
  | { kind: 'bridge'; bLegId: string; dial: DialBody; endCode: string; ringbackCountry: string }
  | { kind: 'hangup'; cause: string }
  | { kind: 'setCutoff'; atUs: number }
  | { kind: 'warn'; prompt: string }
  | { kind: 'probe' };

export interface QuotedLeg {
  legId: string;
  number: string;
  inbound: boolean;
  startAtUs: number;
  elapsedUs: number;
  leadUs: number;
}

export type ReservePurpose = 'leg_a' | 'pin' | 'leg_b' | 'failover' | 'answered' | 'extend';

/** What a session owes to the world. */
export type Effect =
  | {
      do: 'command';
      commandId: string;
      switchId: string;
      legId: string;
      legSeq: number;
      startByUs: number;
      traceparent: string;
      body: CommandBody;
    }
  | { do: 'identify'; traceparent: string; callerId: string; trusted: boolean; accessNumber: string }
  | {
      do: 'verify_pin';
      traceparent: string;
      accountNumber: string;
      pin: SealedPin;
      callerId: string;
      accessNumber: string;
      saveCallerId: boolean;
    }
  | { do: 'resolve'; traceparent: string; accountNumber: string; digits: string }
  | { do: 'balance'; traceparent: string; accountNumber: string }
  | {
      do: 'reserve';
      traceparent: string;
      purpose: ReservePurpose;
      accountNumber: string;
      accessNumber: string;
      callerId: string;
      legs: QuotedLeg[];
      capUs: number;
      atUs: number;
    }
  | {
      do: 'settle';
      traceparent: string;
      cdr: CdrFields;
      number: string;
      inbound: boolean;
      maxBillableUs: number;
      lossBudget: boolean;
    }
  /** ivr's StepRequest as JSON, without ids. */
  | { do: 'dialogue'; traceparent: string; request: unknown };

export interface CdrFields {
  legId: string;
  role: string;
  accountNumber: string;
  fromNumber: string;
  toNumber: string;
  accessNumber: string;
  trunkId: string;
  switchId: string;
  attempt: number;
  result: string;
  reason: string;
  cause: string;
  q850: number;
  sipStatus: number;
  disposition: string;
  createdAtUs: number;
  progressAtUs: number;
  answeredAtUs: number;
  endedAtUs: number;
  traceId: string;
}
