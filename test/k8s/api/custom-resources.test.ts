import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { API_VERSION, customResourceDefinition, DEFINITIONS, type Json } from '@ringback/crds';
import { Kube, KubeError, KINDS, type Kind, type KubeObject } from '@ringback/operator';
import { binary } from '../src/binaries.ts';
import { type ControlPlane, startControlPlane } from '../src/control-plane.ts';
import { installDefinitions } from '../src/definitions.ts';

type Any = { [key: string]: Any } & { [index: number]: Any };
type Spec = Record<string, unknown>;

let plane: ControlPlane;
let kube: Kube;
before(async () => {
  plane = await startControlPlane();
  kube = new Kube(plane.config);
  await installDefinitions(kube);
});
after(async () => {
  kube?.close();
  await plane?.stop();
});

const kindOf = (kind: string): Kind => KINDS[kind as keyof typeof KINDS];
const object = (name: string, spec: unknown): KubeObject =>
  ({ metadata: { name, namespace: 'default' }, spec }) as KubeObject;

async function kubectl(...args: string[]): Promise<{ out: string; error: string }> {
  const program = await binary('kubernetes');
  const run = promisify(execFile)(program, ['kubectl', '--kubeconfig', plane.kubeconfig, ...args]);
  return await run.then(
    ({ stdout }) => ({ out: stdout, error: '' }),
    ({ stdout, stderr }: { stdout: string; stderr: string }) => ({ out: stdout, error: stderr }),
  );
}

describe('definitions', () => {
  for (const definition of DEFINITIONS) {
    it(`${definition.kind}: the example of the reference is taken, and gets its defaults`, async () => {
      const { kind, example, spec } = definition;
      const made = (await kube.create(kindOf(kind), object(example.name, example.spec))) as unknown as { spec: Spec };
      for (const [name, field] of Object.entries(spec.fields ?? {})) {
        if (!('default' in field.openApi) || name in (example.spec as Spec)) continue;
        assert.deepEqual(made.spec[name], JSON.parse(JSON.stringify(field.openApi['default'])), `${kind}.spec.${name}`);
      }
    });
  }

  it('are those in the chart: kubectl applies them without a change', async () => {
    const { out, error } = await kubectl('diff', '-f', join(import.meta.dirname, '../../../charts/crds/crds'));
    assert.equal(error, '');
    assert.equal(out, '');
  });

  it('a nested object that is given in part gets its other defaults', async () => {
    const spec = {
      region: 'eu',
      switch: { image: 'switch:1' },
      scaling: { targetUtilisation: 90 },
      network: { mode: 'Host' },
    };
    const made = (await kube.create(KINDS.SwitchPool, object('partly', spec))) as unknown as { spec: Any };
    assert.deepEqual(made.spec['scaling'], {
      targetUtilisation: 90,
      lowUtilisation: 40,
      spareSwitches: 0,
      scaleDownAfterSeconds: 300,
    });
    assert.deepEqual(made.spec['network']?.['mediaPorts'], { from: 16_384, to: 29_999 });
  });
});

const POOL = { region: 'eu', switch: { image: 'switch:1' } };
const EDGE = { region: 'eu', pools: ['main'] };
const TRUNK = { country: 'PL', sources: ['192.0.2.1'], gateway: 'sip.example.net:5060' };
const NUMBER = { number: '+48223000000' };

