import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError } from '@ringback/service-kit';
import { type Layout, layoutOf } from '../src/layout.ts';
import { settingsFromEnv } from '../src/settings.ts';
import { startPlatform } from '../src/platform.ts';

/** Every host:port of a run; RTP as its ends. */
function sockets(layout: Layout): string[] {
  return [
    `${layout.edge.host}:${layout.edge.port}`,
    layout.carrier,
    layout.untrustedCarrier,
    `127.0.0.1:${layout.postgresPort}`,
    `127.0.0.1:${layout.natsPort}`,
    `127.0.0.1:${layout.natsPort + 1}`,
    ...Object.values(layout.grpc),
    ...Object.values(layout.http),
    ...layout.switches.flatMap(({ host, sipPort, eslPort, rtpFrom, rtpTo }) => [
      `${host}:${sipPort}`,
      `127.0.0.1:${eslPort}`,
      `${host}:${rtpFrom}`,
      `${host}:${rtpTo}`,
    ]),
  ];
}

const layout = (env: Record<string, string> = {}): Layout => layoutOf(settingsFromEnv(env));

describe('addresses', () => {
  test('of one run are all different, and each role has its own host', () => {
    const all = sockets(layout());
    assert.equal(new Set(all).size, all.length);
    const { edge, carrier, untrustedCarrier, switches } = layout();
    const hosts = [
      edge.host,
      carrier.split(':')[0],
      untrustedCarrier.split(':')[0],
      ...switches.map(({ host }) => host),
    ];
    assert.equal(new Set(hosts).size, 5);
  });

  test('of runs side by side do not meet, RTP included', () => {
    const runs = [5_000, 6_000, 7_000, 12_000].map((base) => layout({ PORT_BASE: String(base) }));
    const all = runs.flatMap(sockets);
    assert.equal(new Set(all).size, all.length);
    const ranges = runs.flatMap(({ switches }) => switches).sort((one, two) => one.rtpFrom - two.rtpFrom);
    for (const [index, { rtpFrom }] of ranges.entries()) {
      if (index > 0) assert.ok(rtpFrom > ranges[index - 1]!.rtpTo);
    }
  });

  test('CARRIER moves the trusted carrier and nothing else', () => {
    const moved = layout({ CARRIER: '127.0.1.9:5999' });
    assert.equal(moved.carrier, '127.0.1.9:5999');
    assert.equal(moved.untrustedCarrier, layout().untrustedCarrier);
  });
});

test('three dialers have addresses of their own, and the first those of a single one', () => {
  const one = layout();
  const three = layout({ DIALERS: '3' });
  assert.deepEqual(three.dialers, ['dialer', 'dialer-2', 'dialer-3']);
  const all = sockets(three);
  assert.equal(new Set(all).size, all.length);
  assert.equal(all.length, sockets(one).length + 4);
  assert.equal(three.grpc.dialer, one.grpc.dialer);
  assert.equal(three.http.dialer, one.http.dialer);
});

describe('nonsense is refused with the name of the knob', () => {
  for (const [knob, env] of [
    ['PORT_BASE', { PORT_BASE: '80' }],
    ['PORT_BASE', { PORT_BASE: 'many' }],
    ['SWITCH', { SWITCH: 'asterisk' }],
    ['FREESWITCH', { SWITCH: 'freeswitch' }],
    ['CARRIER', { CARRIER: 'nowhere' }],
    ['DIALERS', { DIALERS: '0' }],
  ] as const) {
    test(`${knob}: ${Object.values(env).join()}`, () => {
      assert.throws(
        () => settingsFromEnv(env),
        (error) => error instanceof ConfigError && error.knob === knob,
      );
    });
  }

  test('FREESWITCH that is no program', async () => {
    const settings = settingsFromEnv({ SWITCH: 'freeswitch', FREESWITCH: '/nonexistent/freeswitch' });
    await assert.rejects(startPlatform(settings), /^ConfigError: FREESWITCH: is no program that can be run/);
  });
});
