import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { reply, request, sameTransaction, token } from './support/sip.ts';
import { ACCESS, atSwitch, invite, makeWorld, type World } from './support/world.ts';

describe('what the edge refuses', () => {
  let world: World;
  before(async () => {
    world = await makeWorld({ net: 63 });
  });
  after(() => world.close());

  const target = (user = ACCESS): string => `sip:${user}@${world.edge.host}:${world.edge.port}`;

  /** The edge has handled all that was sent before: it answers a known peer in order of arrival. */
  async function settled(): Promise<void> {
    const callId = token();
    world.carrier.send(request({ method: 'OPTIONS', uri: target(), from: world.carrier.address, callId }), world.edge);
    await world.carrier.reply(200, callId);
  }

  async function answer(text: string, callId: string): Promise<number> {
    world.carrier.send(text, world.edge);
    return (await world.carrier.final(callId)).status;
  }

  test('OPTIONS from a trunk is answered', async () => {
    const callId = token();
    const text = request({ method: 'OPTIONS', uri: target(), from: world.carrier.address, callId, maxForwards: 0 });
    assert.equal(await answer(text, callId), 200);
  });

  test('an unknown source gets silence and is counted', async () => {
    const before = await world.edge.counter('unknown_source');
    invite(world, world.stranger);
    const bye = { method: 'BYE', toTag: 'x' };
    world.stranger.send(request({ ...bye, uri: target(), from: world.stranger.address }), world.edge);
    const options = { method: 'OPTIONS', uri: target(), from: world.stranger.address };
    world.stranger.send(request({ ...options, headers: ['User-Agent: friendly-scanner'] }), world.edge);
    await untilCounter('unknown_source', before + 3);
    assert.equal(await world.edge.counter('scanner'), 1);
    assert.equal(
      world.stranger.count(() => true),
      0,
    );
    for (const peer of world.switches)
      assert.equal(
        peer.count((m) => m.method === 'INVITE'),
        0,
      );
  });

  async function untilCounter(name: string, least: number): Promise<void> {
    const deadline = Date.now() + 5000;
    for (let value = -1; value < least; value = await world.edge.counter(name)) {
      assert.ok(Date.now() < deadline, `counter ${name} stays at ${value}, not ${least}`);
    }
  }

  const malformed: readonly [string, (callId: string) => string, number][] = [
    ['another CSeq method', (id) => inviteText(id).replace('CSeq: 1 INVITE', 'CSeq: 1 BYE'), 400],
    ['a CSeq beyond 2^31', (id) => inviteText(id).replace('CSeq: 1 ', 'CSeq: 99999999999999 '), 400],
    [
      'a Content-Length beyond the datagram',
      (id) => inviteText(id).replace('Content-Length: 0', 'Content-Length: 900'),
      400,
    ],
    ['a URI scheme nobody has', (id) => inviteText(id).replace(/^INVITE sip:/, 'INVITE nosip:'), 400],
    ['a broken From URI', (id) => inviteText(id).replace(/From: <sip:[^>]*>/, 'From: <sip:a@@:x>'), 400],
    ['Max-Forwards 0', (id) => inviteText(id).replace('Max-Forwards: 70', 'Max-Forwards: 0'), 483],
    ['Proxy-Require of the unknown', (id) => inviteText(id, ['Proxy-Require: magic']), 420],
    ['REGISTER', (id) => inviteText(id).replaceAll('INVITE', 'REGISTER'), 405],
    ['MESSAGE', (id) => inviteText(id).replaceAll('INVITE', 'MESSAGE'), 405],
    ['a BYE outside any call', (id) => inviteText(id).replaceAll('INVITE', 'BYE'), 481],
    ['a CANCEL of nothing', (id) => inviteText(id).replaceAll('INVITE', 'CANCEL'), 481],
    ['10 KB', (id) => inviteText(id, [`X-Padding: ${'x'.repeat(10_000)}`]), 513],
    ['a loop', (id) => inviteText(id, [`Via: SIP/2.0/UDP ${world.edge.host}:${world.edge.port};branch=z9hG4bKx`]), 482],
  ];
  const inviteText = (callId: string, headers: readonly string[] = []): string =>
    request({ uri: target(), from: world.carrier.address, callId, headers });

  for (const [name, text, status] of malformed) {
    test(`${name} is ${status}`, async () => {
      const callId = token();
      assert.equal(await answer(text(callId), callId), status);
      for (const peer of world.switches)
        assert.equal(
          peer.count((m) => m.header('Call-ID') === callId),
          0,
        );
    });
  }

  test('what is not even SIP is survived, and no number reaches the log', async () => {
    const secret = '+48601777333';
    const garbage = [
      'garbage\r\n\r\n',
      `INVITE\r\nFrom: ${secret}\r\n\r\n`,
      `INVITE sip:${secret}@x SIP/2.0\r\n\r\n`,
      `INVITE sip:${secret}@x SIP/2.0\r\nVia: SIP/2.0/UDP ${secret}\r\nFrom: <sip:${secret}>>\r\nTo: ${secret}\r\n\r\n`,
      inviteText(token()).replace(/Via: .*\r\n/, ''),
      inviteText(token()).replace(/From: .*\r\n/, `From: "${secret}" <sip:${secret}@@[::>;tag=\r\n`),
      inviteText(token()).replace(/Contact: .*\r\n/, `Contact: <<sip:${secret}\r\n`),
      inviteText(token()).replace(/To: .*\r\n/, `To: <sip:${secret}@[x>;tag\r\n`),
      inviteText(token()).replace(/INVITE sip:[^ ]*/, `INVITE sip:${secret}@${'a'.repeat(300)}:99999999`),
      inviteText(token(), [`P-Asserted-Identity: <sip:${secret}`, `Remote-Party-ID: "${secret}" sip:${secret}@@`]),
      inviteText(token(), [`Route: <sip:${secret}@@;lr>>`, `Record-Route: ${secret}`]),
      inviteText(token()).replace(ACCESS, secret),
      inviteText(token()).replace(ACCESS, secret).replace('SIP/2.0\r\n', 'SIP/7.0\r\n'),
      `SIP/2.0 200 ${secret}\r\nVia: SIP/2.0/UDP ${world.edge.host}:${world.edge.port}, SIP/2.0/UDP ${world.carrier.address}\r\n\r\n`,
      Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 7919) % 256)).toString('latin1'),
      '\0'.repeat(100),
    ];
    for (const peer of [world.carrier, world.untrusted, world.stranger]) {
      for (const text of garbage) peer.send(text, world.edge);
    }
    for (const sw of world.switches) for (const text of garbage) sw.send(text, world.edge);
    await settled();
    assert.doesNotMatch(world.edge.log, /60177|777333/);
    const { callId } = invite(world, world.carrier);
    const { peer, message } = await atSwitch(world, 'INVITE', callId);
    peer.send(reply(message, 486, 'Busy Here'), message.from);
    await world.carrier.reply(486, callId);
  });

  test('log lines are JSON and quote no number, also of good calls', async () => {
    const { text, callId } = invite(world, world.carrier, {
      headers: ['P-Asserted-Identity: <sip:+48601777333@c.example>'],
    });
    const { peer, message } = await atSwitch(world, 'INVITE', callId);
    peer.send(reply(message, 486, 'Busy Here'), message.from);
    world.carrier.send(sameTransaction('ACK', text, await world.carrier.reply(486, callId)), world.edge);
    await settled();
    const trace = message.header('X-Traceparent').split('-')[1] ?? '?';
    const line = world.edge.log.split('\n').find((l) => l.includes(trace));
    assert.ok(line !== undefined, world.edge.log);
    assert.match(String(JSON.parse(line).message), /call from trunk carrier to switch/);
    assert.doesNotMatch(world.edge.log, /601777333|223000|601000001/);
  });

  test('a spoofed BYE is refused: no Route, a Route without our signature, and from a stranger', async () => {
    // A real call.
    const { text, callId } = invite(world, world.carrier, { fromTag: 'a' });
    const { peer, message } = await atSwitch(world, 'INVITE', callId);
    const contact = [`Contact: <sip:switch@${peer.address}>`];
    peer.send(reply(message, 200, 'OK', contact, 'b'), message.from);
    const ok = await world.carrier.reply(200, callId);
    const route = ok.header('Record-Route');
    const uri = `sip:switch@${peer.address}`;
    const bye = { method: 'BYE', uri, callId, cseq: 2, fromTag: 'a', toTag: 'b' };

    const none = request({ ...bye, from: world.untrusted.address });
    world.untrusted.send(none, world.edge);
    assert.equal((await world.untrusted.final(callId)).status, 403);
    const forged = route.replace(/call=[0-9a-f]+/, `call=${'0'.repeat(32)}`);
    world.untrusted.send(request({ ...bye, from: world.untrusted.address, headers: [`Route: ${forged}`] }), world.edge);
    assert.equal((await world.untrusted.final(callId)).status, 403);
    const before = await world.edge.counter('unknown_source');
    world.stranger.send(request({ ...bye, from: world.stranger.address, headers: [`Route: ${route}`] }), world.edge);
    await untilCounter('unknown_source', before + 1);
    assert.equal(
      world.stranger.count(() => true),
      0,
    );
    // With the right Route a trunk reaches switches only.
    const away = { ...bye, uri: `sip:x@${world.stranger.address}`, from: world.carrier.address };
    assert.equal(await answer(request({ ...away, headers: [`Route: ${route}`] }), callId), 481);
    for (const sw of world.switches)
      assert.equal(
        sw.count((m) => m.method === 'BYE'),
        0,
      );

    world.carrier.send(request({ ...bye, from: world.carrier.address, headers: [`Route: ${route}`] }), world.edge);
    const real = await peer.request('BYE');
    assert.equal(real.header('Call-ID'), callId);
    assert.equal(real.has('Route'), false);
    peer.send(reply(real, 200, 'OK'), real.from);
    await world.carrier.receive((m) => m.status === 200 && m.header('CSeq') === '2 BYE', '200 of BYE');
    assert.ok(text.includes(callId));
  });

  test('a switch reaches trunk gateways only', async () => {
    const [sw] = world.switches;
    const elsewhere = request({ uri: `sip:+4479@${world.stranger.address}`, from: sw.address, callId: 'elsewhere' });
    sw.send(elsewhere, world.edge);
    const final = await sw.final('elsewhere');
    assert.equal(final.status, 403);
    sw.send(sameTransaction('ACK', elsewhere, final), world.edge);
    assert.equal(
      world.stranger.count(() => true),
      0,
    );
  });
});

