/** What a long-lived thing is to the loop: a pure step over JSON state. Times are epoch microseconds as numbers (< 2⁵³). */

/** An effect the session owes: kept with the session's state until its outcome is committed. */
export interface Owed<X> {
  /** `<session id>:<n>`: the idempotency key towards whoever performs it. */
  id: string;
  /** Effects of one lane are performed one after the other, in order. */
  lane: string;
  body: X;
  /** From this moment on it is given up: the machine gets `gaveUp` instead of an outcome. */
  giveUpAtUs: number;
}

export interface NewEffect<X> {
  lane: string;
  body: X;
  /** How long it is tried, ms. */
  giveUpAfterMs: number;
}

export interface HistoryEntry {
  atUs: number;
  event: string;
  from: string;
  to: string;
  legId?: string;
}

/** What a step is given besides state and event: the only clock, ids and knowledge it may use. */
export interface StepContext {
  nowUs: number;
  sessionId: string;
  shard: number;
  /** A fresh UUID. */
  newId(): string;
  /** When the last session with this key closed, where that was recent. */
  previousClosedAtUs: number | undefined;
}

export interface Decision<S, X> {
  state: S;
  effects: NewEffect<X>[];
  /** Timers to set (epoch µs) or, with undefined, to clear. */
  timers: Record<string, number | undefined>;
  /** Ids of owed effects that are no longer wanted. */
  cancel?: (owed: Owed<X>) => boolean;
  /** Facts for the world, published at least once in order of commits. */
  facts: unknown[];
  /** By this state the session is over: it closes as soon as nothing is owed any more (unless an event changes that). */
  closed: boolean;
  history?: HistoryEntry;
}

export type Trigger<E, X> =
  | { type: 'event'; event: E }
  | { type: 'outcome'; effect: X; effectId: string; outcome: E }
  | { type: 'gaveUp'; effect: X; effectId: string }
  | { type: 'timer'; name: string };

/** Where an event belongs. */
export type Address = { sessionId: string } | { key: string };

export interface Machine<S, E, X> {
  /** Version of the state's shape; a release reads its own and the one before. */
  version: number;
  encode(state: S): string;
  /** @throws Error for a version it does not know. */
  decode(version: number, text: string): S;
  /** Further names under which events find the session while it is open (ids of its legs). */
  aliases(state: S): string[];
  /** Pure. A throw quarantines the event; the session stays as it was. */
  step(state: S | undefined, trigger: Trigger<E, X>, context: StepContext): Decision<S, X>;
}

/** A session as the loop holds it in memory. */
export interface Live<S, X> {
  id: string;
  shard: number;
  key: string;
  state: S;
  owed: Owed<X>[];
  timers: Record<string, number>;
  history: HistoryEntry[];
  /** Number of the next effect. */
  next: number;
  /** Wants to close; does so once nothing is owed. */
  closing: boolean;
  createdAtUs: number;
}
