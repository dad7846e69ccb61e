import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { answer, busy, decline, earlyMedia, noAnswer, type PhoneCall, reject } from '@ringback/dev-telephone';
import { ringback } from './support/hostile-cli.ts';
import { latest } from './support/lateness.ts';
import { connectedSessions, isOneTree, logsNameTheirSessions, metricsAreTrue } from './support/told.ts';
import { until, World } from './support/world.ts';

/** Access numbers of the demonstration. */
const CALLBACK = '+48223000000';
const POLISH = '+48223000001';
const DIRECT = '+48223000002';
const CONFIRMED = '+48223000003';
const ASKING = '+48223000004';

/** Tones that prove who hears whom. */
const FROM_A = 1900;
const FROM_B = 1100;
/** Poland's ringback tone. */
const RINGBACK = 425;
const WAIT = 30_000;

let world: World;
let destinations = 0;

before(async () => {
  world = await World.start({
    env: { dialer: { WARN_LEAD: '8s', ANSWER_TIMEOUT: '9s' }, auth: { PIN_TRIES_ACCOUNT: '4' } },
  });
});
after(async () => {
  try {
    await world.settled();
    await world.invariants();
  } finally {
    await world.close();
  }
});

/** A destination nobody else calls. */
const destination = (): { e164: string; keyed: string } => {
  destinations += 1;
  const national = `207946${String(destinations).padStart(4, '0')}`;
  return { e164: `+44${national}`, keyed: `0044${national}#` };
};

const hear = (call: PhoneCall, ids: string | string[], options = {}) => call.expectPrompt(ids, WAIT, options);

/** Both hear each other. */
async function talk(a: PhoneCall, b: PhoneCall): Promise<void> {
  a.marker(FROM_A);
  b.marker(FROM_B);
  await a.heard.expectTone(FROM_B, WAIT);
  await b.heard.expectTone(FROM_A, WAIT);
  a.marker(undefined);
  b.marker(undefined);
}

const digitsOf = (call: PhoneCall): string => call.digits.map(({ digit }) => digit).join('') + call.heard.inbandDigits;

/** What became of a caller's legs, oldest first. */
async function outcome(caller: string): Promise<string[]> {
  const cdrs = await world.cdrs({ number: caller });
  return cdrs.toReversed().map(({ role, result, reason }) => [role, result, reason].filter(Boolean).join(' '));
}

