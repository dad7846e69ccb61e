import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort } from './support/kamailio.ts';
import { Peer } from './support/peer.ts';
import { reply, request, sameTransaction, token } from './support/sip.ts';
import { atSwitch, invite, makeWorld, type World } from './support/world.ts';

/** Which of two switches gets the first call of a fresh edge; and the other. */
async function firstTwo(world: World, callId: string) {
  const { peer, message } = await atSwitch(world, 'INVITE', callId);
  const other = world.switches.find((p) => p !== peer);
  assert.ok(other !== undefined);
  return { first: peer, message, other };
}

describe('failover', () => {
  let world: World;
  before(async () => {
    world = await makeWorld({ net: 71, model: { probeIntervalSeconds: 0 } });
  });
  after(() => world.close());

  const isCall =
    (callId: string) =>
    (m: { method: string; header(n: string): string }): boolean =>
      m.method === 'INVITE' && m.header('Call-ID') === callId;

  test('503 of one switch: the next one, with the same headers; Retry-After never reaches the trunk', async () => {
    const { text, callId } = invite(world, world.carrier);
    const { first, message, other } = await firstTwo(world, callId);
    first.send(reply(message, 503, 'Service Unavailable', ['Retry-After: 30']), message.from);
    const again = await other.receive(isCall(callId), 'INVITE');
    assert.equal(again.header('X-Traceparent'), message.header('X-Traceparent'));
    assert.equal(again.headers('X-Ringback-Trunk').length, 1);
    other.send(reply(again, 503, 'Service Unavailable', ['Retry-After: 30']), again.from);
    const final = await world.carrier.final(callId);
    assert.equal(final.status, 503);
    assert.equal(final.has('Retry-After'), false);
    world.carrier.send(sameTransaction('ACK', text, final), world.edge);
  });

  test('a final reply that is the caller’s business is passed on, not retried', async () => {
    const { callId } = invite(world, world.carrier);
    const { first, message, other } = await firstTwo(world, callId);
    first.send(reply(message, 603, 'Decline', ['X-Ringback-Internal: 1', 'X-FS-Support: x']), message.from);
    const final = await world.carrier.final(callId);
    assert.equal(final.status, 603);
    assert.doesNotMatch(final.text, /X-Ringback|X-FS/i);
    assert.equal(other.count(isCall(callId)), 0);
  });

  test('503 after ringing is final: nobody is rung twice', async () => {
    const { callId } = invite(world, world.carrier);
    const { first, message, other } = await firstTwo(world, callId);
    first.send(reply(message, 180, 'Ringing'), message.from);
    await world.carrier.reply(180, callId);
    first.send(reply(message, 503, 'Service Unavailable'), message.from);
    assert.equal((await world.carrier.final(callId)).status, 503);
    assert.equal(other.count(isCall(callId)), 0);
  });

  test('CANCEL while a switch rings reaches it; the INVITE ends with 487 and no other switch hears of it', async () => {
    const { text, callId } = invite(world, world.carrier);
    const { first, message, other } = await firstTwo(world, callId);
    first.send(reply(message, 180, 'Ringing'), message.from);
    await world.carrier.reply(180, callId);
    world.carrier.send(sameTransaction('CANCEL', text), world.edge);
    const cancel = await first.receive((m) => m.method === 'CANCEL' && m.header('Call-ID') === callId, 'CANCEL');
    first.send(reply(cancel, 200, 'OK'), cancel.from);
    first.send(reply(message, 487, 'Request Terminated'), message.from);
    const final = await world.carrier.receive(
      (m) => m.header('Call-ID') === callId && m.header('CSeq').endsWith('INVITE') && m.status >= 200,
      'final reply',
    );
    assert.equal(final.status, 487);
    world.carrier.send(sameTransaction('ACK', text, final), world.edge);
    assert.equal(other.count(isCall(callId)), 0);
  });

  test('CANCEL right behind its INVITE never leaves a switch ringing', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { text, callId } = invite(world, world.carrier);
      const sendCancel = (): void => world.carrier.send(sameTransaction('CANCEL', text), world.edge);
      sendCancel();
      // One that overtakes its INVITE is not answered, and sent again after T1 (RFC 3261, 17.1.2.2).
      const again = setInterval(sendCancel, 500);
      const { first, message } = await firstTwo(world, callId);
      first.send(reply(message, 180, 'Ringing'), message.from);
      const cancel = await first
        .receive((m) => m.method === 'CANCEL' && m.header('Call-ID') === callId, 'CANCEL')
        .finally(() => clearInterval(again));
      first.send(reply(cancel, 200, 'OK'), cancel.from);
      first.send(reply(message, 487, 'Request Terminated'), message.from);
      await world.carrier.reply(487, callId);
    }
  });

  test('CANCEL during a silent switch: no next switch is tried', async () => {
    const { text, callId } = invite(world, world.carrier);
    const { other } = await firstTwo(world, callId);
    world.carrier.send(sameTransaction('CANCEL', text), world.edge);
    const final = await world.carrier.receive(
      (m) => m.header('Call-ID') === callId && m.header('CSeq').endsWith('INVITE') && m.status >= 200,
      'final reply',
      4000,
    );
    assert.ok([408, 487].includes(final.status), final.startLine);
    assert.equal(other.count(isCall(callId)), 0);
  });

  test('200 that crosses a CANCEL goes through', async () => {
    const { text, callId } = invite(world, world.carrier);
    const { first, message } = await firstTwo(world, callId);
    first.send(reply(message, 180, 'Ringing'), message.from);
    await world.carrier.reply(180, callId);
    first.send(reply(message, 200, 'OK', [`Contact: <sip:s@${first.address}>`]), message.from);
    world.carrier.send(sameTransaction('CANCEL', text), world.edge);
    const ok = await world.carrier.receive(
      (m) => m.status === 200 && m.header('CSeq') === '1 INVITE' && m.header('Call-ID') === callId,
      '200 of INVITE',
    );
    assert.ok(ok.has('Record-Route'));
  });
});

