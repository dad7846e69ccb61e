/** The mistakes that other systems are known for, each tried here through the whole service. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { nowUs } from '@ringback/service-kit';
import { A, B, DECK, fresh, leg, NOON, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

const HOUR = 3_600n * S;
const PLAIN = `@currency,EUR
@time_zone,UTC
@decimals,6
@rounding,half_up
prefix,price,increment,connect_fee,hours
481,0.10,1,,
482,0.0012345,1,,
483,0.06,1,0.05,
483,0.12,1,0.05,00:00-06:00
484,0.0000001,60,,
485,0.03,1,,
485,0.05,1,,13:00-14:00
486,999999.9999999,60,,
`;
let world: World;
before(async () => {
  world = await World.start({ HOLD_EXPIRY_SLACK: '10s' });
  await world.importDeck(DECK);
  await world.importDeck(PLAIN, 'plain');
});
after(() => world.close());

/** What a leg of `seconds` to `number` from `startUs` costs an account of the deck `plain`. */
async function charged(number: string, seconds: number, startUs = NOON): Promise<bigint> {
  const account = await world.account(1000, 'plain');
  const times = { answeredAtUs: startUs, endedAtUs: startUs + BigInt(Math.round(seconds * 1e6)), createdAtUs: startUs };
  const { cost } = await world.settle(settleRequest(seconds, { accountNumber: account, ...times }, { number }));
  return cost!.micros;
}

describe('money', () => {
  test('the price of an increment is not rounded before it is multiplied', async () => {
    assert.equal(await charged('+4811', 60), 100_000n);
    assert.equal(await charged('+4821', 6000), 123_450n);
  });

  test('the connect fee is taken once across midnight, and halves around midnight cost what they should', async () => {
    const midnight = NOON + 12n * HOUR;
    assert.equal(await charged('+4831', 60, midnight - 30n * S), 50_000n + 30_000n + 60_000n);
    assert.equal(await charged('+4831', 60, midnight - 60n * S), 50_000n + 60_000n);
    assert.equal(await charged('+4831', 60, midnight), 50_000n + 120_000n);
  });

  test('it is never floating point: what no double can hold is charged to the last micro-unit', async () => {
    const account = await world.account(0, 'plain');
    await world.topUp(account, 90_000_000_000_000_003n);
    // 10,013 minutes at 10^6 − 10^-7: an odd number of micro-units above 2^53.
    const { cost } = await world.settle(settleRequest(60 * 10_013, { accountNumber: account }, { number: '+4861' }));
    assert.equal(cost!.micros, 10_012_999_999_998_999n);
    assert.deepEqual(await world.purse(account), [79_987_000_000_001_004n, 0n]);
  });

  test('held again and again in intervals, a call costs what it costs in one', async () => {
    const account = await world.account(10, 'plain');
    const [sessionId, legId] = [fresh('session'), fresh('leg')];
    for (let elapsed = 0n; elapsed < 601n; elapsed += 7n) {
      const legs = [leg(legId, '+4821', { elapsedUs: elapsed * S })];
      const { outcome } = await world.reserve({ sessionId, payer: pays(account), legs, capUs: 10n * S });
      assert.equal(outcome, 'OUTCOME_OK');
    }
    const end = settleRequest(601, { sessionId, legId, accountNumber: account }, { number: '+4821' });
    assert.equal((await world.settle(end)).cost?.micros, 12_366n); // 601 × 0.0012345/60 = 0.012365575
    assert.deepEqual(await world.purse(account), [10_000_000n - 12_366n, 0n]);
  });

  test('the longest call is what can be paid, over a border of windows, and one second more cannot be', async () => {
    // 0.03 until 13:00, 0.05 for an hour, 0.03 again; from 12:30 on.
    const startAtUs = NOON + HOUR / 2n;
    const account = await world.account(3, 'plain');
    const legId = fresh('leg');
    const quote = await world.reserve({
      payer: pays(account),
      legs: [leg(legId, '+4851', { startAtUs })],
      capUs: 10n * HOUR,
    });
    // 0.90 for the first half hour, 2.10 are left: 42 minutes at 0.05.
    assert.equal(quote.maxUs, (1800n + 2520n) * S);
    assert.ok((await charged('+4851', 4320, startAtUs)) <= 3_000_000n);
    assert.ok((await charged('+4851', 4321, startAtUs)) > 3_000_000n);
  });
});