describe('the road', { concurrency: 6, timeout: 300_000 }, () => {
  for (const [language, accessNumber] of [
    ['en', CALLBACK],
    ['pl', POLISH],
  ] as const) {
    test(`a missed call, called back, connected and charged (${language})`, async () => {
      const { phone } = world;
      const { caller, pin, number } = await world.customer({ language, authorised: false });
      const first = destination();
      const taken = destination();
      phone.onCallTo(first.e164, answer(2_500));
      phone.onCallTo(taken.e164, busy(200));

      const trigger = await phone.call(caller, accessNumber);
      await trigger.expectRinging(WAIT);
      const rejected = await trigger.expectEnd(WAIT);
      assert.equal(rejected.status, 486);
      assert.equal(trigger.answered, false);
      const a = await phone.expectCall(caller, WAIT);
      assert.equal(a.from, accessNumber, 'A sees the access number');
      a.answer();
      await hear(a, `${language}/welcome`);
      await hear(a, `${language}/your_balance_is`);
      await hear(a, `${language}/ask_pin`);
      await a.key(`${pin}#`);
      await hear(a, `${language}/caller_id_saved`);
      await hear(a, `${language}/ask_destination`, { until: 'start' });
      await a.key(first.keyed);
      await hear(a, `${language}/you_can_talk_for`);
      const b = await phone.expectCall(first.e164, WAIT);
      assert.equal(b.from, caller, 'B sees the caller');
      await a.heard.expectTone(RINGBACK, WAIT);
      await b.expectAnswered(WAIT);
      await talk(a, b);

      await a.key('#11');
      const ended = await b.expectEnd(WAIT);
      assert.equal(ended.by, 'remote');
      assert.equal(digitsOf(b), '', 'the far end hears none of #11');
      await hear(a, `${language}/ask_next_destination`, { until: 'start' });
      await a.key(taken.keyed);
      await hear(a, `${language}/reason_busy`);
      await hear(a, `${language}/ask_next_destination`, { until: 'start' });
      await a.key('*');
      await hear(a, `${language}/your_balance_is`);
      await hear(a, `${language}/ask_next_destination`, { until: 'start' });
      await a.key(first.keyed);
      const again = await phone.expectCall(first.e164, WAIT);
      await again.expectAnswered(WAIT);
      again.hangup();
      await hear(a, `${language}/ask_next_destination`, { until: 'start' });
      a.hangup();

      await until('all is settled', async () => (await outcome(caller)).length === 5);
      assert.deepEqual((await outcome(caller)).sort(), [
        'a success',
        'b busy busy',
        'b success',
        'b success end_code',
        'trigger success',
      ]);
      const cdrs = await world.cdrs({ accountNumber: number });
      const cost = cdrs.reduce((sum, cdr) => sum + (cdr.cost?.micros ?? 0n), 0n);
      assert.ok(cost > 0n);
      const { balance } = await world.balance(number);
      assert.equal(balance, 5_000_000n - cost, 'the ledger says what the CDRs say');

      await world.over(caller);
      const next = await world.calledBack(caller, accessNumber);
      await hear(next, `${language}/ask_destination`, { next: true });
      assert.ok(
        !next.heard.prompts.some(({ id }) => id === 'your_balance_is' || id === 'ask_pin'),
        'neither balance nor PIN',
      );
      next.hangup();
    });
  }

  test('the callback comes once: after a second trigger, over another route, and when the caller hangs up first', async () => {
    const { phone } = world;
    const { caller } = await world.customer();
    const [one, two] = await Promise.all([
      phone.call(caller, CALLBACK),
      phone.call(caller, CALLBACK, { callId: 'another-route' }),
    ]);
    await Promise.all([one.expectEnd(WAIT), two.expectEnd(WAIT)]);
    const third = await phone.call(caller, CALLBACK);
    await third.expectRinging(WAIT);
    third.hangup();
    await third.expectEnd(WAIT);
    const a = await phone.expectCall(caller, WAIT);
    a.answer();
    await hear(a, 'en/ask_destination', { until: 'start' });
    a.hangup();
    await until('it is over', async () =>
      (await world.sessions()).every(({ callerId, state }) => callerId !== caller || state === 'ended'),
    );
    assert.equal(phone.callsTo(caller).length, 1);
    const all = await outcome(caller);
    assert.equal(all.filter((each) => each.startsWith('trigger success')).length, 3, 'a CDR for each trigger');
    assert.equal(all.length, 4);
  });

  for (const [format, write] of [
    ['national', (e164: string) => e164.slice(3)],
    ['00 and country code', (e164: string) => `00${e164.slice(1)}`],
    ['country code alone', (e164: string) => e164.slice(1)],
  ] as const) {
    test(`a caller ID in another form is the same telephone: ${format}`, async () => {
      const { caller } = await world.customer();
      await world.trigger(write(caller), CALLBACK);
      const a = await world.phone.expectCall(caller, WAIT);
      a.reject(603);
    });
  }

  test('no callback to hidden, diverted and unknown callers, nor without credit: the CDR says why', async () => {
    const { phone } = world;
    const poor = await world.customer({ micros: 0n });
    const diverted = await world.customer();
    await phone.call('anonymous', CALLBACK).then((trigger) => trigger.expectEnd(WAIT));
    await phone
      .call(diverted.caller, CALLBACK, { diversion: '+48601999999' })
      .then((trigger) => trigger.expectEnd(WAIT));
    await world.trigger('+48603000001', CALLBACK);
    await world.trigger(poor.caller, CALLBACK);
    await until(
      'every CDR is there',
      async () => (await outcome(poor.caller)).length === 2 && (await outcome('+48603000001')).length === 1,
    );
    assert.deepEqual(await outcome(poor.caller), ['trigger success', 'a refused no_credit']);
    assert.deepEqual(await outcome('+48603000001'), ['trigger refused unknown_caller']);
    assert.deepEqual(await outcome(diverted.caller), ['trigger refused diverted']);
    assert.ok((await world.cdrs()).some(({ reason }) => reason === 'hidden_caller'));
    for (const { caller } of [poor, diverted]) assert.equal(phone.callsTo(caller).length, 0);
  });

  test('an unknown caller is asked for account and PIN where the access number asks, and the PIN moves the charge', async () => {
    const owner = await world.customer();
    const caller = '+48603000002';
    const a = await world.calledBack(caller, ASKING);
    await hear(a, 'en/ask_account', { until: 'start' });
    assert.ok(!a.heard.prompts.some(({ id }) => id === 'your_balance_is'));
    await a.key(`${owner.number}#`);
    await hear(a, 'en/ask_pin', { until: 'start' });
    await a.key(`${owner.pin}#`);
    await hear(a, 'en/your_balance_is');
    await hear(a, 'en/ask_destination', { until: 'start' });
    a.hangup();
    await until('leg A is settled', async () => (await outcome(caller)).includes('a success'));
    const [leg] = (await world.cdrs({ number: caller })).filter(({ role }) => role === 'a');
    assert.equal(leg?.accountNumber, owner.number);
  });

  test('an untrusted trunk always leads to the PIN; wrong ones count across calls, and lock', async () => {
    const { caller, pin } = await world.customer({ authorised: true });
    const wrong = async (tries: number): Promise<PhoneCall> => {
      await world.trigger(caller, CALLBACK, world.untrusted);
      const a = await world.phone.expectCall(caller, WAIT);
      a.answer();
      for (let attempt = 0; attempt < tries; attempt += 1) {
        await hear(a, ['en/ask_pin', 'en/wrong_pin'], { until: 'start' });
        await a.key('000000#');
      }
      return a;
    };
    const first = await wrong(3);
    await hear(first, 'en/pin_failed');
    await first.expectEnd(WAIT);
    await world.over(caller);
    const second = await wrong(1);
    await hear(second, 'en/pin_locked');
    await second.expectEnd(WAIT);
    await world.over(caller);
    await world.trigger(caller, CALLBACK, world.untrusted);
    await until('it is refused', async () => (await outcome(caller)).includes('trigger refused locked'));
    assert.notEqual(pin, '000000');
  });

  test('every reason is said in words, and the next destination asked for', async () => {
    const { phone, untrusted } = world;
    // Congestion goes over to the next trunk, which is no better.
    untrusted.onCallTo('*', reject(503, { reason: 'Q.850;cause=34' }));
    const { caller, number } = await world.customer();
    await world.speedDial(number, '7', '+442079469999');
    phone.onCallTo('+442079469999', decline());
    const to = (behaviour: Parameters<typeof phone.onCallTo>[1]): string => {
      const { e164, keyed } = destination();
      phone.onCallTo(e164, behaviour);
      return keyed;
    };
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination', { until: 'start' });
    for (const [keyed, reason] of [
      ['7#', 'reason_rejected'],
      [to(reject(404)), 'reason_unallocated'],
      [to(reject(503, { reason: 'Q.850;cause=34' })), 'reason_congestion'],
      [to(noAnswer()), 'reason_no_answer'],
      ['112#', 'reason_emergency'],
      ['0048223000000#', 'reason_own_number'],
      ['00881612345678#', ['reason_blocked', 'invalid_number']],
      ['0019002345678#', ['reason_blocked', 'invalid_number']],
      ['99#', 'unknown_speed_dial'],
      ['12345#', 'invalid_number'],
    ] as const) {
      await a.key(keyed);
      await hear(a, typeof reason === 'string' ? `en/${reason}` : reason.map((each) => `en/${each}`));
      await hear(a, 'en/ask_next_destination', { until: 'start' });
    }
    a.hangup();
  });

  test('a destination that the credit does not cover is refused before it is dialled', async () => {
    const { caller } = await world.customer({ micros: 500_000n });
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination', { until: 'start' });
    await a.key('0037167012345#'); // 60.00 EUR a minute
    await hear(a, 'en/reason_no_credit');
    a.hangup();
    await until('it is recorded', async () => (await outcome(caller)).includes('b refused no_credit'));
  });

  test('nothing keyed: asked twice more, then a goodbye', async () => {
    const { caller } = await world.customer();
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination');
    await hear(a, 'en/ask_destination_again');
    await hear(a, 'en/ask_destination_last');
    await hear(a, 'en/no_input_goodbye');
    await a.expectEnd(WAIT);
  });

  test('A hangs up while B rings: B is cancelled', async () => {
    const { phone } = world;
    const { caller } = await world.customer();
    const { e164, keyed } = destination();
    phone.onCallTo(e164, noAnswer());
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination', { until: 'start' });
    await a.key(keyed);
    const b = await phone.expectCall(e164, WAIT);
    await a.heard.expectTone(RINGBACK, WAIT);
    a.hangup();
    const { answered } = await b.expectEnd(WAIT);
    assert.equal(answered, false);
    await until('both are settled', async () => (await outcome(caller)).length === 3);
    assert.ok((await outcome(caller)).includes('b cancelled caller_left'));
  });

  test('#11 while B rings asks for the next destination', async () => {
    const { phone } = world;
    const { caller } = await world.customer();
    const { e164, keyed } = destination();
    phone.onCallTo(e164, noAnswer());
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination', { until: 'start' });
    await a.key(keyed);
    const b = await phone.expectCall(e164, WAIT);
    await a.heard.expectTone(RINGBACK, WAIT);
    await a.key('#11');
    await b.expectEnd(WAIT);
    await hear(a, 'en/ask_next_destination', { until: 'start' });
    a.hangup();
  });

  test("the far end's announcement is heard before it answers", async () => {
    const { phone } = world;
    const { caller } = await world.customer();
    const { e164, keyed } = destination();
    phone.onCallTo(e164, earlyMedia({ steps: [{ frequencies: [FROM_B], ms: 4_000 }] }, 3_000));
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination', { until: 'start' });
    await a.key(keyed);
    const b = await phone.expectCall(e164, WAIT);
    await a.heard.expectTone(FROM_B, WAIT);
    assert.equal(b.answered, false);
    await b.expectAnswered(WAIT);
    a.hangup();
  });

  test('warned before the credit ends, alone, and cut off at the announced time', async () => {
    const { phone } = world;
    const { caller } = await world.customer({ micros: 16_000_000n });
    const to = '+37167012345'; // 1.00 EUR a second
    phone.onCallTo(to, answer(500));
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination', { until: 'start' });
    await a.key('0037167012345#');
    await hear(a, 'en/you_can_talk_for');
    const b = await phone.expectCall(to, WAIT);
    const answeredAt = await b.expectAnswered(WAIT);
    await hear(a, 'en/warning_one_minute');
    const { atMs } = await b.expectEnd(WAIT);
    const talked = (atMs - answeredAt) / 1000;
    assert.ok(
      talked > 15 - 1 && talked < 15 + 0.5 + 2 * latest(talked),
      `cut off after ${talked.toFixed(2)} s of 15 announced`,
    );
    assert.ok(!b.heard.prompts.some(({ id }) => id === 'warning_one_minute'), 'only the caller hears the warning');
    await hear(a, 'en/credit_exhausted');
    await a.expectEnd(WAIT);
  });

  test('leg A: busy is tried again, a decline never', async () => {
    const { phone } = world;
    const { caller } = await world.customer();
    await world.trigger(caller, CALLBACK);
    (await phone.expectCall(caller, WAIT)).reject(486);
    const second = await phone.expectCall(caller, WAIT);
    second.reject(603);
    await until('it is given up', async () => (await outcome(caller)).length === 3);
    assert.deepEqual((await outcome(caller)).sort(), ['a busy busy', 'a rejected rejected', 'trigger success']);
    assert.equal(phone.callsTo(caller).length, 2);
  });

  test('a machine that answers hears nothing personal', async () => {
    const { caller } = await world.customer({ authorised: false });
    const a = await world.calledBack(caller, CONFIRMED);
    await hear(a, 'en/confirm_callback');
    await hear(a, 'en/confirm_callback_again');
    await a.expectEnd(WAIT);
    assert.ok(!a.heard.prompts.some(({ id }) => id === 'your_balance_is' || id === 'ask_pin'));
    await until('it is over', async () =>
      (await world.sessions()).some(({ callerId, reason }) => callerId === caller && reason === 'machine'),
    );
  });

  test('direct mode: no callback; PIN before balance for whoever is not known', async () => {
    const { phone } = world;
    const owner = await world.customer();
    const { e164, keyed } = destination();
    phone.onCallTo(e164, answer(300));
    const a = await phone.call('anonymous', DIRECT);
    await a.expectAnswered(WAIT);
    await hear(a, 'en/ask_account', { until: 'start' });
    await a.key(`${owner.number}#`);
    await hear(a, 'en/ask_pin', { until: 'start' });
    assert.ok(!a.heard.prompts.some(({ id }) => id === 'your_balance_is'));
    await a.key(`${owner.pin}#`);
    await hear(a, 'en/your_balance_is');
    await hear(a, 'en/ask_destination', { until: 'start' });
    await a.key(keyed);
    const b = await phone.expectCall(e164, WAIT);
    await b.expectAnswered(WAIT);
    await talk(a, b);
    a.hangup();
    await b.expectEnd(WAIT);
    const known = await world.customer();
    const direct = await phone.call(known.caller, DIRECT);
    await hear(direct, 'en/ask_destination', { until: 'start' });
    assert.ok(!direct.heard.prompts.some(({ id }) => id === 'your_balance_is' || id === 'ask_pin'));
    direct.hangup();
  });

  test('digits by SIP INFO, each once', async () => {
    const { phone } = world;
    const { caller } = await world.customer();
    const { e164, keyed } = destination();
    phone.onCallTo(e164, busy());
    const a = await world.calledBack(caller, CALLBACK);
    await hear(a, 'en/ask_destination');
    await a.key(keyed, { method: 'info' });
    await phone.expectCall(e164, WAIT);
    await hear(a, 'en/reason_busy');
    a.hangup();
  });

  test('digits by tones, where no telephone-event was negotiated, each once', async () => {
    const { phone } = world;
    const { caller } = await world.customer();
    const { e164, keyed } = destination();
    phone.onCallTo(e164, busy());
    const a = await phone.call(caller, DIRECT, { dtmf: false });
    await hear(a, 'en/ask_destination');
    await a.key(keyed, { method: 'inband' });
    await phone.expectCall(e164, WAIT);
    await hear(a, 'en/reason_busy');
    a.hangup();
  });
});

