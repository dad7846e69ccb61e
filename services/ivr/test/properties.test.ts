import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { ivr } from '@ringback/contracts';
import { SOUNDS_DIR } from '@ringback/prompts';
import type { Event } from '../src/dialogue/moves.ts';
import { step, type Stepped } from '../src/dialogue/step.ts';
import { MOST_TURNS } from '../src/dialogue/destinations.ts';
import { VOICES } from './conversation.ts';

const SEED = 20_260_102;
const RUNS = 800;
const { Collected_Outcome: Input, PinResult_Outcome: Pin, Reason } = ivr;
const known = <T extends string>(values: Record<string, T>): T[] =>
  Object.values(values).filter((value) => value !== 'UNRECOGNIZED' && !value.endsWith('UNSPECIFIED'));

const FILES: ReadonlySet<string> = new Set(
  VOICES.languages().flatMap((lang) =>
    readdirSync(`${SOUNDS_DIR}/${lang}`).flatMap((file) =>
      file.endsWith('.wav') ? [`${lang}/${file.slice(0, -4)}`] : [],
    ),
  ),
);

const money = fc.record({
  micros: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
  currency: fc.constantFrom('EUR', 'PLN', 'USD', 'GBP', 'CHF', 'JPY'),
});
const digits = fc.oneof(
  fc.constantFrom('', '', '*', '#', '#11', '11', '1', '1', '112', '00442079460000', '601000001'),
  fc.string({ unit: fc.constantFrom(...'0123456789*#'), maxLength: 24 }),
);
const language = fc.constantFrom('en', 'pl', 'pl-PL', 'de', 'en-US', '');
const startEvent: fc.Arbitrary<Event> = fc
  .record({
    mode: fc.constantFrom('callback', 'direct'),
    language,
    accountKnown: fc.boolean(),
    authorised: fc.boolean(),
    confirm: fc.boolean(),
    balance: fc.option(money, { nil: undefined }),
    endCode: fc.constantFrom('#11', '', '**9'),
  })
  .map((value) => ({ $case: 'start', value: { ...value, authorised: value.authorised && value.accountKnown } }));

const collected = (secret: boolean): fc.Arbitrary<Event> =>
  fc.record({ outcome: fc.constantFrom(...known(Input)), digits, some: fc.boolean() }).map(({ outcome, ...keyed }) => ({
    $case: 'collected',
    value: { outcome, digits: secret ? '' : keyed.digits, sealed: secret && keyed.some },
  }));
const reason = fc.constantFrom(...known(Reason));
const pinResult: fc.Arbitrary<Event> = fc
  .record({
    outcome: fc.constantFrom(Pin.OK, Pin.WRONG, Pin.WRONG, Pin.WRONG, Pin.LOCKED, Pin.SUSPENDED),
    language: language,
    balance: fc.option(money, { nil: undefined }),
    callerIdSaved: fc.boolean(),
  })
  .map((value) => ({ $case: 'pinResult', value }));
const destinationResult: fc.Arbitrary<Event> = fc.oneof(
  reason.map((refused): Event => ({ $case: 'destinationResult', value: { refused, maxSeconds: 0, capped: false } })),
  fc
    .record({ maxSeconds: fc.integer({ min: 1, max: 2 ** 32 - 1 }), capped: fc.boolean() })
    .map((value): Event => ({ $case: 'destinationResult', value: { refused: Reason.UNSPECIFIED, ...value } })),
);
const balanceResult: fc.Arbitrary<Event> = money.map((balance) => ({ $case: 'balanceResult', value: { balance } }));
const legBEnded: fc.Arbitrary<Event> = reason.map((why) => ({ $case: 'legBEnded', value: { reason: why } }));
const askFailed: fc.Arbitrary<Event> = fc.constant({ $case: 'askFailed', value: {} });

/** What may come after what was asked for. */
function answerTo({ next }: Stepped): fc.Arbitrary<Event> {
  if (next.$case === 'collect') return collected(next.value.secret);
  if (next.$case === 'dial') return fc.oneof({ weight: 4, arbitrary: legBEnded }, askFailed);
  assert.equal(next.$case, 'ask');
  const { question } = next.value;
  const answers = { verifyPin: pinResult, destination: destinationResult, balance: balanceResult };
  return fc.oneof({ weight: 6, arbitrary: answers[question!.$case] }, askFailed);
}

interface Life {
  start: ivr.Start;
  steps: { event: Event; before: string; stepped: Stepped }[];
}

/** Dials are what a caller pays for; between two of them the dialogue has to come to an end by itself. */
const MOST_DIALS = 3;
const MOST_STEPS = 400;

