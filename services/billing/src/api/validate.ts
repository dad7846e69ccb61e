import { type billing, type common, SHARDS } from '@ringback/contracts';
import { isCurrency, parseDecimal } from '@ringback/money';
import { Refused } from '../domain/model.ts';

/** Longest call and lead that is rated, µs: 30 days. */
const LONGEST_US = 30n * 86_400_000_000n;
/** Year 2200: a moment later than this is a unit mixed up. */
const LATEST_US = 7_258_118_400_000_000n;
const MOST_LEGS = 50;
const ROLES = ['trigger', 'a', 'b'];
/** The closed vocabulary of results of a leg. */
const RESULTS =
  'success caller_error busy no_answer rejected unreachable indeterminate platform_error cancelled refused'.split(' ');

function check(ok: boolean, field: string, message: string): asserts ok {
  if (!ok) throw new Refused('INVALID_ARGUMENT', field, message);
}

const CONTROL = /\p{Cc}/u;

export function checkText(field: string, text: string, longest = 200): void {
  check(text.length <= longest, field, `is longer than ${longest} characters`);
  check(!CONTROL.test(text), field, 'has control characters');
}

export function checkId(field: string, text: string): void {
  check(text !== '', field, 'is empty');
  checkText(field, text);
}

function checkNumber(field: string, text: string): void {
  check(/^\+[1-9]\d{0,14}$/.test(text), field, 'is not an E.164 number with +');
}

function checkMoment(field: string, us: bigint): void {
  check(us > 0n, field, us === 0n ? 'is not set' : 'is negative');
  check(us < LATEST_US, field, 'is not in epoch microseconds');
}

function checkMomentOrNone(field: string, us: bigint): void {
  if (us !== 0n) checkMoment(field, us);
}

function checkSpan(field: string, us: bigint): void {
  check(us >= 0n, field, 'is negative');
  check(us <= LONGEST_US, field, 'is longer than 30 days');
}

export function checkReserve(request: billing.ReserveRequest): void {
  checkId('request_id', request.requestId);
  checkId('session_id', request.sessionId);
  check(request.payer !== undefined, 'payer', 'is not set');
  if (request.payer.$case === 'accountNumber') checkId('account_number', request.payer.value);
  else {
    checkNumber('loss_budget.access_number', request.payer.value.accessNumber);
    // Hidden callers (direct mode) share what one caller ID may cost.
    if (request.payer.value.callerId !== '') checkNumber('loss_budget.caller_id', request.payer.value.callerId);
  }
  check(request.legs.length > 0, 'legs', 'is empty');
  check(request.legs.length <= MOST_LEGS, 'legs', `has more than ${MOST_LEGS} legs`);
  for (const [index, leg] of request.legs.entries()) {
    const field = (name: string): string => `legs[${index}].${name}`;
    checkId(field('leg_id'), leg.legId);
    const first = request.legs.findIndex(({ legId }) => legId === leg.legId);
    check(first === index, field('leg_id'), `is the one of legs[${first}]`);
    checkNumber(field('number'), leg.number);
    checkMoment(field('start_at_us'), leg.startAtUs);
    checkSpan(field('elapsed_us'), leg.elapsedUs);
    checkSpan(field('lead_us'), leg.leadUs);
  }
  check(request.capUs > 0n, 'cap_us', 'is not positive');
  checkSpan('cap_us', request.capUs);
  checkSpan('min_us', request.minUs);
  check(request.minUs <= request.capUs, 'min_us', 'is longer than cap_us');
  check(request.shard < SHARDS, 'shard', `is not below ${SHARDS}`);
  checkMoment('at_us', request.atUs);
}

