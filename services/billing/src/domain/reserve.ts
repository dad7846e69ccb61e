import { billing } from '@ringback/contracts';
import { admissionCost, longestCall, type Quote, type QuotedLeg } from '@ringback/rating';
import type { Books } from './books.ts';
import { dayOf } from './loss-budget.ts';
import { type Changes, type Environment, freeOf, type Hold, type Payer, type PinnedDeck, Refused } from './model.ts';
import { Purses, samePayer } from './payers.ts';
import { tariff } from './tariff.ts';

const { ReserveResponse_Outcome: Outcome } = billing;

export interface ReserveDecision {
  readonly response: billing.ReserveResponse;
  readonly changes: Partial<Changes>;
  /** False: the answer holds only for this asker (a stale epoch), the key is not used up. */
  readonly remember: boolean;
}

interface Means {
  readonly payer: Payer;
  readonly currency: string;
  readonly deck: string;
  readonly balance: bigint;
  /** Free of holds, with what this session's legs hold already. */
  readonly available: bigint;
  readonly short: billing.ReserveResponse_Outcome;
}

/**
 * Quotes and holds together: finds the longest t that the payer can pay for all legs at once, and holds for each leg what it
 * costs until then. Holds of the same legs are replaced (their payer may change); other legs' holds stay.
 * @throws {Refused} @throws {DeckNotLoaded}
 */
export function reserve(books: Books, request: billing.ReserveRequest, env: Environment): ReserveDecision {
  const fence = books.fences.get(request.shard) ?? 0n;
  if (request.epoch < fence) return { ...answer({ outcome: Outcome.STALE_EPOCH }), remember: false };
  const fences = request.epoch > fence ? new Map([[request.shard, request.epoch]]) : new Map();
  const no = (outcome: billing.ReserveResponse_Outcome, more: Partial<billing.ReserveResponse> = {}): ReserveDecision =>
    answer({ outcome, ...more }, { fences });

  const holds = request.legs.map((leg) => books.holds.get(leg.legId));
  for (const [index, hold] of holds.entries()) {
    if (hold && hold.sessionId !== request.sessionId) {
      throw new Refused('FAILED_PRECONDITION', `legs[${index}].leg_id`, 'belongs to another session');
    }
    if (books.cdrs.has(request.legs[index]!.legId) || (hold && hold.state !== 'pending')) {
      return no(Outcome.TOMBSTONE, { legId: request.legs[index]!.legId });
    }
  }
  const means = meansOf(books, request, holds, env);
  if ('outcome' in means) return no(means.outcome);

  const quoted: QuotedLeg[] = [];
  const pins: PinnedDeck[] = [];
  for (const [index, leg] of request.legs.entries()) {
    const rated = tariff(env, { ...leg, startUs: leg.startAtUs }, means.deck, means.currency, holds[index]?.pinned);
    if (rated.reason === 'other_currency') {
      const message = `deck ${rated.pinned.deck} is not in the payer's currency ${means.currency}`;
      throw new Refused('FAILED_PRECONDITION', `legs[${index}].number`, message);
    }
    if (!rated.curve) return no(Outcome.BLOCKED, { legId: leg.legId });
    quoted.push({ curve: rated.curve, elapsedUs: leg.elapsedUs, leadUs: leg.leadUs });
    pins.push(rated.pinned);
  }
  const balance = { micros: means.balance, currency: means.currency };
  const quote = longestCall(quoted, means.available, request.capUs);
  if (!quote || !isWorthHaving(quote, quoted, means.available, request.minUs)) return no(means.short, { balance });

  const purses = new Purses(books);
  const held = request.legs.map((leg, index): Hold => {
    const before = holds[index];
    const amount = quote.costs[index]!;
    if (before) purses.release(before);
    purses.hold(means.payer, amount);
    return {
      legId: leg.legId,
      sessionId: request.sessionId,
      payer: means.payer,
      currency: means.currency,
      amount,
      state: 'pending',
      expired: false,
      pinned: pins[index]!,
      createdAtUs: before?.createdAtUs ?? request.atUs,
      paidUntilUs: leg.startAtUs + leg.elapsedUs + leg.leadUs + quote.maxUs,
      shard: request.shard,
      epoch: request.epoch,
    };
  });
  const response = {
    outcome: Outcome.OK,
    maxUs: quote.maxUs,
    capped: quote.capped,
    held: { micros: quote.costs.reduce((a, b) => a + b, 0n), currency: means.currency },
    balance,
  };
  return answer(response, { accounts: [...purses.accounts.values()], budgets: purses.budgets, holds: held, fences });
}

function answer(response: Partial<billing.ReserveResponse>, changes: Partial<Changes> = {}): ReserveDecision {
  return { response: billing.ReserveResponse.fromPartial(response), changes, remember: true };
}

/** Connect fees and first increments must be covered; a call shorter than wished for is none. */
function isWorthHaving(quote: Quote, legs: readonly QuotedLeg[], available: bigint, minUs: bigint): boolean {
  if (minUs > 0n) return quote.maxUs >= minUs;
  return quote.maxUs > 0n && admissionCost(legs) <= available;
}

function meansOf(
  books: Books,
  request: billing.ReserveRequest,
  holds: readonly (Hold | undefined)[],
  env: Environment,
): Means | { outcome: billing.ReserveResponse_Outcome } {
  const own = (payer: Payer): bigint =>
    holds.reduce((sum, hold) => (hold && samePayer(hold.payer, payer) ? sum + hold.amount : sum), 0n);
  if (request.payer?.$case === 'accountNumber') {
    const account = books.accounts.get(request.payer.value);
    if (!account) return { outcome: Outcome.UNKNOWN_ACCOUNT };
    const { number, currency, deck, balance } = account;
    const payer: Payer = { kind: 'account', account: number };
    return { payer, currency, deck, balance, available: freeOf(account) + own(payer), short: Outcome.NO_CREDIT };
  }
  const budget = request.payer?.value;
  if (!budget || !env.loss) return { outcome: Outcome.BUDGET_EXHAUSTED };
  // A call that began before midnight stays in its day's budget.
  const before = holds.find((hold) => hold?.payer.kind === 'loss')?.payer;
  const day = before?.kind === 'loss' ? before.day : dayOf(request.atUs);
  const payer = { kind: 'loss' as const, accessNumber: budget.accessNumber, callerId: budget.callerId, day };
  const used = books.budgetUsed(payer);
  const left = [env.loss.perCaller - used.caller, env.loss.perDay - used.total].reduce((a, b) => (a < b ? a : b));
  return {
    payer,
    currency: env.loss.currency,
    deck: env.loss.deck,
    balance: left > 0n ? left : 0n,
    available: left + own(payer),
    short: Outcome.BUDGET_EXHAUSTED,
  };
}
