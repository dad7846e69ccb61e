import type { auth } from '@ringback/contracts';
import type { Guess } from './lockouts.ts';

export interface Account {
  number: string;
  pin_hash: string;
  country: string;
  language: string;
  suspended: boolean;
}

/** One PIN being judged: everything here happens together or not at all, one guess at a time for account and caller ID. */
export interface Judging {
  lockedUntil(): Promise<bigint | undefined>;
  /** Counts a wrong PIN; answers the end of a lock-out that follows (epoch µs). */
  countWrong(): Promise<bigint | undefined>;
  /** The right PIN: what was counted is forgotten. */
  forgive(): Promise<void>;
  saveCallerId(number: string, account: string): Promise<boolean>;
}

/** What auth keeps, as its questions need it. */
export interface AuthStore {
  /** Whose caller ID it is. */
  callerId(number: string): Promise<{ account: Account; authorised: boolean } | undefined>;
  account(number: string): Promise<Account | undefined>;
  speedDial(account: string, code: string): Promise<string | undefined>;
  /** Latest end of a lock-out that concerns this caller (epoch µs). */
  lockedUntil(guess: Guess): Promise<bigint | undefined>;
  /** The answer that was given to this request. */
  answered(requestId: string): Promise<auth.VerifyPinResponse | undefined>;
  /**
   * Judges a sealed PIN once: a request that was answered gets that answer again, a seal that was used for another
   * request is `used`.
   */
  judge(
    request: { requestId: string; sealHash: Buffer; guess: Guess },
    decide: (judging: Judging) => Promise<auth.VerifyPinResponse>,
  ): Promise<auth.VerifyPinResponse | 'used'>;
}