test('a dead switch costs about two seconds, once: others then skip it until it answers again', async () => {
  const world = await makeWorld({ net: 72, model: { probeIntervalSeconds: 1 } });
  try {
    const [alive, dead] = world.switches;
    for (const peer of world.switches) {
      const probe = peer.automatic;
      peer.automatic = (m) => (m.method === 'INVITE' ? reply(m, 486, 'Busy Here') : probe?.(m));
    }
    const { port } = dead;
    dead.close();
    const times: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      const began = performance.now();
      const { text, callId } = invite(world, world.carrier);
      const final = await world.carrier.final(callId, 4000);
      assert.equal(final.status, 486);
      world.carrier.send(sameTransaction('ACK', text, final), world.edge);
      times.push(performance.now() - began);
    }
    const slow = times.filter((t) => t > 1000);
    assert.ok(slow.length <= 1, `took ${times.map(Math.round).join(', ')} ms`);
    // Nothing near Timer B's 32 s.
    for (const t of slow) assert.ok(t < 4000, `${t} ms`);
    assert.match(world.edge.log, /switch silent/);

    const back = await Peer.open(dead.host, port);
    try {
      const probed = await back.request('OPTIONS', 5000);
      back.automatic = (m) => (m.method === 'OPTIONS' ? reply(m, 200, 'OK') : reply(m, 486, 'Busy Here'));
      back.send(reply(probed, 200, 'OK'), probed.from);
      const deadline = Date.now() + 5000;
      while (!/switch answers/.test(world.edge.log)) {
        assert.ok(Date.now() < deadline, world.edge.log);
        await world.edge.rpc('core.uptime');
      }
    } finally {
      back.close();
    }
    assert.ok(alive.port > 0);
  } finally {
    for (const peer of world.switches) peer.automatic = undefined;
    await world.close().catch((cause: unknown) => {
      // The dead switch's socket is closed already.
      if (!String(cause).includes('Not running')) throw cause;
    });
  }
});