describe('floods', () => {
  test('an unknown source is ignored after its share, and a trunk notices nothing', async () => {
    const world = await makeWorld({ net: 64, model: { unknownSources: 'forbid' } });
    try {
      invite(world, world.stranger, { callId: 'first' });
      assert.equal((await world.stranger.final('first')).status, 403);
      for (let i = 0; i < 400; i += 1) invite(world, world.stranger, { callId: `flood-${i}` });
      const { callId } = invite(world, world.carrier);
      const { peer, message } = await atSwitch(world, 'INVITE', callId);
      peer.send(reply(message, 486, 'Busy Here'), message.from);
      await world.carrier.reply(486, callId);
      // Each of the two workers may notice it once.
      const bans = await world.edge.counter('unknown_source_banned');
      assert.ok(bans === 1 || bans === 2, `banned ${bans} times`);
      const answered = world.stranger.count((m) => m.status === 403);
      assert.ok(answered > 0 && answered < 100, `${answered} of 400 were answered`);
    } finally {
      await world.close();
    }
  });

  test('a trunk beyond its calls per second gets 503 without Retry-After; the other trunk its calls', async () => {
    const world = await makeWorld({ net: 65, carrier: { callsPerSecond: { inbound: 5, outbound: 2 } } });
    try {
      for (const peer of world.switches) {
        peer.automatic = (m) => (m.method === 'INVITE' ? reply(m, 486, 'Busy Here') : '');
      }
      const calls = Array.from({ length: 40 }, (_, i) => `call-${i}`);
      for (const callId of calls) invite(world, world.carrier, { callId });
      const { callId } = invite(world, world.untrusted);
      assert.equal((await world.untrusted.final(callId)).status, 486);
      const finals = await Promise.all(calls.map((id) => world.carrier.final(id)));
      const through = finals.filter((m) => m.status === 486).length;
      const limited = finals.filter((m) => m.status === 503);
      assert.equal(through + limited.length, 40);
      // Two counting seconds may have been touched.
      assert.ok(through >= 5 && through <= 10, `${through} came through`);
      assert.equal(
        limited.some((m) => m.has('Retry-After')),
        false,
      );
    } finally {
      await world.close();
    }
  });

  test('calls to a trunk are limited as well', async () => {
    const world = await makeWorld({ net: 66, carrier: { callsPerSecond: { inbound: 0, outbound: 2 } } });
    try {
      world.carrier.automatic = (m) => (m.method === 'INVITE' ? reply(m, 486, 'Busy Here') : '');
      const [sw] = world.switches;
      const calls = Array.from({ length: 20 }, (_, i) => `out-${i}`);
      for (const callId of calls) {
        sw.send(request({ uri: `sip:+4479@${world.carrier.address}`, from: sw.address, callId }), world.edge);
      }
      const finals = await Promise.all(calls.map((id) => sw.final(id)));
      const through = finals.filter((m) => m.status === 486).length;
      assert.ok(through >= 2 && through <= 4, `${through} came through`);
      assert.equal(finals.filter((m) => m.status === 503).length, 20 - through);
    } finally {
      await world.close();
    }
  });

  test('one trunk flooding with requests of any kind is cut', async () => {
    const world = await makeWorld({ net: 67, model: { trunkRequestsPerSecond: 20 } });
    try {
      const uri = `sip:${world.edge.host}:${world.edge.port}`;
      for (let i = 0; i < 200; i += 1) {
        world.carrier.send(request({ method: 'OPTIONS', uri, from: world.carrier.address, callId: 'o' }), world.edge);
      }
      world.untrusted.send(request({ method: 'OPTIONS', uri, from: world.untrusted.address, callId: 'u' }), world.edge);
      await world.untrusted.reply(200, 'u');
      assert.ok((await world.edge.counter('trunk_flood')) >= 100);
      assert.ok(world.carrier.count((m) => m.status === 200) <= 60);
    } finally {
      await world.close();
    }
  });
});
