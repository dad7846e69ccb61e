import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import {
  type Cancelled,
  type Ended,
  type Failed,
  formatOffer,
  type InboundCall,
  type Reoffer,
  type UserAgent,
} from '@ringback/dev-sip';
import { FakeNetwork, settle } from './network.ts';

const A = '10.0.0.1';
const B = '10.0.0.2';
const NAMES = { [A]: 'a', [B]: 'b' };
const OFFER = formatOffer({ host: A, port: 3000 });
const ANSWER = formatOffer({ host: B, port: 4000 });

async function pair(
  options: { a?: object; b?: object } = {},
): Promise<{ net: FakeNetwork; a: UserAgent; b: UserAgent; end: () => Promise<void> }> {
  const net = new FakeNetwork();
  const a = await net.agent(A, options.a);
  const b = await net.agent(B, options.b);
  const end = async (): Promise<void> => {
    const closed = Promise.all([a.close(), b.close()]);
    await net.pass(3000);
    await closed;
    assert.equal(net.timers.pending, 0, 'timers are left behind');
  };
  return { net, a, b, end };
}

const place = (a: UserAgent) => a.invite({ uri: `sip:+48601000001@${B}`, from: `sip:+48601000002@${A}`, sdp: OFFER });

async function established(net: FakeNetwork, a: UserAgent, b: UserAgent) {
  const arrived = once(b, 'invite') as Promise<[InboundCall]>;
  b.once('invite', (call) => call.answer(ANSWER));
  const caller = place(a);
  await net.pass(10);
  const [called] = await arrived;
  assert.deepEqual([caller.state, called.state], ['established', 'established']);
  return { caller, called };
}

test('a call: ring, early media, answer, BYE with a Reason', async () => {
  const { net, a, b, end } = await pair();
  const seen: unknown[] = [];
  b.on('invite', (call) => {
    assert.deepEqual([call.calledUser, call.callerUser, call.remoteSdp], ['+48601000001', '+48601000002', OFFER]);
    call.ring();
    call.progress(ANSWER);
    call.answer(ANSWER, { headers: [['X-Test', 'yes']] });
    call.on('ended', (ended: Ended) => seen.push([ended.by, ended.reason?.cause]));
  });
  const caller = place(a);
  caller.on('provisional', ({ status, sdp }) => seen.push([status, sdp === ANSWER]));
  caller.on('answered', ({ sdp, response }) => seen.push(['answered', sdp === ANSWER, response.headers.get('x-test')]));
  await net.pass(10);
  caller.hangup({ reason: 'Q.850;cause=16;text="NORMAL_CLEARING"' });
  await net.pass(10);
  assert.deepEqual(seen, [
    [180, false],
    [183, true],
    ['answered', true, 'yes'],
    ['remote', 16],
  ]);
  assert.deepEqual(net.trace(NAMES), ['a>INVITE', 'b>100', 'b>180', 'b>183', 'b>200', 'a>ACK', 'a>BYE', 'b>200']);
  await end();
});

test('Timers A and B: an INVITE into silence is sent at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 s and given up at 32 s', async () => {
  const { net, a, end } = await pair({ a: { probeAfterMs: false } });
  net.drop = () => true;
  const caller = place(a);
  const failed = once(caller, 'failed') as Promise<[Failed]>;
  await net.pass(33_000);
  assert.deepEqual((await failed)[0].by, 'timeout');
  assert.deepEqual(
    net.log.map(({ atMs }) => atMs),
    [0, 500, 1500, 3500, 7500, 15_500, 31_500],
  );
  await end();
});

test('nobody listens: the call fails as 503 after the probe, not after 32 s', async () => {
  const { net, a, end } = await pair();
  const caller = a.invite({ uri: 'sip:1@10.0.0.9', from: 'sip:2@10.0.0.1', sdp: OFFER });
  const failed = once(caller, 'failed') as Promise<[Failed]>;
  await net.pass(40);
  const [failure] = await failed;
  assert.deepEqual([failure.by, failure.status], ['transport', 503]);
  await end();
});