describe('both legs', () => {
  test('are debited, A also when nothing is left for it after B', async () => {
    const account = await world.account(0.3);
    const [sessionId, a, b] = [fresh('session'), fresh('leg'), fresh('leg')];
    const legs = [leg(a, A), leg(b, B)];
    const quote = await world.reserve({ sessionId, payer: pays(account), legs, capUs: HOUR });
    assert.equal(quote.maxUs, 60n * S);
    // Both outstay what was paid for: each is charged in full, and what is not there is told, not forgotten.
    const of = (legId: string, role: string, number: string) =>
      world.settle(settleRequest(130, { sessionId, legId, role, accountNumber: account }, { number }));
    const settledB = await of(b, 'b', B);
    const settledA = await of(a, 'a', A);
    assert.deepEqual([settledB.cost?.micros, settledA.cost?.micros], [360_000n, 180_000n]);
    const short = (settledB.shortfall?.micros ?? 0n) + (settledA.shortfall?.micros ?? 0n);
    assert.deepEqual([await world.purse(account), short], [[0n, 0n], 240_000n]);
    assert.deepEqual(await world.problems(), []);
  });

  test('the first increment of each counts at admission: the balance never goes below zero', async () => {
    // 0.051 for A, a minute of B for 0.12.
    for (const [euros, outcome] of [
      [0.170999, 'OUTCOME_NO_CREDIT'],
      [0.171, 'OUTCOME_OK'],
    ] as const) {
      const account = await world.account(euros);
      const legs = [leg(fresh('leg'), A), leg(fresh('leg'), B)];
      assert.equal((await world.reserve({ payer: pays(account), legs, capUs: HOUR })).outcome, outcome);
    }
  });

  test('a lost answer time makes no call free: such a report is refused, and names the field', async () => {
    const account = await world.account(5);
    const lost = settleRequest(undefined, { accountNumber: account, result: 'success' });
    await assert.rejects(world.settle(lost), /cdr.answered_at_us: is not set, and the leg’s result says/);
    assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
  });

  test('an unanswered leg, or one redirected to early media of a mailbox, costs nothing and has its CDR', async () => {
    const account = await world.account(5);
    const request = settleRequest(undefined, {
      accountNumber: account,
      progressAtUs: NOON,
      endedAtUs: NOON + 60n * S,
      cause: 'NO_ANSWER',
    });
    assert.equal((await world.settle(request)).cost?.micros, 0n);
    const cdr = await world.cdr(request.cdr!.legId);
    assert.deepEqual([cdr.billedUs, cdr.cost?.micros, cdr.transferId, cdr.cause], [0n, 0n, '', 'NO_ANSWER']);
    assert.deepEqual(await world.purse(account), [5_000_000n, 0n]);
  });
});

