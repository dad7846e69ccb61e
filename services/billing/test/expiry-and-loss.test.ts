/** Holds that nobody ends, and calls to callers whom nobody knows. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { billing } from '@ringback/contracts';
import { nowUs } from '@ringback/service-kit';
import { A, B, DECK, fresh, leg, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

const INBOUND = '+48223000000';
let world: World;
before(async () => {
  world = await World.start({
    HOLD_EXPIRY_SLACK: '10s',
    LOSS_BUDGET_DECK: 'standard',
    LOSS_BUDGET_PER_CALLER: '0.30 EUR',
    LOSS_BUDGET_PER_DAY: '0.50 EUR',
    INBOUND_DECK: 'inbound',
  });
  await world.importDeck(DECK);
  await world.importDeck('@currency,EUR\nprefix,price,blocked\n48223,0.06,\n482230009,,yes\n', 'inbound');
});
after(() => world.close());

describe('expiry', () => {
  /** A call that was paid for until `ago` seconds before now, for a minute. */
  async function held(ago: bigint): Promise<{ account: string; sessionId: string; legId: string; startAtUs: bigint }> {
    const account = await world.account(5);
    const [sessionId, legId] = [fresh('session'), fresh('leg')];
    const startAtUs = nowUs() - (60n + ago) * S;
    await world.reserve({ sessionId, payer: pays(account), legs: [leg(legId, A, { startAtUs })], capUs: 60n * S });
    return { account, sessionId, legId, startAtUs };
  }

  test('never frees money: past paid-until and slack the hold is posted in full; the truth corrects it', async () => {
    const { account, sessionId, legId, startAtUs } = await held(11n);
    await world.maintain();
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
    assert.equal(await world.platform('platform:suspense'), 110_000n);
    assert.deepEqual(await world.problems(), []);
    await world.maintain(); // once is enough
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);

    const late = await world.reserve({ sessionId, payer: pays(account), legs: [leg(legId, A, { startAtUs })] });
    assert.equal(late.outcome, 'OUTCOME_TOMBSTONE');
    const truth = { legId, sessionId, accountNumber: account, answeredAtUs: startAtUs, endedAtUs: startAtUs + 10n * S };
    await world.settle(settleRequest(10, truth));
    assert.deepEqual(await world.entries(account), [
      ['top_up', 5_000_000n],
      ['expiry', -110_000n],
      ['correction', 110_000n],
      ['call', -60_000n],
    ]);
    assert.equal(await world.platform('platform:suspense'), 0n);
    assert.deepEqual(await world.problems(), []);
  });

  test('within the slack a hold stays as it is', async () => {
    const { account } = await held(5n);
    await world.maintain();
    assert.deepEqual(await world.purse(account), [5_000_000n, 110_000n]);
  });

  test('the truth of an expired leg may be that it was never answered', async () => {
    const { account, sessionId, legId } = await held(11n);
    await world.maintain();
    await world.settle(settleRequest(undefined, { legId, sessionId, accountNumber: account }));
    assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
    assert.deepEqual(await world.problems(), []);
  });
});