test('Timers G and H: a refusal is repeated until its ACK comes', async () => {
  const { net, a, b, end } = await pair();
  let acks = 0;
  net.drop = (message) => message.kind === 'request' && message.method === 'ACK' && (acks += 1) < 3;
  b.on('invite', (call) => call.reject(486, { reason: 'Q.850;cause=17;text="USER_BUSY"' }));
  const caller = place(a);
  const failed = once(caller, 'failed') as Promise<[Failed]>;
  await net.pass(40_000);
  const [{ by, status, reason }] = await failed;
  assert.deepEqual([by, status, reason?.cause], ['response', 486, 17]);
  assert.deepEqual(net.trace(NAMES), ['a>INVITE', 'b>100', 'b>486', '(a>ACK)', 'b>486', '(a>ACK)', 'b>486', 'a>ACK']);
  await end();
});

test('a lost INVITE, 200 and ACK are repeated; the call stands once on each side', async () => {
  const { net, a, b, end } = await pair({ b: { autoTrying: false }, a: { probeAfterMs: false } });
  const lost = new Set(['INVITE', '200', 'ACK']);
  net.drop = (message) => lost.delete(message.kind === 'request' ? message.method : String(message.status));
  let answered = 0;
  b.on('invite', (call) => call.answer(ANSWER));
  const caller = place(a);
  caller.on('answered', () => {
    answered += 1;
  });
  await net.pass(3000);
  assert.equal(answered, 1);
  assert.equal(b.calls.size, 1);
  assert.deepEqual(net.trace(NAMES), ['(a>INVITE)', 'a>INVITE', '(b>200)', 'b>200', '(a>ACK)', 'b>200', 'a>ACK']);
  await end();
});

test('a 200 whose ACK never comes ends the call after 32 s with a BYE', async () => {
  const { net, a, b, end } = await pair();
  net.drop = (message) => message.kind === 'request' && message.method === 'ACK';
  const ended: string[] = [];
  b.on('invite', (call) => {
    call.answer(ANSWER);
    call.on('ended', ({ by }) => ended.push(by));
  });
  const caller = place(a);
  caller.on('ended', ({ by }) => ended.push(by));
  await net.pass(33_000);
  assert.deepEqual(ended, ['no-ack', 'remote']);
  await end();
});

test('CANCEL while ringing: 487, a Reason seen by the called side; before any reply it waits for one', async () => {
  const { net, a, b, end } = await pair({ b: { autoTrying: false } });
  const cancelled: Cancelled[] = [];
  b.on('invite', (call) => {
    call.on('cancelled', (event) => cancelled.push(event));
    call.ring();
  });
  const caller = place(a);
  caller.on('cancelled', (event) => cancelled.push(event));
  await settle();
  caller.cancel({ reason: 'SIP;cause=200;text="Call completed elsewhere"' });
  assert.deepEqual(net.trace(NAMES), ['a>INVITE']);
  await net.pass(20);
  assert.deepEqual(net.trace(NAMES), ['a>INVITE', 'b>180', 'a>CANCEL', 'b>200', 'b>487', 'a>ACK']);
  assert.deepEqual(
    cancelled.map(({ by, reason, crossed }) => [by, reason?.cause, crossed]),
    [
      ['remote', 200, false],
      ['local', undefined, false],
    ],
  );
  await end();
});

test('CANCEL crossing the 200: the call is acknowledged and ended, never half open', async () => {
  const { net, a, b, end } = await pair();
  const seen: string[] = [];
  b.on('invite', (call) => {
    call.ring();
    call.on('ended', ({ by, reason }) => seen.push(`b ended ${by} ${reason?.cause}`));
    net.timers.after(20, () => call.answer(ANSWER));
  });
  const caller = place(a);
  caller.on('answered', () => seen.push('a answered'));
  caller.on('cancelled', ({ crossed }) => seen.push(`a cancelled ${crossed}`));
  net.timers.after(21.5, () => caller.cancel({ reason: 'Q.850;cause=16' }));
  await net.pass(100);
  assert.deepEqual(seen, ['a cancelled true', 'b ended remote 16']);
  assert.deepEqual(net.trace(NAMES).slice(3), ['b>200', 'a>CANCEL', 'a>ACK', 'a>BYE', 'b>200', 'b>200']);
  await end();
});

