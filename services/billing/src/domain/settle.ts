import { billing } from '@ringback/contracts';
import { formatDecimal } from '@ringback/money';
import { type Cost, CostCurve } from '@ringback/rating';
import type { Books } from './books.ts';
import { incrementsOf } from './increments.ts';
import { accountOf, entries, PLATFORM } from './ledger.ts';
import { dayOf } from './loss-budget.ts';
import {
  type Cdr,
  type Changes,
  type Environment,
  freeOf,
  type Hold,
  NOBODY,
  type Payer,
  Refused,
  type Transfer,
} from './model.ts';
import { Purses, samePayer } from './payers.ts';
import { NO_DECK, tariff } from './tariff.ts';

const { SettleResponse_Outcome: Outcome } = billing;

export interface SettleDecision {
  readonly response: billing.SettleResponse;
  readonly changes: Partial<Changes>;
}

interface Charge {
  readonly cost: Cost;
  readonly billedUs: bigint;
  readonly pinned: Cdr['pinned'];
  readonly currency: string;
  readonly notes: readonly string[];
  readonly increments: string;
  readonly prefix: string;
}

/**
 * Ends a leg: its CDR, what it cost from whoever pays, and the end of its hold, together. The cost is the truth (deck version
 * of the first Reserve, answer to end, at most the paid-for time); what it is above the hold is taken from the account as far
 * as that is free, the rest is the platform's loss, and the CDR says so.
 * @throws {Refused} @throws {DeckNotLoaded}
 */
export function settle(books: Books, request: billing.SettleRequest, env: Environment): SettleDecision {
  const report = request.cdr!;
  const settled = books.cdrs.get(report.legId);
  if (settled) return { response: responseOf(books, settled, Outcome.ALREADY_SETTLED), changes: {} };

  const hold = books.holds.get(report.legId);
  // Only a settlement leaves such a hold behind.
  if (hold && hold.state !== 'pending' && !hold.expired) {
    throw new Refused('FAILED_PRECONDITION', 'cdr.leg_id', 'was settled before, and its CDR is past its retention');
  }
  const payer = payerOf(books, request, hold);
  const answered = report.answeredAtUs > 0n;
  const own = currencyOf(books, payer, hold, env);
  const charge = answered ? chargeOf(books, request, payer, hold, own, env) : noCharge(own);
  const currency = charge.currency;
  const transfers: Transfer[] = [];
  const purses = new Purses(books);
  const booked = (
    kind: Transfer['kind'],
    note: string,
    amounts: Parameters<typeof entries>[1],
    unit: string,
  ): string => {
    const id = env.newId();
    const { requestId } = request;
    const { sessionId, legId } = report;
    transfers.push({ id, kind, requestId, sessionId, legId, atUs: env.nowUs, note, entries: entries(unit, amounts) });
    return id;
  };

  if (hold?.state === 'pending') purses.release(hold);
  if (hold?.state === 'posted' && hold.expired && hold.amount > 0n) {
    purses.move(hold.payer, hold.amount, 0n);
    const amounts = [[accountOf(hold.payer), hold.amount] as const, [PLATFORM.suspense, -hold.amount] as const];
    booked('correction', 'the hold posted at its expiry, taken back: the truth is known', amounts, hold.currency);
  }
  const { total, tax } = charge.cost;
  const shortfall = shortfallOf(purses, payer, total);
  const notes = [...charge.notes];
  if (shortfall > 0n) notes.push('the account could not pay all of it');
  let transferId = '';
  if (total > 0n) {
    const paid = total - shortfall;
    purses.move(payer, -paid, 0n);
    const from = payer.kind === 'nobody' ? [] : [[accountOf(payer), -paid] as const];
    const to = [[PLATFORM.revenue, total - tax] as const, [PLATFORM.tax, tax] as const];
    transferId = booked('call', notes.join('; '), [...from, [PLATFORM.shortfall, -shortfall], ...to], currency);
  }
  const cdr: Cdr = {
    cdr: report,
    ratedNumber: request.number,
    payer,
    currency,
    cost: total,
    shortfall,
    billedUs: charge.billedUs,
    pinned: charge.pinned,
    transferId,
    note: notes.join('; '),
    held: hold?.amount ?? 0n,
    increments: charge.increments,
    prefix: charge.prefix,
  };
  const changes = {
    accounts: [...purses.accounts.values()],
    budgets: purses.budgets,
    holds: [tombstone(hold, request, payer, currency, answered, env)],
    transfers,
    cdrs: [cdr],
  };
  const account = payer.kind === 'account' ? purses.account(payer.account) : undefined;
  return { response: responseOf(books, cdr, Outcome.SETTLED, account?.balance), changes };
}

const NOTHING: Cost = { total: 0n, tax: 0n };
const noCharge = (currency: string): Charge => ({
  cost: NOTHING,
  billedUs: 0n,
  pinned: NO_DECK,
  currency,
  notes: [],
  increments: '',
  prefix: '',
});
/** A switch's clock and a monotonic one differ by less than this unless somebody set the first one, µs. */
const CLOCK_TOLERANCE_US = 1_000_000n;

