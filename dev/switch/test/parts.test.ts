import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { causeToSip, parseCause, reasonHeader, sipToCause } from '../src/causes.ts';
import { ConfigError, parseConfig } from '../src/config.ts';
import { parseDialString, parseSofia } from '../src/dial-string.ts';
import { CommandReader } from '../src/esl/framing.ts';
import { Subscription } from '../src/esl/subscription.ts';
import { SwitchEvent, urlEncode } from '../src/events/event.ts';

describe('dial strings', () => {
  test('braces, brackets, quotes and escapes', () => {
    const dial = parseDialString("{a=1,b='x, y'}[c=d\\,e]sofia/p/1@h:5,[leg_timeout=3]sofia/p/2@h|sofia/p/3@h");
    assert.deepEqual(
      [...(dial?.variables ?? [])],
      [
        ['a', '1'],
        ['b', 'x, y'],
      ],
    );
    assert.deepEqual(
      dial?.groups.map((legs) => legs.map((leg) => [leg.endpoint, ...leg.variables])),
      [
        [
          ['sofia/p/1@h:5', ['c', 'd,e']],
          ['sofia/p/2@h', ['leg_timeout', '3']],
        ],
        [['sofia/p/3@h']],
      ],
    );
    assert.equal(parseDialString('{x=y sofia/p/1@h'), undefined);
  });

  test('fs_path is where the request goes', () => {
    assert.deepEqual(parseSofia('sofia/ringback/+48601@10.0.0.9;fs_path=sip:127.0.0.10:5060'), {
      profile: 'ringback',
      user: '+48601',
      host: '10.0.0.9',
      path: '127.0.0.10:5060',
    });
    assert.equal(parseSofia('sofia/p/1@h;fs_path=%3Csip%3A127.0.0.1%3A5070%3Blr%3E')?.path, '127.0.0.1:5070');
  });
});

test('causes and SIP statuses, both ways', () => {
  const toSip: [string, number][] = [
    ['USER_BUSY', 486],
    ['CALL_REJECTED', 603],
    ['NO_ANSWER', 480],
    ['NO_USER_RESPONSE', 408],
    ['EXCHANGE_ROUTING_ERROR', 483],
  ];
  for (const [name, status] of toSip) assert.equal(causeToSip(parseCause(name) ?? 'NONE')[0], status);
  const fromSip: [number, string][] = [
    [404, 'UNALLOCATED_NUMBER'],
    [480, 'NO_USER_RESPONSE'],
    [603, 'CALL_REJECTED'],
    [502, 'NETWORK_OUT_OF_ORDER'],
    [499, 'NORMAL_UNSPECIFIED'],
  ];
  for (const [status, name] of fromSip) assert.equal(sipToCause(status), name);
  assert.equal(sipToCause(480, 'Q.850;cause=17;text="x"'), 'USER_BUSY');
  assert.equal(reasonHeader('ALLOTTED_TIMEOUT'), 'SIP;cause=802;text="ALLOTTED_TIMEOUT"');
  assert.equal(parseCause('allotted_timeout'), 'ALLOTTED_TIMEOUT');
  assert.equal(parseCause('NO_SUCH_CAUSE'), undefined);
});

test('header values are encoded as FreeSWITCH encodes them', () => {
  assert.equal(urlEncode('Mon, 23 Nov 2026 00:49:38 GMT'), 'Mon,%2023%20Nov%202026%2000%3A49%3A38%20GMT');
  assert.equal(urlEncode('tone_stream://%(500,200,440);loops=2'), 'tone_stream%3A//%25(500,200,440)%3Bloops%3D2');
  assert.equal(urlEncode('ż'), '%C5%BC');
});

test('commands arrive in pieces, with bodies', () => {
  const reader = new CommandReader();
  assert.deepEqual(reader.push(Buffer.from('sendmsg x\ncall-comm')), []);
  const commands = reader.push(Buffer.from('and: execute\ncontent-length: 3\n\na\nbapi status\r\n\r\n'));
  assert.deepEqual(commands, [
    {
      line: 'sendmsg x',
      headers: [
        ['call-command', 'execute'],
        ['content-length', '3'],
      ],
      body: 'a\nb',
    },
    { line: 'api status', headers: [], body: '' },
  ]);
});

test('subscriptions: names, subclasses, filters', () => {
  const wanted = new Subscription();
  assert.equal(wanted.add('plain', ['NO_SUCH_EVENT']), false);
  assert.equal(wanted.add('plain', ['DTMF', 'CUSTOM', 'app::one']), true);
  const event = (name: string, ...headers: [string, string][]): SwitchEvent => new SwitchEvent(name, headers);
  assert.equal(wanted.wants(event('DTMF')), true);
  assert.equal(wanted.wants(event('CUSTOM', ['Event-Subclass', 'app::one'])), true);
  assert.equal(wanted.wants(event('CUSTOM', ['Event-Subclass', 'app::two'])), false);
  wanted.addFilter('Unique-ID', 'abc');
  assert.equal(wanted.wants(event('DTMF', ['Unique-ID', 'abc'])), true);
  assert.equal(wanted.wants(event('DTMF', ['Unique-ID', 'abd'])), false);
  wanted.deleteFilter('Unique-ID', undefined);
  wanted.remove(['DTMF']);
  assert.equal(wanted.wants(event('DTMF', ['Unique-ID', 'abd'])), false);
});

test('a wrong knob is named', () => {
  const good = {
    name: 's1',
    sip: { host: '127.0.0.1', port: 0 },
    esl: { host: '127.0.0.1', port: 0, password: 'x' },
    rtp: { from: 20000, to: 20100 },
    edges: [],
  };
  assert.equal(parseConfig(good).sessionsPerSecond, 100);
  const bad: [string, unknown][] = [
    ['esl.password', { ...good, esl: { ...good.esl, password: '' } }],
    ['rtp.to', { ...good, rtp: { from: 20000, to: 19000 } }],
    ['codecs', { ...good, codecs: ['G729'] }],
    ['sip.prot', { ...good, sip: { ...good.sip, prot: 1 } }],
    ['edges', { ...good, edges: 'all' }],
    ['maxSessions', { ...good, maxSessions: 0 }],
  ];
  for (const [knob, raw] of bad)
    assert.throws(
      () => parseConfig(raw),
      (error) => error instanceof ConfigError && error.knob === knob,
      knob,
    );
});