/** Nonsense of every kind, and the words by which it is refused. */
const REFUSED: [kind: string, what: string, spec: Spec, words: RegExp][] = [
  ['SwitchPool', 'no region', { switch: { image: 'switch:1' } }, /spec\.region: Required value/],
  ['SwitchPool', 'a region with capitals', { ...POOL, region: 'EU' }, /spec\.region.*should match/],
  [
    'SwitchPool',
    'more at least than at most',
    { ...POOL, minSwitches: 5, maxSwitches: 3 },
    /minSwitches must not be above maxSwitches/,
  ],
  [
    'SwitchPool',
    'replicas beyond the maximum',
    { ...POOL, replicas: 11 },
    /replicas must be from minSwitches to maxSwitches/,
  ],
  [
    'SwitchPool',
    'too few media ports',
    { ...POOL, network: { mediaPorts: { from: 20_000, to: 20_998 } } },
    /two ports for each of callsPerSwitch/,
  ],
  [
    'SwitchPool',
    'media ports among NodePorts',
    { ...POOL, network: { mediaPorts: { from: 31_000, to: 33_000 } } },
    /stay clear of 30000–32767/,
  ],
  [
    'SwitchPool',
    'media ports that begin odd',
    { ...POOL, network: { mediaPorts: { from: 16_385, to: 29_999 } } },
    /must be even/,
  ],
  [
    'SwitchPool',
    'media ports upside down',
    { ...POOL, network: { mediaPorts: { from: 20_000, to: 16_000 } } },
    /from must be below/,
  ],
  ['SwitchPool', 'the same port twice', { ...POOL, network: { sipPort: 9080 } }, /must differ/],
  [
    'SwitchPool',
    'a node’s address without its network',
    { ...POOL, network: { advertise: { media: 'NodeExternalIP' } } },
    /only with network\.mode Host/,
  ],
  ['SwitchPool', 'no codec every carrier has', { ...POOL, codecs: ['OPUS'] }, /codecs must hold PCMA or PCMU/],
  ['SwitchPool', 'a codec twice', { ...POOL, codecs: ['PCMA', 'PCMA'] }, /Duplicate value/],
  ['SwitchPool', 'a codec nobody knows', { ...POOL, codecs: ['PCMA', 'GSM'] }, /Unsupported value: "GSM"/],
  [
    'SwitchPool',
    'low above target',
    { ...POOL, scaling: { lowUtilisation: 60 } },
    /lowUtilisation must be below targetUtilisation/,
  ],
  [
    'SwitchPool',
    'the latest image',
    { ...POOL, switch: { image: 'registry.example.net:5000/switch:latest' } },
    /tag other than latest/,
  ],
  [
    'SwitchPool',
    'an image without a tag',
    { ...POOL, switch: { image: 'registry.example.net:5000/switch' } },
    /tag other than latest/,
  ],
  ['SwitchPool', 'a drain of a second', { ...POOL, drainLimitSeconds: 1 }, /greater than or equal to 60/],
  ['SipEdge', 'the latest image', { ...EDGE, image: 'kamailio:latest' }, /tag other than latest/],
  ['SipEdge', 'no pool', { region: 'eu', pools: [] }, /spec\.pools.*at least 1/],
  ['SipEdge', 'a pool twice', { ...EDGE, pools: ['a', 'a'] }, /Duplicate value/],
  [
    'SipEdge',
    'one address for two edges',
    { ...EDGE, replicas: 2, advertise: { host: '192.0.2.1' } },
    /can be that of one edge only/,
  ],
  [
    'SipEdge',
    'an address that is none',
    { ...EDGE, replicas: 1, advertise: { host: '300.1.1.1' } },
    /must be an IPv4 address/,
  ],
  ['SipEdge', 'a port that is none', { ...EDGE, port: 70_000 }, /less than or equal to 65535/],
  ['SipEdge', 'unknown sources let in', { ...EDGE, unknownSources: 'allow' }, /Unsupported value: "allow"/],
  ['Trunk', 'neither sources nor gateway', { country: 'PL' }, /needs sources/],
  ['Trunk', 'outbound without gateway', { country: 'PL', direction: 'outbound' }, /needs a gateway/],
  ['Trunk', 'outbound with sources', { ...TRUNK, direction: 'outbound' }, /an outbound trunk has no sources/],
  ['Trunk', 'inbound with a gateway', { ...TRUNK, direction: 'inbound' }, /an inbound trunk has no gateway/],
  ['Trunk', 'the whole Internet as a carrier', { ...TRUNK, sources: ['0.0.0.0/0'] }, /whole Internet/],
  ['Trunk', 'a source that is no address', { ...TRUNK, sources: ['192.0.2.999'] }, /must be an IPv4 address such as/],
  ['Trunk', 'a gateway without port', { ...TRUNK, gateway: 'sip.example.net' }, /spec\.gateway.*should match/],
  ['Trunk', 'a gateway port that is none', { ...TRUNK, gateway: 'sip.example.net:99999' }, /port of the gateway/],
  ['Trunk', 'a country that is none', { ...TRUNK, country: 'Poland' }, /spec\.country/],
  [
    'Trunk',
    'trust in what callers write',
    { ...TRUNK, trusted: true, identity: 'from' },
    /From is whatever the caller writes/,
  ],
  ['Trunk', 'a prefix without +', { ...TRUNK, prefixes: ['48'] }, /spec\.prefixes/],
  ['AccessNumber', 'no E.164', { number: '0223000000' }, /spec\.number.*should match/],
  ['AccessNumber', 'a mode that is none', { ...NUMBER, mode: 'sms' }, /Unsupported value: "sms"/],
  ['AccessNumber', 'a callback at once', { ...NUMBER, callbackDelayMs: 100 }, /greater than or equal to 3000/],
  ['AccessNumber', 'a code that is no rejection', { ...NUMBER, rejectCode: 200 }, /Unsupported value: 200/],
  ['AccessNumber', 'an end code with letters', { ...NUMBER, endCode: 'bye' }, /spec\.endCode/],
];