test('without switches every call is 503; before the first configuration as well, OPTIONS too', async () => {
  const none = await makeWorld({ net: 73, state: (s) => ({ ...s, switches: [] }) });
  try {
    const { callId } = invite(none, none.carrier);
    assert.equal((await none.carrier.final(callId)).status, 503);
    await none.edge.rpc('htable.sets', 'edge', 'admit', 's:0');
    const unknown = invite(none, none.carrier, { user: '+48229999999' });
    assert.equal((await none.carrier.final(unknown.callId)).status, 503);
    const options = request({
      method: 'OPTIONS',
      uri: `sip:${none.edge.host}`,
      from: none.carrier.address,
      callId: 'o',
    });
    none.carrier.send(options, none.edge);
    assert.equal((await none.carrier.final('o')).status, 503);
    await none.edge.rpc('htable.sets', 'edge', 'admit', 's:1');
    none.carrier.send(options.replaceAll('Call-ID: o', 'Call-ID: p'), none.edge);
    assert.equal((await none.carrier.final('p')).status, 200);
  } finally {
    await none.close();
  }
});

test('a call from a switch goes to its gateway without our headers; a dead gateway is 503', async () => {
  const gone = `127.74.1.77:${await freePort('127.74.1.77')}`;
  const world = await makeWorld({
    net: 74,
    model: { timers: { switchReplyMs: 2000, trunkReplyMs: 800, finalReplyMs: 120_000 } },
    state: (s) => ({
      ...s,
      trunks: s.trunks.map((t) => (t.id === 'carrier' ? { ...t, gateways: [...t.gateways, gone] } : t)),
    }),
  });
  try {
    const [sw] = world.switches;
    const route = `Route: <sip:${world.edge.host}:${world.edge.port};lr>`;
    const headers = [
      route,
      'X-Ringback-Leg: 1',
      'X-Traceparent: 00-0123456789abcdef0123456789abcdef-0123456789abcdef-01',
      'P-Asserted-Identity: <sip:+48223000000@x>',
    ];
    const text = request({
      uri: `sip:+4479@${world.carrier.address}`,
      from: sw.address,
      callId: 'out',
      headers,
      fromTag: 's',
    });
    sw.send(text, world.edge);
    const got = await world.carrier.request('INVITE');
    assert.equal(got.uri, `sip:+4479@${world.carrier.address}`);
    assert.doesNotMatch(got.text, /X-Ringback|X-Traceparent|^Route/im);
    assert.equal(got.header('P-Asserted-Identity'), '<sip:+48223000000@x>');
    assert.match(world.edge.log, /to trunk carrier trace=0123456789abcdef0123456789abcdef/);
    const contact = [`Contact: <sip:gw@${world.carrier.address}>`, 'X-Ringback-Forged: 1'];
    world.carrier.send(reply(got, 200, 'OK', contact, 'c'), got.from);
    const ok = await sw.final('out');
    assert.equal(ok.has('X-Ringback-Forged'), false);
    // The far end hangs up.
    const bye = request({
      method: 'BYE',
      uri: `sip:peer@${sw.address}`,
      from: world.carrier.address,
      callId: 'out',
      fromTag: 'c',
      toTag: 's',
      headers: [`Route: ${got.header('Record-Route')}`, 'X-Ringback-Forged: 1'],
    });
    world.carrier.send(bye, world.edge);
    const heard = await sw.request('BYE');
    assert.equal(heard.has('X-Ringback-Forged'), false);

    sw.send(request({ uri: `sip:+4479@${world.carrier.address}`, from: sw.address, callId: 'full' }), world.edge);
    const congested = await world.carrier.request('INVITE');
    world.carrier.send(reply(congested, 503, 'Service Unavailable'), congested.from);
    assert.equal((await sw.final('full')).status, 503);

    const began = performance.now();
    sw.send(request({ uri: `sip:+4479@${gone}`, from: sw.address, callId: 'dead' }), world.edge);
    assert.equal((await sw.final('dead', 3000)).status, 503);
    assert.ok(performance.now() - began < 1800);
  } finally {
    await world.close();
  }
});