test('hangup of an answered call waits for the ACK before it sends BYE', async () => {
  const { net, a, b, end } = await pair();
  b.on('invite', (call) => {
    call.answer(ANSWER);
    call.hangup();
  });
  place(a);
  await net.pass(20);
  assert.deepEqual(net.trace(NAMES), ['a>INVITE', 'b>100', 'b>200', 'a>ACK', 'b>BYE', 'a>200']);
  await end();
});

test('re-INVITE, UPDATE and INFO within the call; a refusal leaves it as it was', async () => {
  const { net, a, b, end } = await pair();
  const { caller, called } = await established(net, a, b);
  const held = OFFER.replace('sendrecv', 'sendonly');
  called.once('reoffer', (offer: Reoffer) => offer.accept(ANSWER.replace('sendrecv', 'recvonly')));
  const first = caller.reinvite(held);
  await net.pass(20);
  assert.equal((await first).status, 200);
  assert.equal(called.remoteSdp, held);
  assert.match(caller.remoteSdp ?? '', /recvonly/);
  called.once('reoffer', (offer: Reoffer) => offer.reject(488));
  const second = caller.reinvite(OFFER);
  const info = caller.infoDtmf('#', 200);
  const digit = once(called, 'info');
  await net.pass(20);
  assert.equal((await second).status, 488);
  assert.equal((await info).status, 200);
  assert.deepEqual((await digit)[0].dtmf, { digit: '#', durationMs: 200 });
  assert.deepEqual([caller.localSdp, called.state], [held, 'established']);
  const update = called.update();
  await net.pass(20);
  assert.equal((await update).status, 200);
  await end();
});

test('glare: both re-INVITE at once, both get 491, both succeed in the end', async () => {
  const { net, a, b, end } = await pair();
  const { caller, called } = await established(net, a, b);
  const both = Promise.all([caller.reinvite(OFFER), called.reinvite(ANSWER)]);
  await net.pass(5000);
  assert.deepEqual(
    (await both).map(({ status }) => status),
    [200, 200],
  );
  assert.equal(net.trace(NAMES).filter((line) => line.endsWith('491')).length, 2);
  await end();
});

test('a deferred re-INVITE may be answered later; the BYE in between answers it 487', async () => {
  const { net, a, b, end } = await pair();
  const { caller, called } = await established(net, a, b);
  called.once('reoffer', (offer: Reoffer) => offer.defer());
  const reinvite = caller.reinvite(OFFER);
  await net.pass(20);
  called.hangup();
  await net.pass(20);
  assert.equal((await reinvite).status, 487);
  assert.equal(caller.state, 'terminated');
  await end();
});

test('session timer: the caller refreshes at half the interval, by UPDATE', async () => {
  const { net, a, b, end } = await pair({ a: { sessionTimers: { expires: 600 } } });
  const { caller } = await established(net, a, b);
  await net.pass(1_000_000);
  assert.equal(caller.state, 'established');
  assert.deepEqual(
    net.log
      .filter(({ message }) => message.kind === 'request' && message.method === 'UPDATE')
      .map(({ atMs }) => Math.floor(atMs / 1000)),
    [300, 600, 900],
  );
  await end();
});

test('session timer: without refreshes the other side ends the call shortly before the interval is over', async () => {
  const { net, a, b, end } = await pair({ a: { sessionTimers: { expires: 90 } } });
  const { called } = await established(net, a, b);
  const ended = once(called, 'ended') as Promise<[Ended]>;
  net.drop = (message) => message.kind === 'request' && message.method !== 'BYE';
  const from = net.timers.now();
  await net.pass(61_000);
  assert.equal((await ended)[0].by, 'expired');
  assert(net.timers.now() - from >= 58_000);
  await end();
});