describe('nonsense is refused with a sentence', () => {
  for (const [kind, what, spec, words] of REFUSED) {
    it(`${kind}: ${what}`, async () => {
      await assert.rejects(kube.create(kindOf(kind), object('nonsense', spec)), (error: unknown) => {
        assert.ok(error instanceof KubeError, String(error));
        assert.equal(error.status, 422);
        assert.match(error.message, words);
        return true;
      });
    });
  }

  it('every rule of the definitions refuses something in this table, or in the tests below', () => {
    const rules = (openApi: Any): string[] => [
      ...((openApi['x-kubernetes-validations'] as unknown as { message: string }[]) ?? []).map((r) => r.message),
      ...Object.values(openApi['properties'] ?? {}).flatMap((inner) => rules(inner)),
      ...(openApi['items'] ? rules(openApi['items']) : []),
    ];
    const below = /cannot be changed|metadata\.name must be/;
    for (const definition of DEFINITIONS) {
      const crd = customResourceDefinition(definition) as unknown as Any;
      const found = rules(crd['spec']?.['versions']?.[0]?.['schema']?.['openAPIV3Schema'] as Any);
      const words = REFUSED.filter(([kind]) => kind === definition.kind).map(([, , , w]) => w);
      for (const message of found) {
        assert.ok(
          below.test(message) || words.some((w) => w.test(message)),
          `${definition.kind}: no test of "${message}"`,
        );
      }
    }
  });

  it('a field nobody knows is told by kubectl, not dropped in silence', async () => {
    const manifest = {
      apiVersion: API_VERSION,
      kind: 'AccessNumber',
      metadata: { name: 'typo' },
      spec: { ...NUMBER, langauge: 'pl' },
    };
    const { error } = await applyText(manifest);
    assert.match(error, /unknown field "spec\.langauge"/);
  });

  it('a name that is too long, or has a dot', async () => {
    for (const name of ['a'.repeat(41), 'a.b']) {
      await assert.rejects(
        kube.create(KINDS.SwitchPool, object(name, POOL)),
        /at most 40 characters long and have no dot/,
      );
      await assert.rejects(
        kube.create(KINDS.SipEdge, object(name, EDGE)),
        /at most 40 characters long and have no dot/,
      );
    }
    await assert.rejects(kube.create(KINDS.Trunk, object('a.b', TRUNK)), /at most 63 characters long and have no dot/);
  });

  it('what cannot be changed', async () => {
    await kube.create(KINDS.SwitchPool, object('fixed', POOL));
    await kube.create(KINDS.SipEdge, object('fixed', EDGE));
    await kube.create(KINDS.AccessNumber, object('fixed', NUMBER));
    const change = (kind: Kind, spec: Spec) => kube.patch(kind, { name: 'fixed', namespace: 'default' }, { spec });
    await assert.rejects(change(KINDS.SwitchPool, { region: 'us' }), /region cannot be changed/);
    await assert.rejects(change(KINDS.SwitchPool, { network: { mode: 'Host' } }), /network\.mode cannot be changed/);
    await assert.rejects(change(KINDS.SipEdge, { region: 'us' }), /region cannot be changed/);
    await assert.rejects(change(KINDS.AccessNumber, { number: '+48223000001' }), /number cannot be changed/);
  });
});

