/** Each field: what is wrong with it is said by its name, alone and in a batch; nothing is written. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { call, GrpcError } from '@ringback/service-kit';
import { A, DECK, fresh, leg, NOON, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

let world: World;
let account: string;
before(async () => {
  world = await World.start();
  await world.importDeck(DECK);
  account = await world.account(5);
});
after(() => world.close());

const DAYS_31 = 31n * 86_400n * S;
const lossBudget = (accessNumber: string, callerId: string): billing.ReserveRequest['payer'] => ({
  $case: 'lossBudget',
  value: { accessNumber, callerId },
});
const withLeg = (more: Partial<billing.QuoteLeg>): Partial<billing.ReserveRequest> => ({ legs: [leg('l', A, more)] });

const RESERVE: [field: string, message: RegExp, request: Partial<billing.ReserveRequest>][] = [
  ['request_id', /is empty/, { requestId: '' }],
  ['request_id', /longer than 200/, { requestId: 'x'.repeat(201) }],
  ['request_id', /control characters/, { requestId: 'a\u0001b' }],
  ['session_id', /is empty/, { sessionId: '' }],
  ['payer', /is not set/, { payer: undefined }],
  ['account_number', /is empty/, { payer: pays('') }],
  ['loss_budget.access_number', /E.164/, { payer: lossBudget('1', '+48601') }],
  ['loss_budget.caller_id', /E.164/, { payer: lossBudget('+48223', 'anonymous') }],
  ['legs', /is empty/, { legs: [] }],
  ['legs', /more than 50/, { legs: Array.from({ length: 51 }, (_, index) => leg(`l${index}`, A)) }],
  ['legs[0].leg_id', /is empty/, { legs: [leg('', A)] }],
  ['legs[1].leg_id', /is the one of legs\[0\]/, { legs: [leg('x', A), leg('x', A)] }],
  ['legs[0].number', /E.164/, { legs: [leg('x', '0048601')] }],
  ['legs[0].start_at_us', /is not set/, withLeg({ startAtUs: 0n })],
  ['legs[0].start_at_us', /is negative/, withLeg({ startAtUs: -1n })],
  ['legs[0].start_at_us', /epoch microseconds/, withLeg({ startAtUs: NOON * 1000n })],
  ['legs[0].elapsed_us', /is negative/, withLeg({ elapsedUs: -1n })],
  ['legs[0].elapsed_us', /longer than 30 days/, withLeg({ elapsedUs: DAYS_31 })],
  ['legs[0].lead_us', /is negative/, withLeg({ leadUs: -1n })],
  ['cap_us', /not positive/, { capUs: 0n }],
  ['cap_us', /longer than 30 days/, { capUs: DAYS_31 }],
  ['min_us', /is negative/, { minUs: -1n }],
  ['min_us', /longer than cap_us/, { capUs: S, minUs: 2n * S }],
  ['shard', /below 64/, { shard: 64 }],
  ['at_us', /is not set/, { atUs: 0n }],
];

const SETTLE: [field: string, message: RegExp, change: (request: billing.SettleRequest) => void][] = [
  ['request_id', /is empty/, (request) => void (request.requestId = '')],
  ['cdr', /is not set/, (request) => void (request.cdr = undefined)],
  ['cdr.leg_id', /is empty/, ({ cdr }) => void (cdr!.legId = '')],
  ['cdr.session_id', /is empty/, ({ cdr }) => void (cdr!.sessionId = '')],
  ['cdr.role', /none of trigger, a, b/, ({ cdr }) => void (cdr!.role = 'c')],
  ['cdr.result', /none of success, /, ({ cdr }) => void (cdr!.result = 'great')],
  ['cdr.reason', /control characters/, ({ cdr }) => void (cdr!.reason = 'x\ny')],
  ['cdr.to_number', /longer than 200/, ({ cdr }) => void (cdr!.toNumber = '1'.repeat(201))],
  ['cdr.attempt', /too large/, ({ cdr }) => void (cdr!.attempt = 2 ** 31)],
  ['cdr.created_at_us', /is not set/, ({ cdr }) => void (cdr!.createdAtUs = 0n)],
  ['cdr.progress_at_us', /is negative/, ({ cdr }) => void (cdr!.progressAtUs = -1n)],
  ['cdr.answered_at_us', /is negative/, ({ cdr }) => void (cdr!.answeredAtUs = -1n)],
  ['cdr.ended_at_us', /is not set, and the leg was answered/, ({ cdr }) => void (cdr!.endedAtUs = 0n)],
  ['cdr.ended_at_us', /more than 30 days/, ({ cdr }) => void (cdr!.endedAtUs = cdr!.answeredAtUs + DAYS_31)],
  ['number', /E.164/, (request) => void (request.number = '')],
  ['number', /E.164/, (request) => void (request.number = 'sip:bob')],
  ['max_billable_us', /is negative/, (request) => void (request.maxBillableUs = -1n)],
];

async function refusedAlone(asked: Promise<unknown>, field: string, message: RegExp): Promise<void> {
  await assert.rejects(asked, (error) => {
    assert.ok(error instanceof GrpcError);
    assert.equal(error.code, 'INVALID_ARGUMENT');
    assert.ok(error.message.startsWith(`${field}: `), `${error.message} does not name ${field}`);
    assert.match(error.message, message);
    return true;
  });
}

describe('a bad field is named', () => {
  for (const [field, message, request] of RESERVE) {
    test(`Reserve ${field} ${message.source}`, () =>
      refusedAlone(world.reserve({ payer: pays(account), ...request }), field, message));
  }
  for (const [field, message, change] of SETTLE) {
    test(`Settle ${field} ${message.source}`, () => {
      const request = settleRequest(10, { accountNumber: account });
      change(request);
      return refusedAlone(world.settle(request), field, message);
    });
  }

  test('in a batch each question has its own answer', async () => {
    const good = reserveRequest({ payer: pays(account), capUs: S });
    const questions: billing.Question['question'][] = [
      ...RESERVE.map(([, , request]) => ({
        $case: 'reserve' as const,
        value: reserveRequest({ payer: pays(account), ...request }),
      })),
      { $case: 'reserve', value: good },
      { $case: 'getBalance', value: { requestId: 'balance', accountNumber: account } },
      { $case: 'getBalance', value: { requestId: 'whose', accountNumber: '' } },
      undefined,
    ];
    const stream = world.billing.askStream();
    const answers = await new Promise<billing.Answer[]>((resolve, reject) => {
      stream.on('data', (response: billing.AskStreamResponse) => resolve(response.answers));
      stream.on('error', reject);
      stream.write({ questions: questions.map((question) => ({ traceparent: '', question })) });
    });
    stream.end();
    assert.equal(answers.length, questions.length);
    for (const [index, [field, message, request]] of RESERVE.entries()) {
      const { answer, requestId } = answers[index]!;
      assert.ok(answer?.$case === 'refusal');
      assert.equal(requestId, (questions[index]!.value as billing.ReserveRequest).requestId);
      assert.deepEqual(
        [answer.value.code, answer.value.field],
        ['INVALID_ARGUMENT', field],
        JSON.stringify(Object.keys(request)),
      );
      assert.match(answer.value.message, message);
    }
    const [reserved, balance, whose, nothing] = answers.slice(RESERVE.length);
    assert.ok(reserved?.answer?.$case === 'reserve' && reserved.answer.value.outcome === 'OUTCOME_OK');
    assert.equal(reserved.requestId, good.requestId);
    assert.ok(balance?.answer?.$case === 'getBalance' && balance.answer.value.balance?.micros === 5_000_000n);
    assert.ok(whose?.answer?.$case === 'refusal' && whose.answer.value.field === 'account_number');
    assert.ok(nothing?.answer?.$case === 'refusal' && nothing.answer.value.field === 'question');
  });

  test('for people and tools too', async () => {
    const { ledger, decks } = world;
    const topUp = (request: Partial<billing.TopUpRequest>) =>
      call(ledger, ledger.topUp, {
        requestId: fresh('top'),
        accountNumber: account,
        amount: { micros: 1n, currency: 'EUR' },
        note: '',
        ...request,
      });
    await refusedAlone(topUp({ requestId: '' }), 'request_id', /is empty/);
    await refusedAlone(topUp({ accountNumber: '' }), 'account_number', /is empty/);
    await refusedAlone(topUp({ amount: undefined }), 'amount', /is not set/);
    await refusedAlone(topUp({ amount: { micros: 0n, currency: 'EUR' } }), 'amount.micros', /not positive/);
    await refusedAlone(topUp({ amount: { micros: 1n, currency: 'euro' } }), 'amount.currency', /ISO 4217/);
    const open = (accountNumber: string, currency: string, deck: string) =>
      call(ledger, ledger.openAccount, { accountNumber, currency, deck });
    await refusedAlone(open('a b', 'EUR', 'standard'), 'account_number', /1 to 32/);
    await refusedAlone(open('platform:cash', 'EUR', 'standard'), 'account_number', /1 to 32/);
    await refusedAlone(open('x', 'EURO', 'standard'), 'currency', /ISO 4217/);
    await refusedAlone(open('x', 'EUR', ''), 'deck', /is empty/);
    const cdrs = (request: Partial<billing.ListCdrsRequest>) =>
      call(ledger, ledger.listCdrs, billing.ListCdrsRequest.fromPartial(request));
    await refusedAlone(cdrs({ pageSize: 1001 }), 'page_size', /more than 1000/);
    await refusedAlone(cdrs({ pageToken: 'nonsense' }), 'page_token', /not one that was given out/);
    const imported = (request: Partial<billing.ImportDeckRequest>) =>
      call(decks, decks.importDeck, billing.ImportDeckRequest.fromPartial({ name: 'x', csv: DECK, ...request }));
    await refusedAlone(imported({ name: '../x' }), 'name', /1 to 64/);
    await refusedAlone(imported({ currency: 'EURO' }), 'currency', /ISO 4217/);
    await refusedAlone(imported({ validFromUs: -1n }), 'valid_from_us', /negative/);
    const explained = (request: Partial<billing.ExplainRequest>) =>
      call(decks, decks.explain, { deck: 'standard', number: A, startAtUs: NOON, durationUs: S, ...request });
    await refusedAlone(explained({ deck: '' }), 'deck', /is empty/);
    await refusedAlone(explained({ number: '1' }), 'number', /E.164/);
    await refusedAlone(explained({ startAtUs: 0n }), 'start_at_us', /is not set/);
    await refusedAlone(explained({ durationUs: -1n }), 'duration_us', /is negative/);
  });

  test('and nothing was written', async () => {
    const { rows } = await world.pool.query(
      'SELECT (SELECT count(*) FROM billing.cdr) AS cdrs, (SELECT count(*) FROM billing.hold) AS holds',
    );
    assert.deepEqual(rows[0], { cdrs: 0n, holds: 1n });
  });
});
