import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { sw } from '@ringback/contracts';
import fc from 'fast-check';
import { begin, type Done, type Input, type Step, step } from '../src/core/collect.ts';
import { Keypresses, TypeAhead } from '../src/core/digits.ts';

const request = (fields: Partial<sw.Collect> = {}): sw.Collect =>
  sw.Collect.fromPartial({
    minDigits: 1,
    maxDigits: 6,
    terminators: '#',
    firstDigitTimeoutMs: 8_000,
    interDigitTimeoutMs: 4_000,
    singleDigitCommands: '*',
    ...fields,
  } as never);

/** Keys are digits; `.` the prompt's end, `!` its failure, `~` silence, `s` a StopPlay. */
function run(
  collect: sw.Collect | undefined,
  script: string,
  hasPrompt = true,
): { done: Done | undefined; steps: Step[] } {
  const steps = [begin(collect, hasPrompt, false)];
  for (const key of script) {
    const last = steps.at(-1)!;
    if (last.done) break;
    const input: Input =
      key === '.' || key === '!'
        ? { is: 'prompt_ended', played: key === '.' }
        : key === '~'
          ? { is: 'silence' }
          : key === 's'
            ? { is: 'stop' }
            : { is: 'digit', digit: key };
    steps.push(step(last.entry, input));
  }
  return { done: steps.at(-1)!.done, steps };
}

const TABLE: [
  what: string,
  fields: Partial<sw.Collect>,
  script: string,
  outcome: string | undefined,
  digits: string,
][] = [
  ['terminated', {}, '.123#', 'COMPLETE', '123'],
  ['over the prompt', {}, '12#', 'COMPLETE', '12'],
  ['full length', {}, '.123456', 'COMPLETE', '123456'],
  ['then silence', {}, '.12~', 'TIMEOUT', '12'],
  ['nothing at all', {}, '.~', 'NOTHING', ''],
  ['silence does not count while the prompt is heard', {}, '~', undefined, ''],
  ['a command at once', {}, '*', 'COMPLETE', '*'],
  ['a star within is a digit', {}, '.1*2#', 'COMPLETE', '1*2'],
  ['a lone terminator is for an earlier question', {}, '#.#5#', 'COMPLETE', '5'],
  ['a lone terminator where nothing is an answer', { minDigits: 0 }, '.#', 'COMPLETE', ''],
  ['a leading # that ends nothing', { terminators: '' }, '#.#12~', 'TIMEOUT', '12'],
  ['fourth column of keys', {}, '.A1B#', 'COMPLETE', '1'],
  ['the prompt could not be played, nothing keyed', {}, '!~', 'PLAY_FAILED', ''],
  ['the prompt could not be played, some digits', {}, '!1~', 'PLAY_FAILED', '1'],
  ['the prompt could not be played, keyed all the same', {}, '!12#', 'COMPLETE', '12'],
  ['stopped', {}, '.12s', 'STOPPED', '12'],
  ['stopped in the prompt', {}, 's', 'STOPPED', ''],
];

describe('an input', () => {
  for (const [what, fields, script, outcome, digits] of TABLE) {
    test(`${what}: ${script}`, () => {
      const { done } = run(request(fields), script);
      assert.equal(done?.outcome, outcome && `OUTCOME_${outcome}`);
      assert.equal(done?.digits ?? '', digits);
    });
  }

  test('only a prompt', () => {
    assert.equal(run(undefined, '12.').done?.outcome, 'OUTCOME_PLAYED');
    assert.equal(run(undefined, '!').done?.outcome, 'OUTCOME_PLAY_FAILED');
    assert.equal(run(undefined, '', false).done?.outcome, 'OUTCOME_PLAYED');
  });

  test('timers: first digit from the prompt’s end, between digits from each', () => {
    const timers = (script: string, hasPrompt = true): (number | undefined)[] =>
      run(request(), script, hasPrompt).steps.map(({ timerMs }) => timerMs);
    assert.deepEqual(timers('.12#'), [0, 8_000, 4_000, 4_000, 0]);
    assert.deepEqual(timers('1', false), [8_000, 4_000]);
    assert.deepEqual(timers('#.'), [0, undefined, 8_000]);
  });

  test('the first digit that counts stops the prompt, once', () => {
    assert.deepEqual(
      run(request(), '#12#').steps.map(({ breakPrompt }) => breakPrompt),
      [false, false, true, false, false],
    );
    assert.equal(run(request(), '*').steps.at(-1)?.breakPrompt, true);
    assert.equal(run(request(), 's').steps.at(-1)?.breakPrompt, true);
  });

  test('whatever is keyed, the result has at most max digits, no terminator, and comes once', () => {
    const scripts = fc.string({ unit: fc.constantFrom(...'0123456789*#ABCD.!~s'), maxLength: 40 });
    const requests = fc.record({
      minDigits: fc.integer({ min: 0, max: 3 }),
      maxDigits: fc.integer({ min: 3, max: 8 }),
      terminators: fc.constantFrom('', '#', '#*'),
      singleDigitCommands: fc.constantFrom('', '*', '*0'),
    });
    fc.assert(
      fc.property(requests, scripts, fc.boolean(), (fields, script, hasPrompt) => {
        const collect = request(fields);
        const { done, steps } = run(collect, script, hasPrompt);
        assert.equal(steps.filter((each) => each.done).length, done ? 1 : 0);
        assert.equal(steps.filter((each) => each.breakPrompt).length <= 1, true);
        if (!done) return;
        assert.match(done.digits, /^[0-9*#]*$/);
        assert.ok(done.digits.length <= collect.maxDigits);
        if (!done.command) assert.ok([...done.digits].every((digit) => !collect.terminators.includes(digit)));
        if (done.command) assert.ok(done.digits.length === 1 && collect.singleDigitCommands.includes(done.digits));
      }),
    );
  });
});

describe('keypresses', () => {
  test('told twice, by RFC 4733 and by INFO, they count once; pressed twice, twice', () => {
    const keys = new Keypresses();
    const heard = [
      keys.isNew('1', 'RTP', 1_000_000),
      keys.isNew('1', 'SIP', 1_100_000),
      keys.isNew('1', 'RTP', 1_250_000),
      keys.isNew('1', 'SIP', 1_300_000),
      keys.isNew('2', 'SIP', 1_500_000),
      keys.isNew('2', 'RTP', 1_520_000),
      keys.isNew('2', 'SIP', 3_000_000),
    ];
    assert.deepEqual(heard, [true, false, true, false, true, false, true]);
  });

  test('each way for itself loses nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...'0123456789*#')), (digits) => {
        const keys = new Keypresses();
        assert.ok(digits.every((digit, index) => keys.isNew(digit, index % 2 ? 'APP' : 'RTP', index * 100_000)));
      }),
    );
  });
});

describe('digits nobody asked for yet', () => {
  test('come out as keyed; the end of an input that was long enough is no answer to the next', () => {
    const ahead = new TypeAhead();
    for (const digit of '#12') ahead.push(digit);
    ahead.swallowNext('#');
    assert.deepEqual([ahead.shift(), ahead.shift(), ahead.shift()], ['1', '2', undefined]);
    ahead.swallowNext('#');
    ahead.push('#');
    assert.equal(ahead.shift(), undefined);
    ahead.push('#');
    assert.equal(ahead.shift(), '#');
    ahead.swallowNext('#');
    assert.equal(ahead.swallows('5'), false);
    assert.equal(ahead.swallows('#'), false);
  });
});
