import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { parseWav, renderTone, ringbackTone } from '@ringback/dev-media';
import {
  answer,
  busy,
  decline,
  earlyMedia,
  ExpectationFailed,
  MARKERS,
  noAnswer,
  PromptLibrary,
  readEndpoints,
  Telephone,
  type TelephoneOptions,
} from '@ringback/dev-telephone';
import { speak, speakAll, TEXTS } from './speech.ts';

const spoken = speakAll({
  en: { pin: TEXTS.en['enter-pin'], six: 'six', sixty: 'sixty', minute: 'minute', minutes: 'minutes' },
  pl: { minut: 'minut' },
});
after(spoken.remove);
const library = PromptLibrary.load(spoken.directory, { notchHz: MARKERS });

const CARRIER = '+48601000001';
const ACCESS = '+48223000000';

/** The carrier, and something that plays the platform behind its edge address. */
async function pair(
  t: TestContext,
  options: Partial<TelephoneOptions> = {},
): Promise<{ carrier: Telephone; platform: Telephone }> {
  const platform = await Telephone.create({ bind: '127.0.0.10:0', edge: '127.0.1.1:9', prompts: library });
  const carrier = await Telephone.create({ bind: '127.0.1.1:0', edge: platform.address, prompts: library, ...options });
  t.after(() => Promise.all([carrier.close(), platform.close()]));
  return { carrier, platform };
}

test('a trigger: rung for its time and refused 486; the time is measured', async (t) => {
  const { carrier, platform } = await pair(t);
  platform.onCallTo(ACCESS, busy(400));
  const call = await carrier.call(CARRIER, ACCESS);
  const end = await call.expectEnd(3000);
  assert.deepEqual([end.status, end.cause, end.by, end.answered], [486, 17, 'remote', false]);
  const { invite, ringing = 0 } = call.at;
  assert(invite <= ringing && ringing <= end.atMs);
  // Both telephones are this busy process: only the whole is never shorter than what was rung.
  assert(end.atMs - invite >= 400, `${end.atMs - invite} ms`);
  assert.match(carrier.timeline.text(), /180[\s\S]*ends \(remote: 486, cause 17\)/);
});

test('identity headers as a carrier sends them: asserted, diverted, hidden', async (t) => {
  const { carrier, platform } = await pair(t);
  platform.onCallTo('*', decline());
  await carrier.call('anonymous', ACCESS, {
    assertedIdentity: CARRIER,
    diversion: '+48601000099',
    headers: [['X-Custom', '1']],
  });
  const received = await platform.expectCall(ACCESS, 2000);
  const { headers } = received.sip.request;
  assert.equal(received.from, 'anonymous');
  assert.match(headers.get('From') ?? '', /^"Anonymous" <sip:anonymous@anonymous\.invalid>/);
  assert.match(headers.get('P-Asserted-Identity') ?? '', /^<sip:\+48601000001@127\.0\.1\.1>$/);
  assert.match(headers.get('Diversion') ?? '', /\+48601000099/);
  assert.deepEqual([headers.get('Privacy'), headers.get('X-Custom')], ['id', '1']);
});

test('each hears the other, prompts by what is heard, a marker under them; the recording is a WAV', async (t) => {
  const { carrier, platform } = await pair(t);
  platform.onCallTo(
    ACCESS,
    answer(0, async (called) => {
      called.marker(MARKERS[1]);
      await called.say(speak('en', 'sixty'));
      await called.say(speak('en', 'minutes'));
      await called.say(speak('en', TEXTS.en['enter-pin']));
    }),
  );
  const call = await carrier.call(CARRIER, ACCESS);
  await call.expectAnswered(2000);
  call.marker(MARKERS[0]);
  const called = await platform.expectCall(ACCESS, 1000);
  await called.heard.expectTone(MARKERS[0], 2000);
  await assert.rejects(call.expectPrompt('six', 1500, { next: true }), /heard sixty first/);
  const sixty = await call.expectPrompt('sixty', 3000, { whole: true });
  const minutes = await call.expectPrompt(['minute', 'minutes'], 3000);
  assert.equal(minutes.id, 'minutes');
  assert(minutes.startAtMs > sixty.endAtMs - 60);
  // Barge-in: half a second of the prompt is enough to know it, then it is cut off.
  const pin = await call.expectPrompt('en/pin', 4000, { until: 'start' });
  called.stopSaying();
  await call.heard.expectTone(MARKERS[1], 2000);
  assert(pin.score > 0.9);
  const recorded = parseWav(call.heard.wav());
  assert(recorded.length > 8000 * 2);
  call.hangup('Q.850;cause=16');
  assert.equal((await called.expectEnd(1000)).cause, 16);
  assert.equal(call.heard.prompts.find(({ id }) => id === 'pin')?.complete, false);
});

