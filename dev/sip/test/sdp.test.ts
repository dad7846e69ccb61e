import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { answerOffer, formatOffer, parseSdp, readAnswer } from '@ringback/dev-sip';

const local = { host: '127.0.0.2', port: 4000 };

test('an offer is answered with its first codec that we have, and its own number of telephone-event', () => {
  const offer = formatOffer({ host: '127.0.0.1', port: 3000 }).replaceAll('101', '96').replace('AVP 8 0', 'AVP 18 0 8');
  const answer = answerOffer(offer, local);
  assert.deepEqual(answer?.negotiated, {
    remote: { host: '127.0.0.1', port: 3000 },
    codec: 'PCMU',
    payloadType: 0,
    dtmfPayloadType: 96,
    ptime: 20,
    direction: 'sendrecv',
  });
  assert.deepEqual(parseSdp(answer?.sdp ?? '')?.media, [
    { type: 'audio', port: 4000, protocol: 'RTP/AVP', formats: ['0', '96'] },
  ]);
  assert.equal(readAnswer(answer?.sdp ?? '')?.dtmfPayloadType, 96);
});

test('hold: directions are mirrored, 0.0.0.0 counts as sendonly', () => {
  const offer = formatOffer({ host: '127.0.0.1', port: 3000 });
  for (const [theirs, ours] of [
    ['sendonly', 'recvonly'],
    ['recvonly', 'sendonly'],
    ['inactive', 'inactive'],
    ['sendrecv', 'sendrecv'],
  ] as const) {
    assert.equal(answerOffer(offer.replace('sendrecv', theirs), local)?.negotiated.direction, ours);
  }
  assert.equal(answerOffer(offer.replaceAll('127.0.0.1', '0.0.0.0'), local)?.negotiated.direction, 'recvonly');
  assert.equal(answerOffer(offer, { ...local, direction: 'sendonly' })?.negotiated.direction, 'sendonly');
});

test('video is refused with port 0; no common codec or port 0 gives no answer; no telephone-event is noticed', () => {
  const offer = formatOffer({ host: '127.0.0.1', port: 3000, dtmfPayloadType: false });
  const answer = answerOffer(`${offer}m=video 5000 RTP/AVP 31\r\n`, local);
  assert.match(answer?.sdp ?? '', /m=video 0 RTP\/AVP 31/);
  assert.equal(answer?.negotiated.dtmfPayloadType, undefined);
  assert.equal(answerOffer(offer.replace('AVP 8 0', 'AVP 18'), local), undefined);
  assert.equal(answerOffer(offer.replace('audio 3000', 'audio 0'), local), undefined);
  assert.equal(readAnswer(offer.replace('audio 3000', 'audio 0')), undefined);
  assert.equal(parseSdp('hello'), undefined);
});

test('property: no text makes it throw', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[vosctmab]=[ -~]{0,30}$/)), (lines) => {
      const text = `v=0\r\n${lines.join('\r\n')}`;
      parseSdp(text);
      answerOffer(text, local);
      readAnswer(text);
    }),
  );
});