/** Whom the report names; else whose money was held; else nobody. */
function payerOf(books: Books, request: billing.SettleRequest, hold: Hold | undefined): Payer {
  const report = request.cdr!;
  if (request.lossBudget) {
    if (hold?.payer.kind === 'loss') return hold.payer;
    const callerId = report.role === 'a' ? report.toNumber : report.fromNumber;
    return { kind: 'loss', accessNumber: report.accessNumber, callerId, day: dayOf(report.createdAtUs) };
  }
  if (books.accounts.has(report.accountNumber)) return { kind: 'account', account: report.accountNumber };
  return hold?.payer ?? NOBODY;
}

function currencyOf(books: Books, payer: Payer, hold: Hold | undefined, env: Environment): string {
  if (payer.kind === 'account') return books.accounts.get(payer.account)!.currency;
  if (hold && samePayer(hold.payer, payer)) return hold.currency;
  return payer.kind === 'loss' ? (env.loss?.currency ?? '') : '';
}

function chargeOf(
  books: Books,
  request: billing.SettleRequest,
  payer: Payer,
  hold: Hold | undefined,
  currency: string,
  env: Environment,
): Charge {
  const report = request.cdr!;
  const { billedUs: talkedUs, notes } = talkedOf(report);
  let billedUs = talkedUs;
  if (request.maxBillableUs > 0n && billedUs > request.maxBillableUs) {
    billedUs = request.maxBillableUs;
    notes.push('cut off by the platform: charged for the paid-for time');
  }
  const leg = { number: request.number, inbound: request.inbound, startUs: report.answeredAtUs };
  const deck =
    payer.kind === 'account'
      ? books.accounts.get(payer.account)!.deck
      : payer.kind === 'loss'
        ? (env.loss?.deck ?? '')
        : '';
  const rated = tariff(env, leg, deck === '' ? (hold?.pinned.deck ?? '') : deck, currency, hold?.pinned);
  const { pinned } = rated;
  if (!rated.curve) {
    const why = `not charged: ${rated.reason}`;
    return { ...noCharge(currency), billedUs, pinned, notes: [...notes, why] };
  }
  if (!(rated.curve instanceof CostCurve)) return { ...noCharge(rated.currency), billedUs, pinned, notes };
  const { curve } = rated;
  const cost = curve.charge(Number(billedUs));
  const increments = incrementsOf(curve, Number(billedUs));
  return { cost, billedUs, pinned, currency: rated.currency, notes, increments, prefix: curve.prefix };
}

/**
 * Answer to end by the switch's clock; by the monotonic one where the two differ, because somebody set the first while the
 * leg was up. Without a monotonic one an end before its answer is no time at all.
 */
function talkedOf({ answeredAtUs, endedAtUs, monotonicUs }: billing.Cdr): { billedUs: bigint; notes: string[] } {
  const wallUs = endedAtUs - answeredAtUs;
  const jumpUs = wallUs - monotonicUs;
  if (monotonicUs > 0n && (jumpUs > CLOCK_TOLERANCE_US || jumpUs < -CLOCK_TOLERANCE_US)) {
    const jump = `${jumpUs > 0n ? '+' : ''}${formatDecimal(jumpUs, 6)}`;
    return { billedUs: monotonicUs, notes: [`the switch’s clock jumped by ${jump} s: charged by the monotonic time`] };
  }
  if (wallUs >= 0n) return { billedUs: wallUs, notes: [] };
  return { billedUs: 0n, notes: ['it ended before it was answered (a clock jumped): charged as 0 s'] };
}

/** What of `total` the payer cannot pay, once its own hold is released. A loss budget pays whatever was true. */
function shortfallOf(purses: Purses, payer: Payer, total: bigint): bigint {
  if (payer.kind === 'loss') return 0n;
  if (payer.kind === 'nobody') return total;
  const account = purses.account(payer.account)!;
  const free = freeOf(account);
  return total > free ? total - free : 0n;
}

/** The hold as it stays: nothing can be held for this leg again. */
function tombstone(
  hold: Hold | undefined,
  request: billing.SettleRequest,
  payer: Payer,
  currency: string,
  answered: boolean,
  env: Environment,
): Hold {
  const state = answered ? 'posted' : 'voided';
  if (hold) return { ...hold, state, expired: false };
  const { legId, sessionId } = request.cdr!;
  const at = { createdAtUs: env.nowUs, paidUntilUs: 0n, shard: 0, epoch: 0n };
  return { legId, sessionId, payer, currency, amount: 0n, state, expired: false, pinned: NO_DECK, ...at };
}

function responseOf(
  books: Books,
  { payer, currency, cost, shortfall, transferId }: Cdr,
  outcome: billing.SettleResponse_Outcome,
  balance?: bigint,
): billing.SettleResponse {
  const account = payer.kind === 'account' ? books.accounts.get(payer.account) : undefined;
  return billing.SettleResponse.fromPartial({
    outcome,
    cost: { micros: cost, currency },
    balance: account ? { micros: balance ?? account.balance, currency } : undefined,
    transferId,
    shortfall: shortfall > 0n ? { micros: shortfall, currency } : undefined,
  });
}