describe('the loss budget', () => {
  let day = 20_000n;
  /** Each test has a day of its own. */
  const newDay = (): bigint => ++day * 86_400n * S;
  const unknown = (callerId: string): billing.ReserveRequest['payer'] => ({
    $case: 'lossBudget',
    value: { accessNumber: INBOUND, callerId },
  });
  const callA = (
    callerId: string,
    startAtUs: bigint,
    capUs: bigint,
    sessionId = fresh('session'),
    legId = fresh('leg'),
  ) =>
    reserveRequest({
      sessionId,
      payer: unknown(callerId),
      legs: [leg(legId, A, { startAtUs })],
      capUs,
      atUs: startAtUs,
    });

  test('is held by unknown callers, each and all together, and another day is another budget', async () => {
    const at = newDay();
    assert.equal((await world.reserve(callA('+48601', at, 600n * S))).maxUs, 250n * S); // 0.30
    assert.equal((await world.reserve(callA('+48601', at, 600n * S))).outcome, 'OUTCOME_BUDGET_EXHAUSTED');
    assert.equal((await world.reserve(callA('+48602', at, 600n * S))).maxUs, 150n * S); // what is left of 0.50
    assert.equal((await world.reserve(callA('+48603', at, 600n * S))).outcome, 'OUTCOME_BUDGET_EXHAUSTED');
    assert.equal((await world.reserve(callA('+48601', newDay(), 600n * S))).maxUs, 250n * S);
  });

  test('is charged for a caller who never proved an account; what was not used is free again', async () => {
    const at = newDay();
    const request = callA('+48601', at, 600n * S);
    await world.reserve(request);
    const { sessionId, legs } = request;
    const cdr = {
      legId: legs[0]!.legId,
      sessionId,
      toNumber: '+48601',
      createdAtUs: at,
      answeredAtUs: at,
      endedAtUs: at + 10n * S,
    };
    const settled = await world.settle(settleRequest(10, cdr, { lossBudget: true }));
    assert.deepEqual([settled.cost, settled.balance], [{ micros: 60_000n, currency: 'EUR' }, undefined]);
    assert.equal(await world.platform(`platform:loss:${INBOUND}`), -60_000n);
    assert.equal((await world.reserve(callA('+48601', at, 600n * S))).maxUs, 190n * S); // 0.24
    assert.deepEqual(await world.problems(), []);
  });

  test('gives way to the account after the PIN: the whole leg is the account’s', async () => {
    const at = newDay();
    const account = await world.account(5);
    const request = callA('+48601', at, 600n * S);
    await world.reserve(request);
    const legs = [leg(request.legs[0]!.legId, A, { startAtUs: at, elapsedUs: 30n * S })];
    const proved = await world.reserve({
      sessionId: request.sessionId,
      payer: pays(account),
      legs,
      capUs: 60n * S,
      atUs: at,
    });
    assert.equal(proved.held?.micros, 140_000n);
    assert.deepEqual(await world.purse(account), [5_000_000n, 140_000n]);
    assert.equal((await world.reserve(callA('+48601', at, 600n * S))).maxUs, 250n * S); // the budget is whole again
    const cdr = { legId: legs[0]!.legId, sessionId: request.sessionId, accountNumber: account };
    await world.settle(settleRequest(60, { ...cdr, answeredAtUs: at, endedAtUs: at + 60n * S }));
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
    assert.deepEqual(await world.problems(), []);
  });

  test('a call that began before midnight stays in its day', async () => {
    const at = newDay() + 86_390n * S;
    const request = callA('+48601', at, 60n * S);
    await world.reserve(request);
    const legs = [leg(request.legs[0]!.legId, A, { startAtUs: at, elapsedUs: 20n * S })];
    const next = { ...request, requestId: fresh('reserve'), legs, capUs: 600n * S, atUs: at + 20n * S };
    assert.equal((await world.reserve(next)).maxUs, 230n * S);
    assert.equal((await world.reserve(callA('+48601', at + 20n * S, 600n * S))).maxUs, 250n * S);
  });

  test('an expired hold of it is posted and corrected like any other', async () => {
    const at = nowUs() - 100n * S;
    const request = callA('+48601', at, 60n * S);
    await world.reserve(request);
    await world.maintain();
    const cdr = { legId: request.legs[0]!.legId, sessionId: request.sessionId, toNumber: '+48601', createdAtUs: at };
    await world.settle(settleRequest(1, { ...cdr, answeredAtUs: at, endedAtUs: at + S }, { lossBudget: true }));
    const { rows } = await world.pool.query("SELECT used FROM billing.loss_budget WHERE day = $1 AND key = 'total'", [
      Number(at / (86_400n * S)),
    ]);
    assert.equal(rows[0].used, 51_000n);
    assert.deepEqual(await world.problems(), []);
  });
});

describe('inbound legs', () => {
  test('are rated by their access number’s row', async () => {
    const account = await world.account(0.3);
    const legs = [leg(fresh('leg'), INBOUND, { inbound: true }), leg(fresh('leg'), B)];
    const answer = await world.reserve({ payer: pays(account), legs });
    assert.deepEqual([answer.outcome, answer.maxUs], ['OUTCOME_OK', 60n * S]); // 0.06 + 0.12, twice would be 0.36
    const settled = await world.settle(
      settleRequest(30, { accountNumber: account }, { number: INBOUND, inbound: true }),
    );
    assert.equal(settled.cost?.micros, 30_000n);
  });

  test('cost nothing without a row, and are blocked by one', async () => {
    const payer = pays(await world.account(0));
    const inbound = (number: string) => world.reserve({ payer, legs: [leg(fresh('leg'), number, { inbound: true })] });
    assert.deepEqual((await inbound('+491234')).held?.micros, 0n);
    assert.equal((await inbound('+48223000900')).outcome, 'OUTCOME_BLOCKED');
  });

  test('of callers who hang up before anybody knows them are the platform’s loss', async () => {
    const before = await world.platform('platform:shortfall');
    const settled = await world.settle(settleRequest(60, {}, { number: INBOUND, inbound: true }));
    assert.deepEqual([settled.cost, settled.shortfall?.micros], [{ micros: 60_000n, currency: 'EUR' }, 60_000n]);
    assert.equal((await world.platform('platform:shortfall')) - before, -60_000n);
    assert.deepEqual(await world.problems(), []);
  });
});
