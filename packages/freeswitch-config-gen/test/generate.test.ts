import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import {
  DEFAULTS,
  devSwitchConfig,
  freeswitchArguments,
  freeswitchFiles,
  gatewayFile,
  SwitchConfigError,
  type SwitchModel,
} from '@ringback/freeswitch-config-gen';
import { parseXml, type XmlNode } from './xml-reader.ts';

/** UPDATE_GOLDEN=1 writes what is generated now; look at the difference before committing it. */
const update = process.env.UPDATE_GOLDEN === '1';

const plain: SwitchModel = {
  ...DEFAULTS,
  name: 'switch-1',
  sip: { host: '127.0.0.21', port: 5080 },
  esl: { host: '127.0.0.1', port: 8021, password: 'generated-password-1' },
  rtp: { host: '127.0.0.21', from: 20_000, to: 22_047 },
  edges: ['127.0.0.10'],
  soundsDir: '/usr/share/ringback/prompts',
  cdrDir: '/var/lib/ringback/cdr',
};

const cloud: SwitchModel = {
  ...plain,
  name: 'eu-7',
  sip: { host: '10.4.0.7', port: 5091, advertise: '198.51.100.7' },
  rtp: { host: '10.4.0.7', from: 16_384, to: 17_983, advertise: '198.51.100.7' },
  edges: ['10.4.1.0/28', '10.4.2.9'],
  codecs: ['PCMA', 'G722', 'OPUS'],
  maxSessions: 800,
  sessionsPerSecond: 50,
  sessionTimers: { sessionExpires: 1800, minSe: 120 },
  mediaTimeout: 60,
  gatewaysDir: '/var/lib/ringback/gateways',
  logLevel: 'crit',
};

for (const [name, model] of [
  ['plain', plain],
  ['cloud', cloud],
] as const) {
  test(`golden: ${name}`, async () => {
    const files = new Map([
      ...freeswitchFiles(model),
      ['dev-switch.golden.json', `${JSON.stringify(devSwitchConfig(model), null, 2)}\n`],
    ]);
    for (const [path, content] of files) {
      const golden = join(import.meta.dirname, 'golden', name, path);
      if (update) {
        await mkdir(dirname(golden), { recursive: true });
        await writeFile(golden, content);
      }
      assert.equal(content, await readFile(golden, 'utf8'), path);
    }
  });
}

const xml = (model: SwitchModel): XmlNode => parseXml(freeswitchFiles(model).get('freeswitch.xml') ?? '');

function find(node: XmlNode, name: string, attributes: Readonly<Record<string, string>>): XmlNode {
  const found = search(node, name, attributes);
  assert.ok(found !== undefined, `no <${name} ${JSON.stringify(attributes)}>`);
  return found;
}

function search(node: XmlNode, name: string, attributes: Readonly<Record<string, string>>): XmlNode | undefined {
  if (node.name === name && Object.entries(attributes).every(([k, v]) => node.attributes[k] === v)) return node;
  for (const child of node.children) {
    const found = search(child, name, attributes);
    if (found !== undefined) return found;
  }
  return undefined;
}

test('every module that is configured is loaded, and SIP comes from edges only', () => {
  const root = xml(cloud);
  for (const module of ['mod_sofia', 'mod_event_socket', 'mod_json_cdr', 'mod_console', 'mod_spandsp', 'mod_opus']) {
    find(root, 'load', { module });
  }
  assert.equal(search(xml(plain), 'load', { module: 'mod_opus' }), undefined);
  const profile = find(root, 'profile', { name: 'ringback' });
  find(profile, 'param', { name: 'apply-inbound-acl', value: 'edges' });
  find(profile, 'param', { name: 'auth-calls', value: 'false' });
  const acl = find(root, 'list', { name: 'edges' });
  assert.equal(acl.attributes.default, 'deny');
  assert.deepEqual(
    acl.children.map((n) => n.attributes.cidr),
    ['10.4.1.0/28', '10.4.2.9/32'],
  );
});

test('the dialplan holds the ring time itself and refuses what the edge did not mark', () => {
  const context = find(xml(plain), 'context', { name: 'ringback' });
  const callback = find(context, 'extension', { name: 'callback' });
  const actions = callback.children.at(-1)?.children.map((n) => n.attributes);
  assert.deepEqual(actions, [
    { application: 'ring_ready' },
    { application: 'sched_hangup', data: `+\${sip_h_X-Ringback-Ring-Time} \${sip_h_X-Ringback-Reject}` },
    { application: 'park' },
  ]);
  // Only the last condition acts: the ones before it must hold.
  assert.ok(callback.children.slice(0, -1).every((n) => n.children.length === 0));
  assert.equal(context.children.at(-1)?.attributes.name, 'refused');
});

test('the program writes nowhere but into its own directories', () => {
  const args = freeswitchArguments(plain, { configDir: '/etc/s', runDir: '/run/s' });
  assert.deepEqual(args.slice(0, 7), ['-nf', '-nc', '-nonat', '-conf', '/etc/s', '-sounds', plain.soundsDir]);
  for (const name of ['log', 'db', 'run']) assert.equal(args[args.indexOf(`-${name}`) + 1], '/run/s');
});

const refused: readonly [string, Partial<SwitchModel>][] = [
  ['name', { name: 'a b' }],
  ['sip.host', { sip: { host: 'localhost', port: 5080 } }],
  ['sip.port', { sip: { host: '127.0.0.1', port: 0 } }],
  ['esl.host', { esl: { ...plain.esl, host: '0.0.0.0' } }],
  ['esl.password', { esl: { ...plain.esl, password: 'ClueCon' } }],
  ['rtp.from', { rtp: { host: '127.0.0.1', from: 20_001, to: 30_000 } }],
  ['rtp.to', { rtp: { host: '127.0.0.1', from: 20_000, to: 20_100 } }],
  ['edges', { edges: [] }],
  ['edges', { edges: ['edge.example'] }],
  ['codecs', { codecs: [] }],
  ['codecs', { codecs: ['GSM' as 'PCMU'] }],
  ['soundsDir', { soundsDir: 'sounds' }],
  ['cdrDir', { cdrDir: '/x"/><load module="mod_evil"/>' }],
  ['sessionTimers.minSe', { sessionTimers: { sessionExpires: 600, minSe: 30 } }],
  ['sessionTimers.sessionExpires', { sessionTimers: { sessionExpires: 90, minSe: 120 } }],
  ['sessionsPerSecond', { sessionsPerSecond: 1 }],
  ['logLevel', { logLevel: 'debug' as 'err' }],
];
for (const [knob, wrong] of refused) {
  test(`refuses ${JSON.stringify(wrong).slice(0, 60)} naming ${knob}`, () => {
    for (const generate of [freeswitchFiles, devSwitchConfig]) {
      assert.throws(
        () => generate({ ...plain, ...wrong }),
        (error) => error instanceof SwitchConfigError && error.problems.some((p) => p.knob === knob),
      );
    }
  });
}

test('a gateway: credentials as they are, whatever they look like, and never registered', () => {
  const password = `<"'&>;\u00e9`;
  const gateway = parseXml(gatewayFile({ name: 'carrier-1a2b', username: 'us', password }));
  assert.equal(gateway.attributes.name, 'carrier-1a2b');
  const params = new Map(gateway.children.map(({ attributes }) => [attributes.name, attributes.value]));
  assert.deepEqual([params.get('username'), params.get('password'), params.get('register')], ['us', password, 'false']);
  assert.equal(params.get('gw-auth-acl'), 'edges', 'challenges come from edges');
  assert.throws(() => gatewayFile({ name: '../x', username: 'us', password }), RangeError);
});
