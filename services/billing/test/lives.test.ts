/** Random lives of calls through the real service and database, with repetitions, delays, late requests and races. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { QuestionStream } from '@ringback/service-kit';
import fc from 'fast-check';
import { A, B, DECK, fresh, leg, NOON, pays, reserveRequest, S, settleRequest, World } from './support/world.ts';

const RUNS = 12;
const LIVES = 30;

type Asked = NonNullable<billing.Question['question']>;
let world: World;
type Stream = QuestionStream<billing.Question, billing.Answer, billing.AskStreamRequest, billing.AskStreamResponse>;
/** Of two dialers: the second one repeats what the first one asks. */
let streams: Stream[];
before(async () => {
  world = await World.start();
  await world.importDeck(DECK);
  streams = [0, 1].map(
    () =>
      new QuestionStream({
        open: () => world.billing.askStream(),
        pack: (questions) => ({ questions }),
        unpack: ({ answers }) => answers,
        idOf: ({ requestId }) => requestId,
      }),
  );
});
after(async () => {
  for (const stream of streams) stream.close();
  await world.close();
});

async function ask<C extends Asked['$case']>($case: C, value: Extract<Asked, { $case: C }>['value'], dialer = 0) {
  const question = { traceparent: '', question: { $case, value } as Asked };
  const { answer } = await streams[dialer]!.ask(value.requestId, question, 20_000);
  assert.equal(answer?.$case, $case, JSON.stringify(answer?.$case === 'refusal' ? answer.value : ''));
  return answer.value as Extract<NonNullable<billing.Answer['answer']>, { $case: C }>['value'];
}

interface Destination {
  readonly number: string;
  readonly ringsFor: number;
  /** Share of the promised time it talks, per mille; above 1,000 it overstays; undefined: no answer. */
  readonly talks: number | undefined;
}

interface Life {
  readonly account: number;
  readonly answers: boolean;
  readonly keysFor: number;
  readonly destinations: readonly Destination[];
  readonly cap: number;
  readonly repeats: boolean;
  readonly lateReserve: boolean;
}

const life: fc.Arbitrary<Life> = fc.record({
  account: fc.nat(3),
  answers: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
  keysFor: fc.integer({ min: 0, max: 30_000_000 }),
  destinations: fc.array(
    fc.record({
      number: fc.constantFrom(B, '+447700900123', '+48221112233', '+449011111111', '+1212'),
      ringsFor: fc.integer({ min: 0, max: 40_000_000 }),
      talks: fc.option(fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 1100 })), {
        nil: undefined,
      }),
    }),
    { maxLength: 3 },
  ),
  cap: fc.constantFrom(60, 600, 3600),
  repeats: fc.boolean(),
  lateReserve: fc.boolean(),
});

/** Plays one session to its end. Answers how many of its legs stayed within what they were promised, and still fell short. */
async function play(one: Life, account: string): Promise<void> {
  const sessionId = fresh('session');
  const a = fresh('leg');
  const payer = pays(account);
  const repeatable = async <T>(asked: (dialer?: number) => Promise<T>): Promise<T> => {
    if (!one.repeats) return asked();
    const [first, again] = await Promise.all([asked(0), asked(1)]);
    assert.deepEqual(again, first);
    return first;
  };
  const reserve = (legs: billing.QuoteLeg[]) => {
    const request = reserveRequest({ sessionId, payer, legs, capUs: BigInt(one.cap) * S });
    return repeatable((dialer) => ask('reserve', request, dialer));
  };
  let kept = true;
  const settle = async (legId: string, number: string, from: bigint, to: bigint | undefined, role = 'b') => {
    const times = { answeredAtUs: to === undefined ? 0n : from, endedAtUs: to ?? from };
    const cdr = { legId, sessionId, accountNumber: account, role, ...times };
    const request = settleRequest(to === undefined ? undefined : 0, cdr, { number });
    const settled = await repeatable((dialer) => ask('settle', request, dialer));
    if (kept) assert.equal(settled.shortfall, undefined, 'a leg within its promised time could not be paid');
    if (one.lateReserve) {
      const late = await reserve([leg(legId, number)]);
      assert.equal(late.outcome, 'OUTCOME_TOMBSTONE');
    }
  };

  const first = await reserve([leg(a, A)]);
  if (first.outcome !== 'OUTCOME_OK') return settle(a, A, NOON, undefined, 'a');
  if (!one.answers) return settle(a, A, NOON, undefined, 'a');
  let now = 0n;
  let paidUntil = first.maxUs;
  const until = (us: bigint): bigint => (us < paidUntil ? us : paidUntil);
  for (const { number, ringsFor, talks } of one.destinations) {
    now = until(now + BigInt(one.keysFor));
    const b = fresh('leg');
    const legs = [
      leg(a, A, { elapsedUs: now, leadUs: BigInt(ringsFor) }),
      leg(b, number, { startAtUs: NOON + now + BigInt(ringsFor) }),
    ];
    const both = await reserve(legs);
    if (both.outcome !== 'OUTCOME_OK') {
      assert.ok(['OUTCOME_NO_CREDIT', 'OUTCOME_BLOCKED'].includes(both.outcome));
      await settle(b, number, NOON + now, undefined);
      continue;
    }
    now += BigInt(ringsFor);
    paidUntil = now + both.maxUs;
    if (talks === undefined) {
      await settle(b, number, NOON + now, undefined);
      continue;
    }
    const talked = (both.maxUs * BigInt(talks)) / 1000n;
    if (talks > 1000) kept = false;
    await settle(b, number, NOON + now, NOON + now + talked);
    now += talked;
  }
  if (kept) now = until(now + BigInt(one.keysFor));
  return settle(a, A, NOON, NOON + now, 'a');
}

test(`${RUNS * LIVES} lives: the ledger balances, nothing stays held, no promised second is unpaid, every cent is in a CDR`, async () => {
  let lives = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(life, { minLength: LIVES, maxLength: LIVES }), async (all) => {
      const topped = [0.4, 1, 3, 25];
      const accounts = await Promise.all(topped.map((euros) => world.account(euros)));
      await Promise.all(all.map((one) => play(one, accounts[one.account]!)));
      lives += all.length;
      assert.deepEqual(await world.problems(), []);
      for (const [index, account] of accounts.entries()) {
        const [balance, held] = await world.purse(account);
        assert.equal(held, 0n);
        const { rows } = await world.pool.query(
          'SELECT coalesce(sum(cost - shortfall), 0)::int8 AS charged, count(*) AS legs FROM billing.cdr WHERE account_number = $1',
          [account],
        );
        assert.equal(balance, BigInt(topped[index]! * 1e6) - rows[0].charged);
      }
      const { rows } = await world.pool.query("SELECT count(*) AS pending FROM billing.hold WHERE state = 'pending'");
      assert.equal(rows[0].pending, 0n);
    }),
    { numRuns: RUNS, seed: Number(process.env.PROPERTY_SEED ?? 20_260_707), endOnFailure: true },
  );
  assert.equal(lives, RUNS * LIVES);
});