test('a call outlives its edge: SIGKILL, restart, then BYE and re-INVITE from both sides', async () => {
  const world = await makeWorld({ net: 75 });
  try {
    const { callId } = invite(world, world.carrier, { fromTag: 'a' });
    const { peer, message } = await atSwitch(world, 'INVITE', callId);
    peer.send(reply(message, 200, 'OK', [`Contact: <sip:sw@${peer.address}>`], 'b'), message.from);
    const ok = await world.carrier.reply(200, callId);
    const route = `Route: ${ok.header('Record-Route')}`;
    const uri = `sip:sw@${peer.address}`;
    world.carrier.send(
      request({ method: 'ACK', uri, from: world.carrier.address, callId, fromTag: 'a', toTag: 'b', headers: [route] }),
      world.edge,
    );
    await peer.request('ACK');

    // A second call is answered while the edge is down: its 200 comes as soon as the switch repeats it.
    const second = invite(world, world.carrier, { fromTag: 'a2' });
    const ringing = await atSwitch(world, 'INVITE', second.callId);
    ringing.peer.send(reply(ringing.message, 180, 'Ringing'), ringing.message.from);
    await world.carrier.reply(180, second.callId);

    await world.edge.crash();
    await world.edge.launch();

    ringing.peer.send(reply(ringing.message, 200, 'OK', [], 'b2'), ringing.message.from);
    await world.carrier.reply(200, second.callId);

    const dialog = { callId, fromTag: 'a', toTag: 'b', headers: [route] };
    world.carrier.send(request({ uri, from: world.carrier.address, cseq: 2, ...dialog }), world.edge);
    const reinvite = await peer.receive((m) => m.header('CSeq') === '2 INVITE', 're-INVITE');
    peer.send(reply(reinvite, 200, 'OK'), reinvite.from);
    await world.carrier.receive((m) => m.header('CSeq') === '2 INVITE' && m.status === 200, '200 of re-INVITE');

    const back = { uri: `sip:peer@${world.carrier.address}`, from: peer.address, callId, fromTag: 'b', toTag: 'a' };
    peer.send(request({ ...back, method: 'UPDATE', headers: [route] }), world.edge);
    const update = await world.carrier.request('UPDATE');
    world.carrier.send(reply(update, 200, 'OK'), update.from);
    peer.send(request({ ...back, method: 'BYE', cseq: 2, headers: [route] }), world.edge);
    const bye = await world.carrier.request('BYE');
    world.carrier.send(reply(bye, 200, 'OK'), bye.from);
    await peer.receive((m) => m.status === 200 && m.header('CSeq') === '2 BYE', '200 of BYE');
  } finally {
    await world.close();
  }
});

