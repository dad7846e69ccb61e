import {
  type Account,
  Books,
  type Cdr,
  checkReserve,
  checkSettle,
  decide,
  type Decision,
  type Environment,
  Refused,
  type Tariffs,
  type Transfer,
} from '@ringback/billing/core';
import { billing } from '@ringback/contracts';
import { parseDeck } from '@ringback/rating';
import type { Report } from './invariants.ts';
import type { Ids } from './random.ts';

/** A: 0.06 a minute, per second, 0.05 to connect. B: 0.12 a minute in whole minutes. 4490 is blocked. */
const DECK = `@currency,EUR
prefix,price,increment,connect_fee,blocked
48,0.06,1,0.05,
44,0.12,60,,
4490,,,,yes
`;
export const CURRENCY = 'EUR';
const EXPIRY_SLACK_US = 900_000_000n;
const MOST_EXPIRIES = 500;

function tariffs(): Tariffs {
  const { deck, problems } = parseDeck(DECK);
  if (!deck) throw new Error(JSON.stringify(problems));
  return { versionAt: (name) => (name === 'standard' ? 1 : undefined), deck: () => deck };
}

interface Traces {
  requests: Set<string>;
  legs: Set<string>;
}

/** Billing: the real decisions on books in memory; each question is one transaction. Looks on as an auditor would. */
export class BillingService {
  readonly books = new Books();
  /** Legs that ever had a CDR. */
  readonly settled = new Map<string, Cdr>();
  readonly #settledEver = new Set<string>();
  readonly #entries = new Map<string, bigint>();
  readonly #bySession = new Map<string, Traces>();
  readonly #env: Environment;
  readonly #nowUs: () => number;
  readonly #report: Report;

  constructor(nowUs: () => number, ids: Ids, report: Report) {
    this.#nowUs = nowUs;
    this.#report = report;
    const loss = { deck: 'standard', currency: CURRENCY, perCaller: 500_000n, perDay: 1_000_000_000n };
    this.#env = {
      tariffs: tariffs(),
      get nowUs() {
        return BigInt(Math.round(nowUs()));
      },
      newId: () => ids.next(),
      inboundDeck: '',
      loss,
      expirySlackUs: EXPIRY_SLACK_US,
    };
  }

  open(number: string, balance: bigint): void {
    const account: Account = { number, currency: CURRENCY, deck: 'standard', balance, held: 0n };
    this.books.accounts.set(number, account);
    this.#entries.set(number, balance);
  }

  answer({ question }: billing.Question): billing.Answer {
    const requestId = question?.value.requestId ?? '';
    try {
      return { requestId, answer: this.#answer(question) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const { code, field, message } = error;
      return { requestId, answer: { $case: 'refusal', value: { code, field, message } } };
    }
  }

  #answer(question: billing.Question['question']): billing.Answer['answer'] {
    switch (question?.$case) {
      case 'reserve': {
        checkReserve(question.value);
        const value = this.#decide({ kind: 'reserve', request: question.value });
        this.#remember(question.value.sessionId, question.value.requestId, question.value.legs);
        return { $case: 'reserve', value: value as billing.ReserveResponse };
      }
      case 'settle': {
        checkSettle(question.value);
        const value = this.#decide({ kind: 'settle', request: question.value });
        const { sessionId, legId } = question.value.cdr!;
        this.#remember(sessionId, question.value.requestId, [{ legId }]);
        return { $case: 'settle', value: value as billing.SettleResponse };
      }
      case 'getBalance': {
        const account = this.books.accounts.get(question.value.accountNumber);
        const value = billing.GetBalanceResponse.fromPartial({
          found: account !== undefined,
          balance: account && { micros: account.balance, currency: account.currency },
          held: account && { micros: account.held, currency: account.currency },
        });
        return { $case: 'getBalance', value };
      }
      default:
        throw new Refused('INVALID_ARGUMENT', 'question', 'is not set');
    }
  }

  #decide(question: Parameters<typeof decide>[1]): Decision['response'] {
    const decision = decide(this.books, question, this.#env);
    this.#audit(decision);
    this.books.keep(decision);
    return decision.response;
  }

  /** Holds whose time has passed and whose end nobody told. */
  expire(): void {
    const before = BigInt(Math.round(this.#nowUs())) - EXPIRY_SLACK_US;
    const due = [...this.books.holds.values()].filter(
      ({ state, paidUntilUs }) => state === 'pending' && paidUntilUs < before,
    );
    for (const { legId } of due.slice(0, MOST_EXPIRIES)) this.#decide({ kind: 'expire', legId });
  }

  #audit({ changes }: Decision): void {
    for (const { number, balance, held } of changes.accounts ?? []) {
      if (held < 0n || held > balance) {
        this.#report('money', `account ${number} has ${balance} and ${held} of it held`);
      }
    }
    for (const transfer of changes.transfers ?? []) this.#book(transfer);
    for (const { number, balance } of changes.accounts ?? []) {
      const sum = this.#entries.get(number) ?? 0n;
      if (sum !== balance) this.#report('money', `account ${number} has ${balance}, its entries sum to ${sum}`);
    }
    for (const cdr of changes.cdrs ?? []) {
      const { legId, sessionId } = cdr.cdr;
      if (this.#settledEver.has(legId)) this.#report('one_settlement', 'a leg is settled twice', { legId, sessionId });
      this.#settledEver.add(legId);
      this.settled.set(legId, cdr);
    }
  }

  #book({ id, entries, legId, sessionId }: Transfer): void {
    if (entries.reduce((sum, { amount }) => sum + amount, 0n) !== 0n) {
      this.#report('money', `transfer ${id} does not balance`, { legId, sessionId });
    }
    for (const { account, amount } of entries) {
      this.#entries.set(account, (this.#entries.get(account) ?? 0n) + amount);
    }
  }

  #remember(sessionId: string, requestId: string, legs: readonly { legId: string }[]): void {
    const traces = this.#bySession.get(sessionId) ?? { requests: new Set(), legs: new Set() };
    this.#bySession.set(sessionId, traces);
    traces.requests.add(requestId);
    for (const { legId } of legs) traces.legs.add(legId);
  }

  wasSettled(legId: string): boolean {
    return this.#settledEver.has(legId);
  }

  pendingOf(legIds: readonly string[]): string[] {
    return legIds.filter((legId) => this.books.holds.get(legId)?.state === 'pending');
  }

  /** The session is long over: nobody asks about it any more. */
  forget(sessionId: string): void {
    const traces = this.#bySession.get(sessionId);
    if (!traces) return;
    this.#bySession.delete(sessionId);
    for (const id of traces.requests) this.books.answers.delete(id);
    for (const id of traces.legs) {
      this.books.holds.delete(id);
      this.books.cdrs.delete(id);
      this.settled.delete(id);
    }
  }
}
