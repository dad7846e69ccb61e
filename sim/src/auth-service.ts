import { type Account, type AuthStore, type Guess, type Judging, Questions } from '@ringback/auth/core';
import type { auth } from '@ringback/contracts';
import { generateSealingKey } from '@ringback/sealing';

const TRIES = { account: 8, caller: 5, access: 10_000 };
const WINDOW_US = 3_600_000_000;
const LOCK_US = 1_800_000_000;

interface Lock {
  failures: number;
  windowEndsUs: number;
  lockedUntilUs: number;
}

/** Auth's tables in memory; its answers are the real ones. */
export class AuthTables implements AuthStore {
  readonly #nowUs: () => number;
  readonly #accounts = new Map<string, Account>();
  readonly #callers = new Map<string, { account: string; authorised: boolean }>();
  readonly #answers = new Map<string, auth.VerifyPinResponse>();
  readonly #seals = new Set<string>();
  readonly #locks = new Map<string, Lock>();

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs;
  }

  add(account: Account, callerIds: readonly { number: string; authorised: boolean }[]): void {
    this.#accounts.set(account.number, account);
    for (const { number, authorised } of callerIds) this.#callers.set(number, { account: account.number, authorised });
  }

  callerId(number: string): Promise<{ account: Account; authorised: boolean } | undefined> {
    const caller = this.#callers.get(number);
    const account = caller && this.#accounts.get(caller.account);
    return Promise.resolve(account && { account, authorised: caller.authorised });
  }

  account(number: string): Promise<Account | undefined> {
    return Promise.resolve(this.#accounts.get(number));
  }

  speedDial(): Promise<string | undefined> {
    return Promise.resolve(undefined);
  }

  lockedUntil(guess: Guess): Promise<bigint | undefined> {
    const until = Math.max(0, ...subjects(guess).map(([, subject]) => this.#locks.get(subject)?.lockedUntilUs ?? 0));
    return Promise.resolve(until > this.#nowUs() ? BigInt(Math.round(until)) : undefined);
  }

  answered(requestId: string): Promise<auth.VerifyPinResponse | undefined> {
    return Promise.resolve(this.#answers.get(requestId));
  }

  async judge(
    { requestId, sealHash, guess }: { requestId: string; sealHash: Buffer; guess: Guess },
    decide: (judging: Judging) => Promise<auth.VerifyPinResponse>,
  ): Promise<auth.VerifyPinResponse | 'used'> {
    const known = this.#answers.get(requestId);
    if (known) return known;
    const seal = sealHash.toString('base64');
    if (this.#seals.has(seal)) return 'used';
    const answer = await decide({
      lockedUntil: () => this.lockedUntil(guess),
      countWrong: () => this.#countWrong(guess),
      forgive: () => {
        for (const [kind, subject] of subjects(guess)) if (kind !== 'access') this.#locks.delete(subject);
        return Promise.resolve();
      },
      saveCallerId: (number, account) => {
        const theirs = (this.#callers.get(number)?.account ?? account) === account;
        if (theirs) this.#callers.set(number, { account, authorised: true });
        return Promise.resolve(theirs);
      },
    });
    this.#answers.set(requestId, answer);
    this.#seals.add(seal);
    return answer;
  }

  #countWrong(guess: Guess): Promise<bigint | undefined> {
    const nowUs = this.#nowUs();
    for (const [kind, subject] of subjects(guess)) {
      const before = this.#locks.get(subject);
      const counting = before !== undefined && before.windowEndsUs >= nowUs;
      const failures = counting ? before.failures + 1 : 1;
      this.#locks.set(subject, {
        failures,
        windowEndsUs: counting ? before.windowEndsUs : nowUs + WINDOW_US,
        lockedUntilUs: failures >= TRIES[kind] ? nowUs + LOCK_US : (before?.lockedUntilUs ?? 0),
      });
    }
    return this.lockedUntil(guess);
  }
}

type Kind = keyof typeof TRIES;
const subjects = ({ account, callerId, accessNumber }: Guess): [Kind, string][] =>
  (
    [
      ['account', account],
      ['caller', callerId],
      ['access', accessNumber],
    ] as const
  )
    .filter(([, id]) => id !== '')
    .map(([kind, id]) => [kind, `${kind}:${id}`]);

/** PINs are kept as they are: hashing them is not what is simulated. */
export function authQuestions(store: AuthStore): { questions: Questions; key: { keyId: string; publicKey: Buffer } } {
  const { publicKey, privateKey } = generateSealingKey();
  const key = { keyId: 'simulated', publicKey, privateKey };
  const pins = { matches: (pin: string, stored: string | undefined) => Promise.resolve(pin === stored) };
  return { questions: new Questions({ store, pins, key }), key };
}