describe('what the platform told of the road', { timeout: 120_000 }, () => {
  before(() => world.settled());

  test('each call with a conversation is one tree of spans, from the trigger at the edge to the ledger', async () => {
    const sessions = await connectedSessions(world);
    assert.ok(sessions.length >= 3);
    for (const session of sessions) await isOneTree(world, session);
  });

  test('every log line of a session names it and its trace', () => logsNameTheirSessions(world));

  test('metrics are of the catalogue, and say what the CDRs say', () => metricsAreTrue(world));
});

test('the command line tells what a call of a caller would cost, both legs, whichever way the destination is keyed', async () => {
  const { caller, number } = await world.customer();
  const endpoints = join(world.runDir, 'endpoints.json');
  const rate = async (...args: string[]) => {
    const { status, stdout, stderr } = await ringback(endpoints, '--json', 'rate', ...args);
    assert.equal(status, 0, stderr);
    return JSON.parse(stdout);
  };
  for (const [from, to] of [
    [caller, '00442079460000'],
    [number, '+442079460000'],
  ] as const) {
    const { account, legs, cost } = await rate(from, to, '2026-07-07T12:00:00Z', '--seconds', '61');
    assert.equal(account, number);
    assert.deepEqual(
      legs.map(({ leg, number: called, prefix }: Record<string, string>) => [leg, called, prefix]),
      [
        ['A', caller, '4860'],
        ['B', '+442079460000', '44'],
      ],
    );
    // 61 s at 0.08 and at 0.12 a minute, by seconds, and 0.01 for the connection.
    assert.deepEqual(cost, { micros: String(81_333n + 122_000n + 10_000n), currency: 'EUR' });
  }
  const { status, stderr } = await ringback(endpoints, 'rate', '+48999999999', '00442079460000');
  assert.deepEqual([status, stderr], [1, 'ringback: no account has the caller ID +48999999999\n']);
  assert.equal((await ringback(endpoints, 'rate', caller, '112')).status, 1);
});

