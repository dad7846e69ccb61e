import type { billing } from '@ringback/contracts';
import type { Deck } from '@ringback/rating';

export interface Account {
  readonly number: string;
  readonly currency: string;
  readonly deck: string;
  /** Micro-units. 0 ≤ held ≤ balance. */
  readonly balance: bigint;
  readonly held: bigint;
}

/** Who pays for a leg: an account, a day's budget for unknown callers, or nobody. */
export type Payer =
  | { readonly kind: 'account'; readonly account: string }
  | { readonly kind: 'loss'; readonly accessNumber: string; readonly callerId: string; readonly day: number }
  | { readonly kind: 'nobody' };

export const NOBODY: Payer = { kind: 'nobody' };

/** Deck version that a call started with; version 0 (no deck): the leg costs nothing. */
export interface PinnedDeck {
  readonly deck: string;
  readonly version: number;
}

export interface Hold {
  readonly legId: string;
  readonly sessionId: string;
  readonly payer: Payer;
  readonly currency: string;
  readonly amount: bigint;
  readonly state: 'pending' | 'posted' | 'voided';
  readonly expired: boolean;
  readonly pinned: PinnedDeck;
  readonly createdAtUs: bigint;
  readonly paidUntilUs: bigint;
}

export interface Entry {
  readonly account: string;
  readonly currency: string;
  /** Signed; the entries of a transfer sum to zero. */
  readonly amount: bigint;
}

export interface Transfer {
  readonly id: string;
  readonly kind: 'top_up' | 'call' | 'expiry' | 'correction';
  readonly requestId: string;
  readonly sessionId: string;
  readonly legId: string;
  readonly atUs: bigint;
  readonly note: string;
  readonly entries: readonly Entry[];
}

/** A settled leg: the CDR as reported, and what was charged. */
export interface Cdr {
  readonly cdr: billing.Cdr;
  readonly ratedNumber: string;
  readonly payer: Payer;
  readonly currency: string;
  readonly cost: bigint;
  /** Part of the cost that nobody could pay. */
  readonly shortfall: bigint;
  readonly billedUs: bigint;
  readonly pinned: PinnedDeck;
  readonly transferId: string;
  readonly note: string;
}

/** What a decision writes; every list may be empty. */
export interface Changes {
  readonly accounts: readonly Account[];
  readonly holds: readonly Hold[];
  readonly transfers: readonly Transfer[];
  readonly cdrs: readonly Cdr[];
  readonly budgets: ReadonlyMap<string, bigint>;
  readonly fences: ReadonlyMap<number, bigint>;
}

/** Why a request cannot be answered; nothing is changed and nothing is remembered. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code:
    | 'INVALID_ARGUMENT'
    | 'NOT_FOUND'
    | 'ALREADY_EXISTS'
    | 'FAILED_PRECONDITION'
    | 'UNAVAILABLE'
    | 'INTERNAL';
  readonly field: string;

  constructor(code: Refused['code'], field: string, message: string) {
    super(message);
    this.code = code;
    this.field = field;
  }
}

/** Decks as far as they are in memory. */
export interface Tariffs {
  /** Number of the version in force at a moment (before the first one: the first one); undefined: no such deck. */
  versionAt(deck: string, atUs: bigint): number | undefined;
  /** @throws {DeckNotLoaded} when the version exists and has to be loaded first. */
  deck(pinned: PinnedDeck): Deck;
}

/** The batch is tried again once this version is in memory. */
export class DeckNotLoaded extends Error {
  override readonly name = 'DeckNotLoaded';
  readonly pinned: PinnedDeck;

  constructor(pinned: PinnedDeck) {
    super(`deck ${pinned.deck} version ${pinned.version} is not loaded`);
    this.pinned = pinned;
  }
}

/** What decisions need besides the books. */
export interface Environment {
  readonly tariffs: Tariffs;
  readonly nowUs: bigint;
  newId(): string;
  /** Deck by which inbound legs are rated; empty: they cost nothing. */
  readonly inboundDeck: string;
  /** Calls to unknown callers; undefined: there is no money for them. */
  readonly loss: LossPolicy | undefined;
  /** A pending hold is posted this long after its paid-for time, µs. */
  readonly expirySlackUs: bigint;
}

export interface LossPolicy {
  readonly deck: string;
  readonly currency: string;
  /** Micro-units a day, of one caller ID and of all together. */
  readonly perCaller: bigint;
  readonly perDay: bigint;
}