test('session timer: a wish below our Min-SE gets 422 and comes again with ours', async () => {
  const { net, a, b, end } = await pair({
    a: { sessionTimers: { expires: 90 } },
    b: { sessionTimers: { expires: 1800, minSe: 300 } },
  });
  const { caller } = await established(net, a, b);
  assert.deepEqual(net.trace(NAMES).slice(0, 5), ['a>INVITE', 'b>100', 'b>422', 'a>ACK', 'a>INVITE']);
  assert.match(caller.request.headers.get('Session-Expires') ?? '', /^300/);
  await end();
});

test('a stranger with the Call-ID and one tag ends nothing: 481', async () => {
  const { net, a, b, end } = await pair();
  const { caller, called } = await established(net, a, b);
  const thief = net.attach('10.0.0.66');
  const bye = (from: string, to: string): void =>
    thief.send(
      Buffer.from(
        [
          `BYE sip:${B}:5060 SIP/2.0`,
          `Via: SIP/2.0/UDP 10.0.0.66:5060;branch=z9hG4bK${from}${to}`,
          `From: <sip:x@y>;tag=${from}`,
          `To: <sip:z@y>;tag=${to}`,
          `Call-ID: ${called.callId}`,
          'CSeq: 99999999 BYE',
          '',
          '',
        ].join('\r\n'),
      ),
      { host: B, port: 5060 },
    );
  bye('wrong', called.localTag);
  bye(called.remoteTag, 'wrong');
  await net.pass(20);
  assert.deepEqual(net.trace(NAMES).slice(-2), ['b>481', 'b>481']);
  assert.deepEqual([caller.state, called.state, b.counters.stray], ['established', 'established', 2]);
  await end();
});

test('a peer that lost the call (481) ends it on our side', async () => {
  const { net, a, b, end } = await pair();
  const { caller } = await established(net, a, b);
  const ended = once(caller, 'ended') as Promise<[Ended]>;
  net.drop = (message, { from }) => message.kind === 'response' && message.status === 200 && from.host === B;
  void caller.info('text/plain', 'hello');
  await net.pass(33_000);
  assert.equal((await ended)[0].by, 'lost');
  await end();
});

test('Record-Route and fs_path: requests in the call go through the proxy of the route set, in its order', async () => {
  const { net, a, b, end } = await pair();
  const { called, caller } = await (async () => {
    const arrived = once(b, 'invite') as Promise<[InboundCall]>;
    b.once('invite', (call) => call.answer(ANSWER));
    const placed = a.invite({
      uri: 'sip:+48601000001@far.example.invalid',
      from: `"Anonymous" <sip:anonymous@anonymous.invalid>`,
      route: `sip:${B}:5060`,
      sdp: OFFER,
      headers: [
        ['Record-Route', '<sip:10.0.0.7;lr>, <sip:10.0.0.8;lr>'],
        ['P-Asserted-Identity', '<sip:+48601000002@op.example>'],
      ],
    });
    await net.pass(10);
    return { called: (await arrived)[0], caller: placed };
  })();
  assert.equal(called.headers.get('Route'), `<sip:${B}:5060;lr>`);
  assert.equal(called.request.uri, 'sip:+48601000001@far.example.invalid');
  // The called side answered with the Record-Route copied: the caller's route set is its reverse, the called side's as it was.
  const ack = net.log.find(({ message }) => message.kind === 'request' && message.method === 'ACK')?.message;
  assert.deepEqual(ack?.headers.values('Route'), ['<sip:10.0.0.8;lr>', '<sip:10.0.0.7;lr>']);
  caller.hangup();
  await net.pass(10);
  await end();
});