test('a prompt that is not said fails with what was heard instead; two exchanged recordings turn the test red', async (t) => {
  const { carrier, platform } = await pair(t);
  // The platform plays "sixty" under the name of "six".
  platform.onCallTo(
    ACCESS,
    answer(0, (called) => called.say(speak('en', 'sixty'))),
  );
  const call = await carrier.call(CARRIER, ACCESS);
  await assert.rejects(
    call.expectPrompt('six', 2000),
    (error: Error) => error instanceof ExpectationFailed && /en\/sixty/.test(error.message),
  );
});

for (const [method, options] of [
  ['rfc4733', {}],
  ['info', {}],
  ['inband', { dtmf: false }],
] as const) {
  test(`digits arrive once and in order by ${method}`, async (t) => {
    const { carrier, platform } = await pair(t);
    platform.onCallTo(ACCESS, answer());
    const call = await carrier.call(CARRIER, ACCESS, options);
    await call.expectAnswered(2000);
    await call.key('0012#*', { method, durationMs: 80, gapMs: 60 });
    const called = await platform.expectCall(ACCESS, 1000);
    if (method === 'inband') {
      // The last tone ends with the silence behind it.
      await called.heard.expectSilence(200, 2000);
      assert.deepEqual([called.heard.inbandDigits, called.digits], ['0012#*', []]);
    } else {
      assert.match(await called.expectDigits('0012#*', 2000), /^0012#\*$/);
      assert.deepEqual(
        [called.heard.inbandDigits, new Set(called.digits.map(({ how }) => how))],
        ['', new Set([method])],
      );
    }
    if (options.dtmf === false) await assert.rejects(call.key('1', { method: 'rfc4733' }), /no telephone-event/);
  });
}

test('early media is heard before the answer; a national ringback is known by its cadence', async (t) => {
  const { carrier, platform } = await pair(t);
  carrier.onCallTo(
    '+48601000002',
    earlyMedia(ringbackTone('PL'), 2200, { onAnswer: (call) => call.marker(MARKERS[0]) }),
  );
  const leg = await platform.call(ACCESS, `sip:+48601000002@${carrier.address}`);
  await leg.expectEarlyMedia(1000);
  await leg.heard.expectRingback(3000);
  assert.equal(leg.answered, false);
  await leg.expectAnswered(3000);
  await leg.heard.expectTone(MARKERS[0], 2000);
});

test('early media that ends in a refusal; no answer that is cancelled; a number nobody gave a rule', async (t) => {
  const { carrier, platform } = await pair(t);
  const to = (number: string): string => `sip:${number}@${carrier.address}`;
  carrier.onCallTo('+1', earlyMedia(renderTone(ringbackTone()), 200, { status: 404, reason: 'Q.850;cause=1' }));
  carrier.onCallTo('+2', noAnswer());
  const refused = await platform.call(ACCESS, to('+1'));
  assert.deepEqual([(await refused.expectEnd(2000)).status, refused.end?.cause], [404, 1]);
  const unanswered = await platform.call(ACCESS, to('+2'));
  await unanswered.expectRinging(1000);
  unanswered.hangup();
  const rung = await carrier.expectCall('2', 1000);
  assert.equal((await rung.expectEnd(1000)).by, 'remote');
  await platform.call(ACCESS, to('+3'));
  const manual = await carrier.expectCall('+3', 1000);
  manual.answer();
  await manual.heard.expectSilence(200, 2000);
  await assert.rejects(carrier.expectCall('+3', 100), /was not called/);
});

test('a call to where nobody listens ends at once', async (t) => {
  const { carrier } = await pair(t);
  const call = await carrier.call(CARRIER, 'sip:1@127.0.0.99:5999', {});
  const lost = await carrier.call(CARRIER, ACCESS);
  lost.hangup();
  assert.equal((await lost.expectEnd(1000)).by, 'local');
  call.hangup();
  await call.expectEnd(1000);
});

test('ten calls at once are heard and recognised in one process', async (t) => {
  const { carrier, platform } = await pair(t);
  const six = speak('en', 'six');
  platform.onCallTo(
    '*',
    answer(0, (called) => called.say(six)),
  );
  const calls = await Promise.all(Array.from({ length: 10 }, (_, i) => carrier.call(CARRIER, `+4822300000${i}`)));
  await Promise.all(calls.map((call) => call.expectPrompt('six', 5000)));
});

test("a run's endpoints.json is read; one without addresses is refused by name", () => {
  const path = join(spoken.directory, 'endpoints.json');
  writeFileSync(
    path,
    JSON.stringify({
      edge: { sip: '127.0.0.10:5060' },
      carrier: { sip: '127.0.1.1:5070' },
      accessNumbers: [{ number: ACCESS }],
    }),
  );
  const { edge, carrier, accessNumbers } = readEndpoints(path);
  assert.deepEqual([edge, carrier, accessNumbers[0]?.number], ['127.0.0.10:5060', '127.0.1.1:5070', ACCESS]);
  writeFileSync(path, '{}');
  assert.throws(() => readEndpoints(path), /edge\.sip/);
});