export function checkSettle(request: billing.SettleRequest): void {
  checkId('request_id', request.requestId);
  const { cdr } = request;
  check(cdr !== undefined, 'cdr', 'is not set');
  checkId('cdr.leg_id', cdr.legId);
  checkId('cdr.session_id', cdr.sessionId);
  check(ROLES.includes(cdr.role), 'cdr.role', `is none of ${ROLES.join(', ')}`);
  check(RESULTS.includes(cdr.result), 'cdr.result', `is none of ${RESULTS.join(', ')}`);
  const texts: [field: string, text: string][] = [
    ['account_number', cdr.accountNumber],
    ['from_number', cdr.fromNumber],
    ['to_number', cdr.toNumber],
    ['access_number', cdr.accessNumber],
    ['trunk_id', cdr.trunkId],
    ['switch_id', cdr.switchId],
    ['reason', cdr.reason],
    ['cause', cdr.cause],
    ['disposition', cdr.disposition],
    ['trace_id', cdr.traceId],
  ];
  for (const [field, text] of texts) checkText(`cdr.${field}`, text);
  for (const [field, value] of [
    ['attempt', cdr.attempt],
    ['q850', cdr.q850],
    ['sip_status', cdr.sipStatus],
  ] as const) {
    check(value < 2 ** 31, `cdr.${field}`, 'is too large');
  }
  checkMoment('cdr.created_at_us', cdr.createdAtUs);
  checkMomentOrNone('cdr.progress_at_us', cdr.progressAtUs);
  checkMomentOrNone('cdr.answered_at_us', cdr.answeredAtUs);
  checkMomentOrNone('cdr.ended_at_us', cdr.endedAtUs);
  if (cdr.answeredAtUs > 0n) {
    check(cdr.endedAtUs > 0n, 'cdr.ended_at_us', 'is not set, and the leg was answered');
    check(cdr.endedAtUs - cdr.answeredAtUs <= LONGEST_US, 'cdr.ended_at_us', 'is more than 30 days after the answer');
    checkNumber('number', request.number);
  } else {
    // An answer time that was lost on its way must not make a call free.
    const answered = cdr.role !== 'trigger' && cdr.result === 'success';
    check(!answered, 'cdr.answered_at_us', 'is not set, and the leg’s result says that it was answered');
    check(cdr.monotonicUs === 0n, 'cdr.monotonic_us', 'is set, and the leg was not answered');
  }
  if (request.number !== '') checkNumber('number', request.number);
  checkSpan('max_billable_us', request.maxBillableUs);
  checkSpan('cdr.monotonic_us', cdr.monotonicUs);
}

const MOST_VOUCHERS = 10_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function checkMoney(field: string, money: common.Money | undefined): asserts money is common.Money {
  check(money !== undefined, field, 'is not set');
  check(isCurrency(money.currency), `${field}.currency`, 'is not an ISO 4217 currency');
}

function checkPositive(field: string, money: common.Money | undefined): void {
  checkMoney(field, money);
  check(money.micros > 0n, `${field}.micros`, 'is not positive');
}

export function checkTopUp(request: billing.TopUpRequest): void {
  checkId('request_id', request.requestId);
  checkId('account_number', request.accountNumber);
  checkPositive('amount', request.amount);
  checkText('note', request.note);
}

export function checkAdjust(request: billing.AdjustBalanceRequest): void {
  checkId('request_id', request.requestId);
  checkId('account_number', request.accountNumber);
  checkMoney('amount', request.amount);
  check(request.amount.micros !== 0n, 'amount.micros', 'is zero');
  checkText('note', request.note);
}

export function checkRefund(request: billing.RefundLegRequest): void {
  checkId('request_id', request.requestId);
  checkId('leg_id', request.legId);
  if (request.amount !== undefined) checkPositive('amount', request.amount);
  checkText('note', request.note);
}

export function checkReverse(request: billing.ReverseTransferRequest): void {
  checkId('request_id', request.requestId);
  check(UUID.test(request.transferId), 'transfer_id', 'is not a UUID');
  checkText('note', request.note);
}

export function checkTransferCredit(request: billing.TransferCreditRequest): void {
  checkId('request_id', request.requestId);
  checkId('from_account', request.fromAccount);
  checkId('to_account', request.toAccount);
  check(request.fromAccount !== request.toAccount, 'to_account', 'is the one it leaves');
  checkPositive('amount', request.amount);
  checkText('note', request.note);
}

export function checkSetCreditLimit(request: billing.SetCreditLimitRequest): void {
  checkId('request_id', request.requestId);
  checkId('account_number', request.accountNumber);
  checkMoney('limit', request.limit);
  check(request.limit.micros >= 0n, 'limit.micros', 'is negative');
  check(request.limit.micros <= 10n ** 17n, 'limit.micros', 'is too large');
  checkText('note', request.note);
}