test('merged requests get 482, unknown extensions 420, foreign schemes 416, other bodies 415, no listener 480', async () => {
  const { net, b, end } = await pair();
  const peer = net.attach('10.0.0.3');
  const send = (branch: string, change: (text: string) => string = (text) => text): void =>
    peer.send(
      Buffer.from(
        change(
          [
            `INVITE sip:1@${B} SIP/2.0`,
            `Via: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bK${branch}`,
            'From: <sip:x@y>;tag=1',
            `To: <sip:1@${B}>`,
            `Call-ID: id`,
            'CSeq: 1 INVITE',
            'Contact: <sip:10.0.0.3>',
            '',
            '',
          ].join('\r\n'),
        ),
      ),
      { host: B, port: 5060 },
    );
  const finals = (): number[] =>
    net.log.flatMap(({ message }) => (message.kind === 'response' && message.status > 100 ? [message.status] : []));
  b.once('invite', (call) => call.ring());
  send('1');
  send('2');
  await net.pass(5);
  assert.deepEqual(finals(), [180, 482]);
  b.removeAllListeners('invite');
  const other = (id: string, from: string, to: string) => (text: string) =>
    text.replace('Call-ID: id', `Call-ID: ${id}`).replace(from, to);
  send('3', other('3', 'Contact:', 'Require: nothing, timer\r\nContact:'));
  send('4', other('4', `INVITE sip:`, 'INVITE unknown:'));
  send('5', (text) => `${other('5', 'Contact:', 'Content-Type: text/plain\r\nContact:')(text)}hello`);
  send('6', other('6', 'x', 'x'));
  await net.pass(5);
  assert.deepEqual(finals().slice(2).sort(), [415, 416, 420, 480]);
  await end();
});

test('malformed requests are answered 400 where possible, counted, and harm nothing', async () => {
  const { net, b, end } = await pair();
  const peer = net.attach('10.0.0.3');
  const answers: string[] = [];
  peer.onData = (data) => answers.push(data.toString().split('\r\n')[0] ?? '');
  const to = { host: B, port: 5060 };
  const head = 'Via: SIP/2.0/UDP 10.0.0.3;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: 1\r\n';
  peer.send(Buffer.from(`INVITE sip:1@h SIP/2.0\r\n${head}CSeq: x INVITE\r\n\r\n`), to);
  peer.send(Buffer.from(`INVITE sip:1@h SIP/9.9\r\n${head}CSeq: 1 INVITE\r\n\r\n`), to);
  peer.send(Buffer.from('garbage\0\xff'), to);
  peer.send(Buffer.from(`INVITE sip:1@h SIP/2.0\r\n\r\n`), to);
  await net.pass(5);
  assert.deepEqual(answers, ['SIP/2.0 400 Bad Request (CSeq cannot be read)', 'SIP/2.0 505 Version Not Supported']);
  assert.equal(b.counters.malformed, 4);
  await end();
});

test('RFC 3262: where the caller requires it, provisional responses are repeated until PRACK, and the 200 waits for it', async () => {
  const { net, a, b, end } = await pair();
  let lost = false;
  net.drop = (message) => {
    const drop = !lost && message.kind === 'request' && message.method === 'PRACK';
    lost ||= drop;
    return drop;
  };
  b.on('invite', (call) => {
    call.progress(ANSWER);
    call.answer(ANSWER);
  });
  const caller = a.invite({
    uri: `sip:1@${B}`,
    from: `sip:2@${A}`,
    sdp: OFFER,
    reliable: true,
    headers: [['Require', '100rel']],
  });
  await net.pass(2000);
  assert.equal(caller.state, 'established');
  const trace = net.trace(NAMES);
  assert(trace.indexOf('(a>PRACK)') < trace.indexOf('a>PRACK'));
  assert(trace.indexOf('a>PRACK') < trace.indexOf('b>200'));
  await end();
});

test('OPTIONS is answered; close ends calls and then refuses', async () => {
  const { net, a, b, end } = await pair();
  const options = a.options(`sip:${B}`);
  await net.pass(5);
  assert.equal((await options).status, 200);
  const { called } = await established(net, a, b);
  await end();
  assert.equal(called.state, 'terminated');
});
