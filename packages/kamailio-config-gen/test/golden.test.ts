import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import {
  type AccessNumber,
  DEFAULTS,
  EdgeConfigError,
  type EdgeModel,
  type EdgeState,
  edgeFiles,
  kamailioConfig,
  parseSource,
  type Trunk,
} from '@ringback/kamailio-config-gen';

const run = promisify(execFile);
/** UPDATE_GOLDEN=1 writes what is generated now; look at the difference before committing it. */
const update = process.env.UPDATE_GOLDEN === '1';

const plain: EdgeModel = {
  ...DEFAULTS,
  id: 'edge-1',
  listen: { host: '127.0.0.10', port: 5060 },
  advertise: { host: '127.0.0.10', port: 5060 },
  paths: { configDir: '/etc/ringback/edge', runDir: '/run/ringback/edge' },
  dialogSecret: '0123456789abcdef0123456789abcdef',
};

const cloud: EdgeModel = {
  ...plain,
  id: 'edge-eu',
  listen: { host: '10.4.0.7', port: 5080 },
  advertise: { host: '198.51.100.7', port: 5060 },
  tcp: true,
  workers: 4,
  sharedMemoryMiB: 64,
  unknownSources: 'forbid',
  probeIntervalSeconds: 0,
  logLevel: 'warn',
  timers: { switchReplyMs: 1500, trunkReplyMs: 3000, finalReplyMs: 90_000 },
};

const trunk: Trunk = {
  id: 'demo',
  sources: ['192.0.2.10', '192.0.2.128/25', '203.0.113.4:5070'],
  gateways: ['192.0.2.10:5060', 'SBC.carrier.example:5062', '203.0.113.9:5060'],
  trusted: true,
  country: 'PL',
  identity: 'pai',
  callsPerSecond: { inbound: 20, outbound: 10 },
  diversion: 'mark',
};

const access: AccessNumber = { number: '+48223000000', mode: 'callback', ringTimeMs: 12_500, rejectWith: 486 };

const full: EdgeState = {
  admit: true,
  trunks: [
    trunk,
    {
      ...trunk,
      id: 'second',
      sources: ['198.18.0.1'],
      gateways: [],
      trusted: false,
      country: 'GB',
      diversion: 'ignore',
    },
    { ...trunk, id: 'out-only', sources: [], gateways: ['198.18.0.9:5060'], identity: 'from' },
  ],
  accessNumbers: [access, { number: '+442079460001', mode: 'direct', ringTimeMs: 5000, rejectWith: 480 }],
  switches: [
    { id: 'switch-1', address: '127.0.0.21:5080', state: 'active' },
    { id: 'switch-2', address: '127.0.0.22:5080', state: 'disabled' },
    { id: 'switch-3', address: '127.0.0.23:5080', state: 'inactive' },
  ],
};

const empty: EdgeState = { admit: false, trunks: [], accessNumbers: [], switches: [] };

for (const [name, model, state] of [
  ['plain', plain, full],
  ['cloud', cloud, empty],
] as const) {
  test(`golden: ${name}`, async () => {
    for (const [path, content] of edgeFiles(model, state)) {
      const golden = join(import.meta.dirname, 'golden', name, path.replaceAll('/', '.'));
      if (update) {
        await mkdir(dirname(golden), { recursive: true });
        await writeFile(golden, content);
      }
      assert.equal(content, await readFile(golden, 'utf8'), path);
    }
  });

  test(`kamailio accepts ${name}`, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'edge-'));
    try {
      const here = { ...model, listen: { host: '127.0.0.1', port: 5060 }, paths: { configDir: dir, runDir: dir } };
      for (const [path, content] of edgeFiles(here, state)) {
        const file = join(dir, path);
        await mkdir(dirname(file), { recursive: true });
        await writeFile(file, content);
      }
      const { stderr } = await run('/usr/sbin/kamailio', ['-c', '-f', join(dir, 'kamailio.cfg')]);
      assert.match(stderr, /config file ok/);
      assert.doesNotMatch(stderr, /ERROR|CRITICAL|WARNING/);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
}