describe('once', () => {
  test('a call told in real time and again from the switch’s CDR file is charged once', async () => {
    const account = await world.account(5);
    const live = settleRequest(60, { accountNumber: account });
    const file = { ...live, requestId: fresh('file'), cdr: { ...live.cdr!, cause: 'NORMAL_CLEARING', sipStatus: 200 } };
    const answers = await Promise.all([live, file, live, file].map((each) => world.settle(each)));
    assert.equal(new Set(answers.map(({ transferId }) => transferId)).size, 1);
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
    const { rows } = await world.pool.query('SELECT count(*) FROM billing.cdr WHERE account_number = $1', [account]);
    assert.equal(rows[0].count, 1n);
  });

  test('the same request an hour later, after a restart and the expiry of its hold, is what it was', async () => {
    const account = await world.account(5);
    const startAtUs = nowUs() - 2n * HOUR;
    const request = reserveRequest({
      payer: pays(account),
      legs: [leg(fresh('leg'), A, { startAtUs })],
      capUs: 60n * S,
      atUs: startAtUs,
    });
    const first = await world.reserve(request);
    await world.maintain();
    await world.restart();
    const before = await world.purse(account);
    // The next owner of the session asks an hour later, with a higher epoch.
    assert.deepEqual(await world.reserve({ ...request, atUs: startAtUs + HOUR, epoch: 9n }), first);
    assert.deepEqual(await world.purse(account), before);
    const { sessionId } = request;
    const times = { answeredAtUs: startAtUs, endedAtUs: startAtUs + 30n * S };
    const end = settleRequest(30, { sessionId, legId: request.legs[0]!.legId, accountNumber: account, ...times });
    const settled = await world.settle(end);
    await world.restart();
    assert.deepEqual(await world.settle(end), settled);
    assert.deepEqual(await world.purse(account), [4_920_000n, 0n]);
    assert.deepEqual(await world.problems(), []);
  });

  test('events in any order, late and twice: an end before its reserve, an extension after its end', async () => {
    for (const order of permutations([0, 1, 2])) {
      const account = await world.account(5);
      const [sessionId, legId] = [fresh('session'), fresh('leg')];
      const reserve = reserveRequest({ sessionId, payer: pays(account), legs: [leg(legId, A)], capUs: 60n * S });
      const legs = [leg(legId, A, { elapsedUs: 30n * S })];
      const extend = reserveRequest({ sessionId, payer: pays(account), legs, capUs: 600n * S });
      const end = settleRequest(40, { sessionId, legId, accountNumber: account });
      const events = [() => world.reserve(reserve), () => world.reserve(extend), () => world.settle(end)];
      for (const index of order) {
        const first = await events[index]!();
        assert.deepEqual(await events[index]!(), first);
      }
      for (const event of events) await event();
      assert.deepEqual(await world.purse(account), [4_910_000n, 0n], `order ${order.join()}`);
    }
    assert.deepEqual(await world.problems(), []);
  });

  test('of two dialers that claim a session the older one holds nothing, however they interleave', async () => {
    let shard = 10;
    for (let round = 0; round < 8; round++) {
      const account = await world.account(5);
      const sessionId = fresh('session');
      shard++;
      const ask = (epoch: bigint, legId: string) =>
        world.reserve({ sessionId, payer: pays(account), legs: [leg(legId, A)], capUs: 60n * S, shard, epoch });
      const [mine, theirs] = [fresh('leg'), fresh('leg')];
      const answers = await Promise.all(
        round % 2 ? [ask(1n, theirs), ask(2n, mine)] : [ask(2n, mine), ask(1n, theirs)],
      );
      const [young, old] = round % 2 ? [answers[1]!, answers[0]!] : [answers[0]!, answers[1]!];
      assert.equal(young.outcome, 'OUTCOME_OK');
      assert.ok(['OUTCOME_OK', 'OUTCOME_STALE_EPOCH'].includes(old.outcome));
      // Once the younger one is known, the older one is refused for good, also under a key of its own.
      assert.equal((await ask(1n, fresh('leg'))).outcome, 'OUTCOME_STALE_EPOCH');
      const held = BigInt(answers.filter(({ outcome }) => outcome === 'OUTCOME_OK').length) * 110_000n;
      assert.deepEqual(await world.purse(account), [5_000_000n, held]);
    }
  });
});

describe('a switch whose clock is set by an hour in the middle of a call', () => {
  for (const [jump, what] of [
    [HOUR, '+3600'],
    [-HOUR, '-3600'],
  ] as const) {
    test(`${what} s: the monotonic time is charged, and the CDR says so`, async () => {
      const account = await world.account(100);
      const [sessionId, legId] = [fresh('session'), fresh('leg')];
      await world.reserve({ sessionId, payer: pays(account), legs: [leg(legId, A)], capUs: 600n * S });
      const endedAtUs = NOON + 60n * S + jump;
      const report = { sessionId, legId, accountNumber: account, endedAtUs, monotonicUs: 60n * S - 3_000n };
      assert.equal((await world.settle(settleRequest(60, report))).cost?.micros, 110_000n);
      const cdr = await world.cdr(legId);
      assert.deepEqual([cdr.billedUs, cdr.endedAtUs, cdr.monotonicUs], [59_997_000n, endedAtUs, 59_997_000n]);
      assert.equal(
        cdr.note,
        `the switch’s clock jumped by ${what}.003 s: charged by the monotonic time`.replace('-3600.003', '-3599.997'),
      );
      assert.deepEqual(await world.purse(account), [99_890_000n, 0n]);
      assert.deepEqual(await world.problems(), []);
    });
  }

  test('clocks that agree within a second: the switch’s microseconds are charged', async () => {
    const account = await world.account(5);
    const request = settleRequest(60, { accountNumber: account, monotonicUs: 60n * S + 900_000n });
    assert.equal((await world.settle(request)).cost?.micros, 110_000n);
    assert.equal((await world.cdr(request.cdr!.legId)).note, '');
  });

  test('a platform’s cut-off stays the limit; a leg that was not answered has no time', async () => {
    const account = await world.account(5);
    const cut = settleRequest(
      60,
      { accountNumber: account, endedAtUs: NOON + HOUR, monotonicUs: 61n * S },
      { maxBillableUs: 60n * S },
    );
    assert.equal((await world.settle(cut)).cost?.micros, 110_000n);
    const odd = settleRequest(undefined, { accountNumber: account, monotonicUs: 5n });
    await assert.rejects(world.settle(odd), /cdr.monotonic_us: is set, and the leg was not answered/);
  });
});

function permutations(items: readonly number[]): number[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) => permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]));
}