test('numbers, trunks and switches come and go while it runs', async () => {
  const world = await makeWorld({ net: 76 });
  const newcomer = await Peer.open('127.76.5.5');
  try {
    const rpc = (...command: string[]): Promise<string> => world.edge.rpc(...command);
    const outcome = async (from: Peer, user: string): Promise<number> => {
      const { text, callId } = invite(world, from, { user });
      const final = await from.final(callId);
      from.send(sameTransaction('ACK', text, final), world.edge);
      return final.status;
    };
    for (const peer of world.switches) {
      peer.automatic = (m) => (m.method === 'ACK' ? '' : reply(m, m.method === 'OPTIONS' ? 200 : 486, 'Busy Here'));
    }
    // Access number.
    assert.equal(await outcome(world.carrier, '+48221112233'), 404);
    await rpc('htable.sets', 'access', 's:+48221112233', 's:mode=callback;ring=5;reject=USER_BUSY');
    assert.equal(await outcome(world.carrier, '+48221112233'), 486);
    await rpc('htable.delete', 'access', 's:+48221112233');
    assert.equal(await outcome(world.carrier, '+48221112233'), 404);
    // Trunk.
    await world.edge.write({
      ...world.state,
      trunks: [...world.state.trunks, { ...trunkOf(world), id: 'new', sources: [newcomer.host], gateways: [] }],
    });
    await rpc(
      'htable.sets',
      'trunk',
      'new',
      's:in=1;trusted=0;country=PL;identity=from;cpsin=0;cpsout=0;diversion=mark',
    );
    await rpc('permissions.addressReload');
    assert.equal(await outcome(newcomer, '+48223000000'), 486);
    await world.edge.write(world.state);
    await rpc('permissions.addressReload');
    const lost = await world.edge.counter('unknown_source');
    invite(world, newcomer);
    await assert.doesNotReject(async () => {
      while ((await world.edge.counter('unknown_source')) === lost);
    });
    // Switches: one drained, then gone, then back.
    const [one, two] = world.switches;
    await rpc('dispatcher.set_state', 'd', '1', `sip:${two.address}`);
    const seen: string[] = [];
    one.automatic = (m) => {
      if (m.method === 'INVITE') seen.push('one');
      return m.method === 'ACK' ? '' : reply(m, m.method === 'OPTIONS' ? 200 : 486, 'Busy Here');
    };
    two.automatic = (m) => {
      if (m.method === 'INVITE') seen.push('two');
      return m.method === 'ACK' ? '' : reply(m, m.method === 'OPTIONS' ? 200 : 486, 'Busy Here');
    };
    for (let i = 0; i < 4; i += 1) await outcome(world.carrier, '+48223000000');
    assert.deepEqual(seen.splice(0), ['one', 'one', 'one', 'one']);
    await rpc('dispatcher.remove', '1', `sip:${one.address}`);
    assert.equal(await outcome(world.carrier, '+48223000000'), 503);
    // Adding one leaves the other's state alone.
    await rpc('dispatcher.add', '1', `sip:${one.address}`, '0', '0', 'duid=sw1');
    for (let i = 0; i < 4; i += 1) await outcome(world.carrier, '+48223000000');
    assert.deepEqual(seen.splice(0), ['one', 'one', 'one', 'one']);
    await rpc('dispatcher.set_state', 'ap', '1', `sip:${two.address}`);
    for (let i = 0; i < 4; i += 1) await outcome(world.carrier, '+48223000000');
    assert.equal(seen.filter((s) => s === 'two').length, 2);
  } finally {
    newcomer.close();
    await world.close();
  }
});

const trunkOf = (world: World) => {
  const [trunk] = world.state.trunks;
  assert.ok(trunk !== undefined);
  return trunk;
};

test('an advertised address that is not the bound one: dialogs still find their way', async () => {
  const world = await makeWorld({ net: 77, model: { advertise: { host: '198.51.100.7', port: 5099 } } });
  try {
    const { callId } = invite(world, world.carrier, { fromTag: 'a' });
    const { peer, message } = await atSwitch(world, 'INVITE', callId);
    assert.match(message.header('Via'), /198\.51\.100\.7:5099/);
    assert.match(message.header('Record-Route'), /198\.51\.100\.7:5099/);
    peer.send(reply(message, 200, 'OK', [`Contact: <sip:sw@${peer.address}>`], 'b'), {
      host: world.edge.host,
      port: world.edge.port,
    });
    const ok = await world.carrier.reply(200, callId);
    const headers = [`Route: ${ok.header('Record-Route')}`];
    const bye = { method: 'BYE', uri: `sip:sw@${peer.address}`, from: world.carrier.address, callId, cseq: 2 };
    world.carrier.send(request({ ...bye, fromTag: 'a', toTag: 'b', headers }), world.edge);
    await peer.request('BYE');
    assert.ok(token() !== '');
  } finally {
    await world.close();
  }
});