const refusedModels: readonly [string, Partial<EdgeModel>][] = [
  ['listen.host', { listen: { host: 'localhost', port: 5060 } }],
  ['listen.port', { listen: { host: '127.0.0.1', port: 0 } }],
  ['advertise.host', { advertise: { host: '0.0.0.0', port: 5060 } }],
  ['workers', { workers: 0 }],
  ['sharedMemoryMiB', { sharedMemoryMiB: 4 }],
  ['paths.configDir', { paths: { configDir: 'relative', runDir: '/run/x' } }],
  ['paths.configDir', { paths: { configDir: '/etc/x"\nmodparam', runDir: '/run/x' } }],
  ['paths.runDir', { paths: { configDir: '/etc/x', runDir: `/${'r'.repeat(90)}` } }],
  ['dialogSecret', { dialogSecret: 'short' }],
  ['maxMessageBytes', { maxMessageBytes: 100 }],
  ['unknownSourceLimit.requests', { unknownSourceLimit: { requests: 0, perSeconds: 2, banSeconds: 1 } }],
  ['timers.switchReplyMs', { timers: { switchReplyMs: 1, trunkReplyMs: 4000, finalReplyMs: 120_000 } }],
  ['probeIntervalSeconds', { probeIntervalSeconds: 0.5 }],
];
for (const [knob, wrong] of refusedModels) {
  test(`refuses ${JSON.stringify(wrong).slice(0, 70)} naming ${knob}`, () => {
    assert.throws(
      () => kamailioConfig({ ...plain, ...wrong }),
      (error) => error instanceof EdgeConfigError && error.problems.some((p) => p.knob === knob),
    );
  });
}

const refusedStates: readonly [string, Partial<EdgeState>][] = [
  ['trunks[demo].sources', { trunks: [{ ...trunk, sources: ['192.0.2.1/24'] }] }],
  ['trunks[demo].sources', { trunks: [{ ...trunk, sources: [], gateways: [] }] }],
  ['trunks[two].sources', { trunks: [trunk, { ...trunk, id: 'two', sources: ['192.0.2.130'], gateways: [] }] }],
  ['trunks[two].gateways', { trunks: [trunk, { ...trunk, id: 'two', sources: [], gateways: ['192.0.2.10:5060'] }] }],
  ['trunks[demo].gateways', { trunks: [{ ...trunk, gateways: ['carrier.example'] }] }],
  ['trunks[demo].country', { trunks: [{ ...trunk, country: 'Poland' }] }],
  ['trunks[a b].id', { trunks: [{ ...trunk, id: 'a b' }] }],
  ['trunks[demo].callsPerSecond.inbound', { trunks: [{ ...trunk, callsPerSecond: { inbound: -1, outbound: 0 } }] }],
  ['accessNumbers[0].number', { accessNumbers: [{ ...access, number: '48223000000' }] }],
  ['accessNumbers[1].number', { accessNumbers: [access, access] }],
  ['accessNumbers[0].ringTimeMs', { accessNumbers: [{ ...access, ringTimeMs: 0 }] }],
  ['switches[s].address', { switches: [{ id: 's', address: 'switch.example:5060', state: 'active' }] }],
];
for (const [knob, wrong] of refusedStates) {
  test(`refuses ${JSON.stringify(wrong).slice(0, 70)}… naming ${knob}`, () => {
    assert.throws(
      () => edgeFiles(plain, { ...empty, ...wrong }),
      (error) => error instanceof EdgeConfigError && error.problems.some((p) => p.knob === knob),
    );
  });
}

test('a source is an address, a CIDR or address:port, and nothing else', () => {
  assert.deepEqual(parseSource('192.0.2.0/24'), { address: '192.0.2.0', first: 0xc0000200, prefix: 24, port: 0 });
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3.4/33',
    '1.2.3.4:0',
    '1.2.3.4/24:5060',
  ]) {
    assert.equal(parseSource(text), undefined, text);
  }
});