test('the command line tells what an import would change, exports versions, and compares them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ringback-decks-'));
  const file = (name: string): string => join(folder, name);
  const cli = async (...args: string[]) => {
    const { status, stdout, stderr } = await ringback(join(world.runDir, 'endpoints.json'), ...args);
    assert.equal(status, 0, stderr);
    return stdout;
  };
  try {
    const deck = (price: string): string => `@currency,EUR\nprefix,price,destination\n48,${price},Poland\n44,0.12,UK\n`;
    await writeFile(file('one.csv'), deck('0.05'));
    await writeFile(file('two.csv'), deck('0.06'));
    assert.equal(
      await cli('decks', 'import', 'compared', file('one.csv'), '--preview'),
      'deck compared is new: 2 rows\n',
    );
    await cli('decks', 'import', 'compared', file('one.csv'));
    const told = JSON.parse(await cli('--json', 'decks', 'import', 'compared', file('two.csv'), '--preview'));
    assert.deepEqual(told, {
      settings: [],
      rows: [
        {
          change: 'changed',
          prefix: '48',
          destination: 'Poland',
          when: '',
          before: '0.05 a minute by 1 s',
          after: '0.06 a minute by 1 s',
        },
      ],
      unchanged: 1,
    });
    await cli('decks', 'import', 'compared', file('two.csv'));
    assert.equal(await cli('decks', 'export', 'compared', '--version', '1'), deck('0.05'));
    assert.equal(await cli('decks', 'export', 'compared'), deck('0.06'));
    assert.match(await cli('decks', 'diff', 'compared', '1', '2'), /0 added, 0 removed, 1 changed, 1 as before\n$/);
    assert.match(await cli('decks', 'diff', 'compared', file('one.csv')), /48 +Poland +0\.05 a minute by 1 s +0\.06/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