/** Plays a whole call with whatever comes. */
function live(g: fc.GeneratorValue): Life {
  const first = g(() => startEvent);
  const life: Life = { start: first.value as ivr.Start, steps: [] };
  let event = first;
  let before = '';
  let dials = 0;
  for (;;) {
    const stepped = step(before, event, VOICES);
    life.steps.push({ event, before, stepped });
    if (stepped.next.$case === 'goodbye') return life;
    assert.ok(life.steps.length < MOST_STEPS, 'it does not end');
    if (stepped.next.$case === 'dial') dials += 1;
    before = stepped.state;
    const arbitrary = answerTo(stepped);
    event = g(() => arbitrary);
    if (dials >= MOST_DIALS && event.$case === 'destinationResult') {
      event = { $case: 'destinationResult', value: { refused: Reason.BLOCKED, maxSeconds: 0, capped: false } };
    }
  }
}

const check = (property: (life: Life) => void): void =>
  fc.assert(
    fc.property(fc.gen(), (g) => property(live(g))),
    // A whole call shrinks for minutes; the seed brings it back at once.
    { seed: SEED, numRuns: RUNS, endOnFailure: true },
  );

const speaksBalance = ({ prompts }: Stepped): boolean => prompts.some((id) => id.endsWith('/your_balance_is'));

test('every dialogue ends, whatever is keyed and whatever fails', () => {
  check(({ steps }) => {
    assert.equal(steps.at(-1)?.stepped.next.$case, 'goodbye');
    let turns = 0;
    for (const { stepped } of steps) {
      if (stepped.next.$case === 'dial') turns = 0;
      else if (stepped.next.$case === 'collect' && stepped.next.value.singleDigitCommands === '*') turns += 1;
      assert.ok(turns <= MOST_TURNS + 1);
    }
  });
});

test('a silent caller is asked three times at most', () => {
  fc.assert(
    fc.property(startEvent, fc.boolean(), (event, failing) => {
      let stepped = step('', event, VOICES);
      const value = { outcome: failing ? Input.PLAY_FAILED : Input.NOTHING, digits: '', sealed: false };
      for (let asked = 1; stepped.next.$case !== 'goodbye'; asked += 1) {
        assert.ok(asked <= 3);
        stepped = step(stepped.state, { $case: 'collected', value }, VOICES);
      }
    }),
    { seed: SEED },
  );
});

test('the balance is a secret until the PIN, unless the telephone itself was called back', () => {
  check(({ start, steps }) => {
    let trusted = start.authorised || (start.accountKnown && start.mode === 'callback');
    for (const { event, stepped } of steps) {
      if (event.$case === 'pinResult' && event.value.outcome === Pin.OK) trusted = true;
      if (!trusted) assert.ok(!speaksBalance(stepped));
    }
  });
});

test('nothing but the request to press one is said before one is pressed', () => {
  check(({ start, steps }) => {
    if (!start.confirm) return;
    for (const { event, stepped } of steps) {
      if (event.$case === 'collected' && event.value.digits === '1') return;
      for (const id of stepped.prompts) assert.match(id, /\/confirm_callback(_again)?$/);
    }
  });
});

test('no destination is asked for, and none dialled, before the caller is authorised', () => {
  check(({ start, steps }) => {
    let { authorised } = start;
    for (const { event, stepped } of steps) {
      if (event.$case === 'pinResult' && event.value.outcome === Pin.OK) authorised = true;
      const { next } = stepped;
      if (next.$case === 'dial' || (next.$case === 'ask' && next.value.question?.$case !== 'verifyPin')) {
        assert.ok(authorised);
      }
    }
  });
});

test('a PIN is tried three times at most', () => {
  check(({ steps }) => {
    const asked = steps.filter(
      ({ stepped: { next } }) => next.$case === 'ask' && next.value.question?.$case === 'verifyPin',
    );
    assert.ok(asked.length <= 3);
  });
});

test('what is to be played exists', () => {
  check(({ steps }) => {
    for (const { stepped } of steps) for (const id of stepped.prompts) assert.ok(FILES.has(id), id);
  });
});

test('the state is small, names no destination, and is enough: the same request has the same answer', () => {
  check(({ steps }) => {
    for (const { event, before, stepped } of steps) {
      assert.ok(stepped.state.length <= 400, `${stepped.state.length} characters`);
      // What a caller gives for an account number may be anything.
      const { account, ...remembered } = JSON.parse(stepped.state) as { account: string };
      if (event.$case === 'collected' && event.value.digits.length >= 9) {
        assert.ok(!JSON.stringify(remembered).includes(event.value.digits));
      }
      assert.ok(account.length <= 32);
      assert.deepEqual(step(before, event, VOICES), stepped);
    }
  });
});
