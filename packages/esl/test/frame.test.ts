import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { EslProtocolError, type Frame, FrameReader, parseEvent, urlDecode } from '../src/index.ts';

/** Bytes a real FreeSWITCH 1.11.1 sent. */
const recorded = (name: string): Buffer =>
  gunzipSync(readFileSync(new URL(`fixtures/${name}.esl.gz`, import.meta.url)));
const CALL = recorded('s01_originate_answer_park_dtmf_far_hangup');
const BUSY = recorded('s02_originate_busy_486');

const events = (frames: Frame[]) =>
  frames
    .filter(({ headers }) => headers.get('content-type') === 'text/event-plain')
    .map(({ body }) => parseEvent(body));

describe('a recorded call', () => {
  const frames = new FrameReader().push(CALL);
  const told = events(frames);

  test('comes out whole: greeting, replies, events', () => {
    assert.equal(frames[0]?.headers.get('content-type'), 'auth/request');
    assert.equal(frames[1]?.headers.get('reply-text'), '+OK accepted');
    const names = told.map(({ name }) => name);
    for (const name of ['CHANNEL_OUTGOING', 'CHANNEL_ANSWER', 'CHANNEL_PARK', 'DTMF', 'CHANNEL_HANGUP_COMPLETE']) {
      assert.ok(names.includes(name), name);
    }
    assert.ok(names.every((name) => name !== ''));
  });

  test('values are decoded, bodies kept apart', () => {
    const end = told.find(({ name }) => name === 'CHANNEL_HANGUP_COMPLETE');
    assert.equal(end?.get('Channel-Name'), 'sofia/internal/1001@127.0.0.1:5066');
    assert.equal(end?.get('variable_hangup_cause_q850'), '16');
    assert.equal(end?.get('no such header'), '');
    const job = told.find(({ name }) => name === 'BACKGROUND_JOB');
    assert.equal(job?.body, '+OK f60c7818-e312-4de8-a3b6-3be0f7d6d572\n');
    assert.equal(job?.get('Job-UUID'), '20673a0b-a363-4bbe-b184-4d9e53ccb10d');
  });
});

test('any chunking gives the same frames', () => {
  const whole = new FrameReader().push(BUSY);
  assert.ok(whole.length > 10);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: BUSY.length }), { maxLength: 60 }), (cuts) => {
      const reader = new FrameReader();
      const ends = [...cuts, BUSY.length].sort((a, b) => a - b);
      let from = 0;
      const frames: Frame[] = [];
      for (const end of ends) {
        frames.push(...reader.push(BUSY.subarray(from, end)));
        from = end;
      }
      assert.deepEqual(frames, whole);
    }),
    { numRuns: 60 },
  );
});

test('byte by byte as well', () => {
  const reader = new FrameReader();
  const some = BUSY.subarray(0, 6_000);
  const frames = [...some].flatMap((byte) => reader.push(Buffer.from([byte])));
  assert.deepEqual(frames, new FrameReader().push(some));
});

test('urlDecode undoes any encoding, and never throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) =>
      assert.equal(urlDecode(encodeURIComponent(text.toWellFormed())), text.toWellFormed()),
    ),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      urlDecode(text);
    }),
  );
  assert.equal(urlDecode('100%'), '100%');
  assert.equal(urlDecode('%ff%41'), '\ufffdA');
  assert.equal(urlDecode('%2B48'), '+48');
});

test('an event without a name is an event', () => {
  const event = parseEvent(Buffer.from('event: Event-Name=CUSTOM,x\ndigits: %2311\n\n'));
  assert.equal(event.name, '');
  assert.equal(event.get('digits'), '#11');
});

test('what is no framing is refused', () => {
  assert.throws(() => new FrameReader().push(Buffer.from('Content-Length: minus\n\n')), EslProtocolError);
  assert.throws(() => new FrameReader().push(Buffer.from('Content-Length: 99999999999\n\n')), EslProtocolError);
  assert.throws(() => new FrameReader().push(Buffer.alloc(2 << 20, 0x61)), EslProtocolError);
});