async function applyText(manifest: Json): Promise<{ out: string; error: string }> {
  const program = await binary('kubernetes');
  return await new Promise((resolve) => {
    const child = execFile(
      program,
      ['kubectl', '--kubeconfig', plane.kubeconfig, 'apply', '-f', '-'],
      (_error, out, error) => resolve({ out, error }),
    );
    child.stdin?.end(JSON.stringify(manifest));
  });
}

describe('kubectl', () => {
  it('get tells the story in columns, by short name too', async () => {
    await kube.create(KINDS.SwitchPool, object('story', POOL));
    const status = { desired: 3, ready: 2, updated: 3, draining: 1, calls: 120, utilisation: 12, replicas: 3 };
    const condition = {
      type: 'Ready',
      status: 'False',
      reason: 'Starting',
      message: '2 of 3 switches take calls',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    await kube.apply(
      KINDS.SwitchPool,
      { ...object('story', undefined), status: { ...status, conditions: [condition] } } as KubeObject,
      'status',
    );
    const { out } = await kubectl('get', 'swp', 'story', '-o', 'wide');
    const [head = '', row = ''] = out.trim().split('\n');
    assert.deepEqual(head.split(/\s{2,}/), [
      'NAME',
      'REGION',
      'DESIRED',
      'READY',
      'UPDATED',
      'DRAINING',
      'CALLS',
      'USE%',
      'STATUS',
      'MESSAGE',
      'AGE',
    ]);
    assert.deepEqual(row.split(/\s{2,}/).slice(0, -1), [
      'story',
      'eu',
      '3',
      '2',
      '3',
      '1',
      '120',
      '12',
      'Starting',
      '2 of 3 switches take calls',
    ]);
    for (const name of ['edge', 'trk', 'did', 'ringback']) assert.equal((await kubectl('get', name)).error, '', name);
  });

  it('scale sets the number of switches, within the limits', async () => {
    await kube.create(KINDS.SwitchPool, object('scaled', { ...POOL, maxSwitches: 4 }));
    const { out } = await kubectl('scale', 'switchpool/scaled', '--replicas=4');
    assert.match(out, /scaled/);
    const scaled = (await kube.get(KINDS.SwitchPool, 'scaled', 'default')) as unknown as { spec: Spec };
    assert.equal(scaled.spec['replicas'], 4);
    const beyond = await kubectl('scale', 'switchpool/scaled', '--replicas=5');
    assert.match(beyond.error, /replicas must be from minSwitches to maxSwitches/);
  });

  it('explain knows every field', async () => {
    const { out } = await kubectl('explain', 'switchpool.spec.drainLimitSeconds');
    assert.match(out, /Calls on a switch that is taken away may last so long/);
  });

  it('a status is not changed by whoever may only change the spec', async () => {
    await kube.create(KINDS.Trunk, { ...object('status', TRUNK), status: { id: 'forged' } } as KubeObject);
    const made = (await kube.get(KINDS.Trunk, 'status', 'default')) as unknown as { status?: unknown };
    assert.equal(made.status, undefined);
  });
});
