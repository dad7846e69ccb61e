import type { billing } from '@ringback/contracts';
import type { Deck } from '@ringback/rating';

export interface Account {
  readonly number: string;
  readonly currency: string;
  readonly deck: string;
  /** Micro-units. −creditLimit ≤ balance, 0 ≤ held ≤ balance + creditLimit. */
  readonly balance: bigint;
  readonly held: bigint;
  /** How far below zero it may go (postpaid); absent: prepaid. */
  readonly creditLimit?: bigint;
}

/** What an account can spend: all it has (or may owe) less what is held for calls. */
export const freeOf = (account: Account): bigint => account.balance + (account.creditLimit ?? 0n) - account.held;

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
  /** Shard of its session, and epoch of the owner who held it last. */
  readonly shard: number;
  readonly epoch: bigint;
}

export interface Entry {
  readonly account: string;
  readonly currency: string;
  /** Signed; the entries of a transfer sum to zero. */
  readonly amount: bigint;
}

export type TransferKind =
  | 'top_up'
  | 'call'
  | 'expiry'
  | 'correction'
  | 'adjustment'
  | 'refund'
  | 'reversal'
  | 'credit_transfer'
  | 'voucher';

export interface Transfer {
  readonly id: string;
  readonly kind: TransferKind;
  readonly requestId: string;
  readonly sessionId: string;
  readonly legId: string;
  readonly atUs: bigint;
  readonly note: string;
  readonly entries: readonly Entry[];
  /** The transfer that this one gives back or takes back. */
  readonly ofTransfer?: string;
  /** The recorded rate by which it changed money. */
  readonly exchangeRateId?: bigint;
}

/** A transfer of before, with what became of it. */
export interface PastTransfer {
  readonly id: string;
  readonly kind: TransferKind;
  readonly sessionId: string;
  readonly legId: string;
  readonly entries: readonly Entry[];
  readonly reversed: boolean;
  /** Sums of its refunds' entries by account. */
  readonly refunds: ReadonlyMap<string, bigint>;
}

/** One unit of `from` is rateNanos / 10^9 units of `to`. */
export interface ExchangeRate {
  readonly id: bigint;
  readonly from: string;
  readonly to: string;
  readonly rateNanos: bigint;
}

export interface VoucherBatch {
  readonly id: string;
  readonly currency: string;
  readonly value: bigint;
  readonly count: number;
  readonly createdAtUs: bigint;
  readonly expiresAtUs: bigint;
  readonly voidedAtUs: bigint | undefined;
  readonly redeemed: number;
  readonly note: string;
}

export interface Voucher {
  /** Keyed hash of its code, hex. */
  readonly hash: string;
  readonly batchId: string;
  readonly serial: number;
  readonly redeemed: { readonly by: string; readonly atUs: bigint; readonly transferId: string } | undefined;
}

/** Wrong voucher codes of an account or source. */
export interface Attempts {
  readonly subject: string;
  readonly failures: number;
  readonly sinceUs: bigint;
  readonly lockedUntilUs: bigint;
}

/** A change of what an account may owe, for the record. */
export interface LimitChange {
  readonly account: string;
  readonly requestId: string;
  readonly before: bigint;
  readonly after: bigint;
  readonly note: string;
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
  /** What was held for the leg when it ended. */
  readonly held: bigint;
  /** How the cost came about, in short. */
  readonly increments: string;
  readonly prefix: string;
}

/** What a decision writes; every list may be empty. */
export interface Changes {
  readonly accounts: readonly Account[];
  readonly holds: readonly Hold[];
  readonly transfers: readonly Transfer[];
  readonly cdrs: readonly Cdr[];
  readonly budgets: ReadonlyMap<string, bigint>;
  readonly fences: ReadonlyMap<number, bigint>;
  readonly limits: readonly LimitChange[];
  readonly batches: readonly VoucherBatch[];
  readonly newVouchers: readonly Voucher[];
  readonly redeemed: readonly Voucher[];
  readonly attempts: readonly Attempts[];
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
  /** How often wrong voucher codes may be tried; absent: as often as DEFAULT_ATTEMPTS says. */
  readonly voucherAttempts?: AttemptPolicy;
}

/** `most` wrong codes within `windowUs` lock for `lockUs`. */
export interface AttemptPolicy {
  readonly most: number;
  readonly windowUs: bigint;
  readonly lockUs: bigint;
}

export interface LossPolicy {
  readonly deck: string;
  readonly currency: string;
  /** Micro-units a day, of one caller ID and of all together. */
  readonly perCaller: bigint;
  readonly perDay: bigint;
}