/** Answers the rate in 10^-9. */
export function checkExchangeRate(rate: billing.ExchangeRate | undefined): bigint {
  check(rate !== undefined, 'rate', 'is not set');
  check(isCurrency(rate.fromCurrency), 'rate.from_currency', 'is not an ISO 4217 currency');
  check(isCurrency(rate.toCurrency), 'rate.to_currency', 'is not an ISO 4217 currency');
  check(rate.fromCurrency !== rate.toCurrency, 'rate.to_currency', 'is the same currency');
  checkText('rate.rate', rate.rate, 30);
  const nanos = parseDecimal(rate.rate, 9);
  check(nanos !== undefined, 'rate.rate', 'is not a decimal number with up to 9 decimals');
  check(nanos > 0n && nanos < 10n ** 18n, 'rate.rate', 'is not positive, or too large');
  checkMomentOrNone('rate.valid_from_us', rate.validFromUs);
  return nanos;
}

export function checkCreateVouchers(request: billing.CreateVouchersRequest): void {
  checkId('request_id', request.requestId);
  check(request.count > 0, 'count', 'is zero');
  check(request.count <= MOST_VOUCHERS, 'count', `is more than ${MOST_VOUCHERS}`);
  checkPositive('value', request.value);
  checkMoment('expires_at_us', request.expiresAtUs);
  checkText('note', request.note);
}

export function checkVoidVouchers(request: billing.VoidVouchersRequest): void {
  checkId('request_id', request.requestId);
  check(UUID.test(request.batchId), 'batch_id', 'is not a UUID');
}

export function checkRedeem(request: billing.RedeemVoucherRequest): void {
  checkId('request_id', request.requestId);
  checkId('account_number', request.accountNumber);
  check(request.code !== '', 'code', 'is empty');
  checkText('code', request.code, 40);
  checkText('source', request.source);
}

export function checkPeriod({ fromUs, toUs }: { readonly fromUs: bigint; readonly toUs: bigint }): void {
  checkMomentOrNone('from_us', fromUs);
  checkMomentOrNone('to_us', toUs);
  check(toUs === 0n || toUs >= fromUs, 'to_us', 'is before from_us');
}

/** Column and value of a cause: a name, `q850:<code>` or `sip:<code>`; undefined: any. */
export function checkCause(cause: string): { column: string; value: string | number } | undefined {
  if (cause === '') return undefined;
  checkText('cause', cause);
  const code = /^(q850|sip):(\d{1,3})$/.exec(cause);
  if (code) return { column: code[1] === 'sip' ? 'sip_status' : 'q850', value: Number(code[2]) };
  check(/^[A-Z0-9_]+$/.test(cause), 'cause', 'is neither a name like USER_BUSY nor q850:<code> or sip:<code>');
  return { column: 'cause', value: cause };
}

export function checkOpenAccount(request: billing.OpenAccountRequest): void {
  const { accountNumber, currency, deck } = request;
  check(/^[A-Za-z0-9_-]{1,32}$/.test(accountNumber), 'account_number', 'is not 1 to 32 letters, digits, - and _');
  check(isCurrency(currency), 'currency', 'is not an ISO 4217 currency');
  check(deck !== '', 'deck', 'is empty');
}

export function checkImportDeck(request: billing.ImportDeckRequest): void {
  check(/^[A-Za-z0-9._-]{1,64}$/.test(request.name), 'name', 'is not 1 to 64 letters, digits, dots, - and _');
  check(request.currency === '' || isCurrency(request.currency), 'currency', 'is not an ISO 4217 currency');
  check(!request.csv.includes('\u0000'), 'csv', 'has a NUL character');
  checkMomentOrNone('valid_from_us', request.validFromUs);
}

export function checkExplain(request: billing.ExplainRequest): void {
  checkId('deck', request.deck);
  checkNumber('number', request.number);
  checkMoment('start_at_us', request.startAtUs);
  checkSpan('duration_us', request.durationUs);
}

export const checkExportDeck = ({ deck }: billing.ExportDeckRequest): void => checkId('deck', deck);

/** Rows of a page: what is asked for, at most 1,000, 100 when nothing is said. */
export function checkPageSize(size: number): number {
  check(size <= 1000, 'page_size', 'is more than 1000');
  return size === 0 ? 100 : size;
}
