import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { reply, sameTransaction } from './support/sip.ts';
import { ACCESS, atSwitch, invite, makeWorld, type World } from './support/world.ts';

describe('a call from a trunk', () => {
  let world: World;
  before(async () => {
    world = await makeWorld({ net: 61 });
  });
  after(() => world.close());

  /** Relays one INVITE, has the switch reject it, gives what the switch saw. */
  async function seen(options: Parameters<typeof invite>[2], from = world.carrier) {
    const { text, callId } = invite(world, from, options);
    const { peer, message } = await atSwitch(world, 'INVITE', callId);
    peer.send(reply(message, 486, 'Busy Here'), message.from);
    const final = await from.reply(486, callId);
    from.send(sameTransaction('ACK', text, final), world.edge);
    return message;
  }

  test('reaches a switch with all a switch needs to know', async () => {
    const m = await seen({
      headers: ['P-Asserted-Identity: "A" <sip:+48601000001;verstat=TN-Validation-Passed@c.example>'],
    });
    assert.equal(m.header('X-Ringback-Trunk'), 'carrier');
    assert.equal(m.header('X-Ringback-Trusted'), '1');
    assert.equal(m.header('X-Ringback-Country'), 'PL');
    assert.equal(m.header('X-Ringback-Access-Number'), ACCESS);
    assert.equal(m.header('X-Ringback-Mode'), 'callback');
    assert.equal(m.header('X-Ringback-Ring-Time'), '13');
    assert.equal(m.header('X-Ringback-Reject'), 'USER_BUSY');
    assert.equal(m.header('X-Ringback-Caller'), '+48601000001');
    assert.equal(m.header('X-Ringback-Hidden'), '0');
    assert.equal(m.header('X-Ringback-Diverted'), '0');
    assert.equal(m.header('X-Ringback-Verstat'), 'TN-Validation-Passed');
    const receivedMs = Number(m.header('X-Ringback-Received')) * 1000;
    assert.ok(Math.abs(Date.now() - receivedMs) < 60_000, 'when the edge had it');
    assert.match(m.header('X-Traceparent'), /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.match(m.uri, /^sip:\+48223000000@/);
    assert.match(m.header('Record-Route'), new RegExp(`${world.edge.host}:${world.edge.port}`));
  });

  test('never carries what the trunk claims for us', async () => {
    const m = await seen({
      headers: [
        'X-Ringback-Trusted: 1',
        'x-ringback-trunk : forged',
        'X-RINGBACK-Anything: forged',
        'X-Traceparent: 00-00000000000000000000000000000001-0000000000000001-01',
        'Route: <sip:192.0.2.66;lr>',
      ],
    });
    assert.doesNotMatch(m.text, /forged|0000000000000001|192\.0\.2\.66/);
    assert.deepEqual(m.headers('X-Ringback-Trusted'), ['0']);
    assert.equal(m.headers('X-Traceparent').length, 1);
  });

  test('an untrusted trunk loses its identity headers, and only From is read', async () => {
    const m = await seen(
      {
        fromHeader: '<sip:07700900123;verstat=TN-Validation-Passed@x.example>',
        headers: [
          'P-Asserted-Identity: <sip:+48601999999@c.example>',
          'Remote-Party-ID: <sip:+48601999998@c.example>',
          'P-Preferred-Identity: <sip:+48601999997@c.example>',
        ],
      },
      world.untrusted,
    );
    assert.doesNotMatch(m.text, /60199999/);
    assert.equal(m.header('X-Ringback-Trunk'), 'untrusted');
    assert.equal(m.header('X-Ringback-Trusted'), '0');
    assert.equal(m.header('X-Ringback-Country'), 'GB');
    assert.equal(m.header('X-Ringback-Caller'), '07700900123');
    assert.equal(m.header('X-Ringback-Verstat'), '');
  });

  const PAI = 'P-Asserted-Identity: <sip:+48601000001@c.example>';
  const cases: readonly {
    readonly name: string;
    readonly fromHeader?: string;
    readonly headers: readonly string[];
    readonly want: Readonly<Record<string, string>>;
  }[] = [
    {
      name: 'tel: in P-Asserted-Identity',
      headers: ['P-Asserted-Identity: <tel:+48601000002;cpc=ordinary>'],
      want: { Caller: '+48601000002', Trusted: '1', Hidden: '0' },
    },
    {
      name: 'user parameters are no digits',
      headers: ['P-Asserted-Identity: <sip:+48601000003;npdi@c.example;user=phone>'],
      want: { Caller: '+48601000003' },
    },
    {
      name: 'several P-Asserted-Identity: the first',
      headers: ['P-Asserted-Identity: <sip:+48601000004@c.example>, <tel:+48601000005>'],
      want: { Caller: '+48601000004', Trusted: '1' },
    },
    {
      name: 'without the header the trunk vouches for, From is anyone’s word',
      fromHeader: '<sip:0601000006@c.example>',
      headers: [],
      want: { Caller: '0601000006', Trusted: '0', Hidden: '0' },
    },
    { name: 'Privacy: id', headers: [PAI, 'Privacy: id'], want: { Hidden: '1', Trusted: '1' } },
    { name: 'Privacy: user;id', headers: [PAI, 'Privacy: user;id'], want: { Hidden: '1' } },
    { name: 'Privacy: none', headers: [PAI, 'Privacy: none'], want: { Hidden: '0' } },
    {
      name: 'From anonymous',
      fromHeader: '"Anonymous" <sip:anonymous@anonymous.invalid>',
      headers: [PAI],
      want: { Hidden: '1', Caller: '+48601000001' },
    },
    {
      name: 'Remote-Party-ID privacy',
      headers: [PAI, 'Remote-Party-ID: <sip:1@x>;privacy=full'],
      want: { Hidden: '1' },
    },
    { name: 'no user at all', fromHeader: '<sip:c.example>', headers: [], want: { Hidden: '1', Caller: '' } },
    {
      name: 'a caller that is neither number nor name',
      fromHeader: '<sip:%0d%0aX-Evil:%201@c.example>',
      headers: [],
      want: { Hidden: '1', Caller: '' },
    },
    { name: 'Diversion', headers: [PAI, 'Diversion: <sip:+4822@c>;reason=no-answer'], want: { Diverted: '1' } },
    {
      name: 'History-Info with a cause',
      headers: [PAI, 'History-Info: <sip:+4822@c?Reason=SIP%3Bcause%3D302>;index=1.1'],
      want: { Diverted: '1' },
    },
    { name: 'History-Info without', headers: [PAI, 'History-Info: <sip:+4822@c>;index=1'], want: { Diverted: '0' } },
    {
      name: 'verstat in From when not in P-Asserted-Identity',
      fromHeader: '<sip:+48601000001;verstat=TN-Validation-Failed@c.example>',
      headers: [PAI],
      want: { Verstat: 'TN-Validation-Failed' },
    },
  ];
  for (const { name, want, ...options } of cases) {
    test(`identity: ${name}`, async () => {
      const m = await seen(options);
      for (const [header, value] of Object.entries(want)) assert.equal(m.header(`X-Ringback-${header}`), value, header);
    });
  }

  for (const user of ['+48223000000', '0048223000000', '48223000000', '+48223000000;npdi']) {
    test(`the access number as ${user}`, async () => {
      const m = await seen({ user });
      assert.equal(m.header('X-Ringback-Access-Number'), ACCESS);
    });
  }

  test('mode, ring time and reject cause are the access number’s', async () => {
    const direct = await seen({ user: '+442079460001' });
    assert.equal(direct.header('X-Ringback-Mode'), 'direct');
    assert.equal(direct.header('X-Ringback-Reject'), 'CALL_REJECTED');
    const other = await seen({ user: '+48223000480' });
    assert.equal(other.header('X-Ringback-Ring-Time'), '5');
    assert.equal(other.header('X-Ringback-Reject'), 'NO_ANSWER');
  });

  test('each call has a trace of its own', async () => {
    const ids = new Set<string>();
    for (let i = 0; i < 8; i += 1) ids.add((await seen({})).header('X-Traceparent').slice(3, 35));
    assert.equal(ids.size, 8);
  });

  test('an unknown number is 404', async () => {
    const { text, callId } = invite(world, world.carrier, { user: '+48229999999' });
    const final = await world.carrier.final(callId);
    assert.equal(final.status, 404);
    world.carrier.send(sameTransaction('ACK', text, final), world.edge);
  });

  test('switches take turns', async () => {
    const peers = new Set<string>();
    for (let i = 0; i < 4; i += 1) {
      const { callId } = invite(world, world.carrier);
      const { peer, message } = await atSwitch(world, 'INVITE', callId);
      peer.send(reply(message, 486, 'Busy Here'), message.from);
      await world.carrier.reply(486, callId);
      peers.add(peer.address);
    }
    assert.equal(peers.size, 2);
  });

  test('a trunk that adds Diversion to every call can have it ignored', async () => {
    const other = await makeWorld({ net: 62, carrier: { diversion: 'ignore', identity: 'rpid' } });
    try {
      const { callId } = invite(other, other.carrier, {
        headers: ['Diversion: <sip:+4822@c>', 'Remote-Party-ID: "N" <sip:601000001@c.example>;party=calling'],
      });
      const { message } = await atSwitch(other, 'INVITE', callId);
      assert.equal(message.header('X-Ringback-Diverted'), '0');
      assert.equal(message.has('Diversion'), false);
      assert.equal(message.header('X-Ringback-Caller'), '601000001');
      assert.equal(message.header('X-Ringback-Trusted'), '1');
    } finally {
      await other.close();
    }
  });
});
