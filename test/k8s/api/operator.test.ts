import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { dialer } from '@ringback/contracts';
import { type KubeObject, Kube, KINDS, type Operator, startOperator } from '@ringback/operator';
import { createLogger, type GrpcServer, GrpcError, startGrpcServer, unaryHandlers } from '@ringback/service-kit';
import { testNats } from '@ringback/service-kit/testing';
import { type ControlPlane, startControlPlane } from '../src/control-plane.ts';
import { installDefinitions } from '../src/definitions.ts';
import { FakeKubelet } from '../src/fake-kubelet.ts';
import { eventually } from '../src/eventually.ts';

type Status = Record<string, unknown> & { conditions?: { type: string; reason: string; message: string }[] };
type Resource = KubeObject & { status?: Status; spec: Record<string, unknown> };

const NAMESPACE = 'default';
const POOL_SPEC = {
  region: 'eu',
  minSwitches: 0,
  maxSwitches: 5,
  replicas: 2,
  callsPerSwitch: 10,
  drainLimitSeconds: 60,
  allowedEdges: ['10.0.0.1'],
  switch: { image: 'switch:1', configuration: 'DevSwitch' },
};

let plane: ControlPlane;
let nats: Awaited<ReturnType<typeof testNats>>;
let kube: Kube;
let platform: {
  server: GrpcServer;
  address: string;
  trunks: Map<string, dialer.Trunk>;
  numbers: Map<string, dialer.AccessNumber>;
};
let kubelet: FakeKubelet;
const operators: Operator[] = [];

/** The dialer's routing as far as the operator knows it: gRPC in, entries in memory. */
async function startPlatform(): Promise<typeof platform> {
  const trunks = new Map<string, dialer.Trunk>();
  const numbers = new Map<string, dialer.AccessNumber>();
  const handlers = {
    listTrunks: () => Promise.resolve({ trunks: [...trunks.values()] }),
    listAccessNumbers: () => Promise.resolve({ accessNumbers: [...numbers.values()] }),
    putTrunk({ trunk }: dialer.PutTrunkRequest) {
      if (trunk?.gateway === 'refused.example:5060')
        throw GrpcError.invalidArgument('trunk.gateway', 'is refused here');
      trunks.set(trunk!.id, trunk!);
      return Promise.resolve({ trunk });
    },
    putAccessNumber({ accessNumber }: dialer.PutAccessNumberRequest) {
      numbers.set(accessNumber!.number, accessNumber!);
      return Promise.resolve({ accessNumber });
    },
    deleteTrunk: ({ id }: dialer.DeleteTrunkRequest) => Promise.resolve(trunks.delete(id) ? {} : {}),
    deleteAccessNumber: ({ number }: dialer.DeleteAccessNumberRequest) =>
      Promise.resolve(numbers.delete(number) ? {} : {}),
  };
  const server = await startGrpcServer({
    listen: '127.0.0.1:0',
    services: [
      { definition: dialer.RoutingServiceService, handlers: unaryHandlers(createLogger('platform'), handlers) },
    ],
    protoFiles: ['ringback/dialer/v1/dialer.proto'],
    log: createLogger('platform'),
  });
  return { server, address: `127.0.0.1:${server.port}`, trunks, numbers };
}

function start(name: string): Promise<Operator> {
  const log = createLogger(name);
  const config = {
    POD_NAME: name,
    POD_NAMESPACE: NAMESPACE,
    WATCH_NAMESPACE: '',
    NATS_URL: nats.url,
    DIALER_ADDRESS: platform.address,
    PLATFORM_IMAGE: 'ringback:1',
    EDGE_IMAGE: 'kamailio:1',
    IMAGE_PULL_POLICY: '',
    PLATFORM_SECRET: 'ringback',
    SWITCH_OTLP_ENDPOINT: '',
    METRICS_API_LISTEN: '',
    METRICS_API_CERT_DIR: '',
    LEASE_NAME: 'ringback-operator',
  };
  const leaseTimes = { durationMs: 2_000, renewWithinMs: 1_500, everyMs: 300 };
  return startOperator(config, {
    log,
    kubeConfig: plane.config,
    leaseTimes,
    fail: (error) => log.error({ err: error }, 'failed'),
  }).then((operator) => {
    operators.push(operator);
    return operator;
  });
}

const pool = (name: string) => kube.get<Resource>(KINDS.SwitchPool, name, NAMESPACE);
const podsOf = async (name: string): Promise<KubeObject[]> => {
  const { items } = await kube.list<KubeObject>(KINDS.Pod, NAMESPACE, { labelSelector: `ringback.dev/pool=${name}` });
  return items.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
};
const makePool = (name: string, spec: object = {}) =>
  kube.create(KINDS.SwitchPool, {
    metadata: { name, namespace: NAMESPACE },
    spec: { ...POOL_SPEC, ...spec },
  } as KubeObject);
const scale = (name: string, replicas: number) =>
  kube.patch(KINDS.SwitchPool, { name, namespace: NAMESPACE }, { spec: { replicas } });
const reason = (of: Resource | undefined) => of?.status?.conditions?.find((c) => c.type === 'Ready')?.reason;
const isReady = (name: string, switches: number) =>
  eventually(async () => {
    const found = await pool(name);
    assert.deepEqual([reason(found), found?.status?.['ready']], ['Ready', switches]);
  }, 30_000);

before(async () => {
  [plane, nats, platform] = await Promise.all([startControlPlane(), testNats(), startPlatform()]);
  kube = new Kube(plane.config);
  await installDefinitions(kube);
});
after(async () => {
  await platform?.server.stop();
  kube?.close();
  await Promise.all([plane?.stop(), nats?.close()]);
});
beforeEach(async () => {
  kubelet = await FakeKubelet.start(kube, nats.url, NAMESPACE);
});
afterEach(async () => {
  await Promise.all(operators.splice(0).map((operator) => operator.stop()));
  await kubelet.stop();
});

describe('a pool on a real API server', () => {
  it('gets its switches, a budget that protects them, and a status', async () => {
    await start('one');
    await makePool('plain');
    await isReady('plain', 2);
    const found = await pool('plain');
    assert.equal(found?.status?.['observedGeneration'], found?.metadata.generation);
    assert.deepEqual(found?.metadata.finalizers, ['ringback.dev/drain']);
    for (const { metadata } of await podsOf('plain')) {
      assert.equal(metadata.ownerReferences?.[0]?.uid, found?.metadata.uid);
      assert.equal(metadata.labels?.['ringback.dev/evictable'], 'false');
      assert.equal(metadata.annotations?.['cluster-autoscaler.kubernetes.io/safe-to-evict'], 'false');
    }
    const budget = await kube.get<Resource>(KINDS.PodDisruptionBudget, 'plain-switches', NAMESPACE);
    assert.deepEqual((budget?.spec['selector'] as { matchLabels: object } | undefined)?.matchLabels, {
      'ringback.dev/pool': 'plain',
      'ringback.dev/evictable': 'false',
    });
  });

  it('that nobody may call waits, and says for what', async () => {
    await start('one');
    await makePool('nobody', { allowedEdges: [] });
    await eventually(async () => assert.equal(reason(await pool('nobody')), 'Blocked'));
    assert.deepEqual(await podsOf('nobody'), []);
  });

  it('scales down by draining the emptiest, and deletes it when its last call is over', async () => {
    await start('one');
    await makePool('shrinks');
    await isReady('shrinks', 2);
    const [one, two] = (await podsOf('shrinks')).map((p) => p.metadata.name) as [string, string];
    kubelet.calls(one, 3);
    kubelet.calls(two, 1);
    await eventually(async () => assert.equal((await pool('shrinks'))?.status?.['calls'], 4));
    await scale('shrinks', 1);
    await eventually(() => assert.deepEqual(kubelet.draining(), [two]));
    await eventually(async () => {
      const status = (await pool('shrinks'))?.status;
      assert.deepEqual([status?.['ready'], status?.['draining']], [1, 1]);
      const [straggler] = (status?.['stragglers'] ?? []) as { switch: string; calls: number; overdue: boolean }[];
      assert.deepEqual([straggler?.switch, straggler?.calls, straggler?.overdue], [two, 1, false]);
    });
    assert.equal((await podsOf('shrinks')).length, 2);
    kubelet.calls(two, 0);
    await eventually(
      async () =>
        assert.deepEqual(
          (await podsOf('shrinks')).map((p) => p.metadata.name),
          [one],
        ),
      20_000,
    );
    const { items } = await kube.list<KubeObject & { reason: string }>(KINDS.Event, NAMESPACE);
    const told = new Set(items.map((e) => e.reason));
    for (const expected of ['SwitchCreated', 'Draining', 'SwitchRemoved']) assert.ok(told.has(expected), expected);
  });

  it('replaces a switch whose Pod is gone', async () => {
    await start('one');
    await makePool('heals');
    await isReady('heals', 2);
    const [victim] = await podsOf('heals');
    await kube.delete(KINDS.Pod, victim!, 0);
    await eventually(async () => {
      const pods = await podsOf('heals');
      assert.equal(pods.length, 2);
      assert.ok(!pods.some((p) => p.metadata.uid === victim?.metadata.uid));
    });
    await isReady('heals', 2);
  });

  it('rolls a new image with surge, and the old ones keep their calls', async () => {
    await start('one');
    await makePool('rolls');
    await isReady('rolls', 2);
    const before = (await podsOf('rolls')).map((p) => p.metadata.name);
    for (const name of before) kubelet.calls(name, 2);
    await kube.patch(
      KINDS.SwitchPool,
      { name: 'rolls', namespace: NAMESPACE },
      { spec: { switch: { image: 'switch:2' } } },
    );
    await eventually(async () => {
      const status = (await pool('rolls'))?.status;
      assert.deepEqual([status?.['updated'], status?.['ready'], status?.['draining']], [2, 2, 2]);
    }, 30_000);
    const after = (await podsOf('rolls')).map((p) => p.metadata.name);
    for (const name of before) assert.ok(after.includes(name), 'an old one went with its calls');
    for (const name of before) kubelet.calls(name, 0);
    await isReady('rolls', 2);
  });

  it('that is deleted drains before it goes, and takes its budget with it', async () => {
    await start('one');
    await makePool('goes', { replicas: 1 });
    await isReady('goes', 1);
    const [only] = await podsOf('goes');
    kubelet.calls(only!.metadata.name, 1);
    await eventually(async () => assert.equal((await pool('goes'))?.status?.['calls'], 1));
    await kube.delete(KINDS.SwitchPool, (await pool('goes'))!);
    await eventually(() => assert.deepEqual(kubelet.draining(), [only!.metadata.name]));
    assert.ok(await pool('goes'), 'its finalizer holds it');
    kubelet.calls(only!.metadata.name, 0);
    await eventually(async () => assert.equal(await pool('goes'), undefined), 20_000);
    assert.deepEqual(await podsOf('goes'), []);
  });
});

describe('leaders', () => {
  it('one acts; when it is gone the other one goes on in mid-rollout, and nothing is made twice', async () => {
    const [one, two] = [await start('one'), await start('two')];
    await eventually(() => assert.equal([one, two].filter((o) => o.leading).length, 1));
    const [leader, follower] = one.leading ? [one, two] : [two, one];
    kubelet.hold = true;
    await makePool('twice', { replicas: 3 });
    await eventually(async () => assert.equal((await podsOf('twice')).length, 3));
    operators.splice(operators.indexOf(leader), 1);
    await leader.stop();
    await eventually(() => assert.ok(follower.leading));
    kubelet.hold = false;
    await isReady('twice', 3);
    assert.equal((await podsOf('twice')).length, 3);
  });

  it('a leader that cannot reach the API server acts no more before another one may', async () => {
    const operator = await start('one');
    await eventually(() => assert.ok(operator.leading));
    await plane.apiServer.stop(20_000);
    await eventually(() => assert.ok(!operator.leading));
    await plane.restartApiServer();
    await eventually(() => assert.ok(operator.leading), 30_000);
    await makePool('back', { replicas: 1 });
    await isReady('back', 1);
  });
});

describe('trunks and access numbers', () => {
  const made = async (
    kind: typeof KINDS.Trunk | typeof KINDS.AccessNumber,
    name: string,
    spec: object,
    namespace = NAMESPACE,
  ) => kube.create(kind, { metadata: { name, namespace }, spec } as KubeObject);
  const ready = async (kind: typeof KINDS.Trunk, name: string) =>
    reason(await kube.get<Resource>(kind, name, NAMESPACE));

  it('a trunk reaches the platform, is changed and put right again, paused and deleted', async () => {
    await start('one');
    await made(KINDS.Trunk, 'carrier', {
      country: 'PL',
      sources: ['192.0.2.0/28'],
      gateway: 'sip.example.net:5060',
      priority: 5,
    });
    await eventually(() => assert.equal(platform.trunks.get('carrier')?.priority, 5));
    await eventually(async () => assert.equal(await ready(KINDS.Trunk, 'carrier'), 'Applied'));
    await kube.patch(KINDS.Trunk, { name: 'carrier', namespace: NAMESPACE }, { spec: { paused: true, priority: 7 } });
    await eventually(() => {
      const { disabled, priority } = platform.trunks.get('carrier')!;
      assert.deepEqual([disabled, priority], [true, 7]);
    });
    // Somebody changes it in the console: at the next look the cluster wins.
    platform.trunks.set('carrier', { ...platform.trunks.get('carrier')!, priority: 1 });
    await kube.patch(
      KINDS.Trunk,
      { name: 'carrier', namespace: NAMESPACE },
      { metadata: { annotations: { look: 'again' } } },
    );
    await eventually(() => assert.equal(platform.trunks.get('carrier')?.priority, 7));
    await kube.delete(KINDS.Trunk, (await kube.get(KINDS.Trunk, 'carrier', NAMESPACE))!);
    await eventually(async () => assert.equal(await kube.get(KINDS.Trunk, 'carrier', NAMESPACE), undefined));
    assert.equal(platform.trunks.get('carrier'), undefined);
  });

  it('what the platform refuses is told in the status', async () => {
    await start('one');
    await made(KINDS.Trunk, 'refused', { country: 'PL', direction: 'outbound', gateway: 'refused.example:5060' });
    await eventually(async () => {
      const { status } = (await kube.get<Resource>(KINDS.Trunk, 'refused', NAMESPACE))!;
      assert.deepEqual(
        status?.conditions?.map((c) => [c.reason, c.message]),
        [['Refused', 'trunk.gateway: is refused here']],
      );
    });
  });

  it('of two that claim a number the older one has it; the other one takes over when it goes', async () => {
    await start('one');
    const number = '+48223000000';
    const first = await made(KINDS.AccessNumber, 'first', { number, language: 'pl' });
    await eventually(() => assert.equal(platform.numbers.get(number)?.language, 'pl'));
    // Ages are whole seconds.
    await eventually(() => assert.ok(Date.now() - Date.parse(first.metadata.creationTimestamp!) > 1_000));
    await made(KINDS.AccessNumber, 'second', { number, language: 'en' });
    await eventually(async () => assert.equal(await ready(KINDS.AccessNumber, 'second'), 'Conflict'));
    assert.equal(platform.numbers.get(number)?.language, 'pl');
    await kube.delete(KINDS.AccessNumber, (await kube.get(KINDS.AccessNumber, 'first', NAMESPACE))!);
    await eventually(() => assert.equal(platform.numbers.get(number)?.language, 'en'));
    await eventually(async () => assert.equal(await ready(KINDS.AccessNumber, 'second'), 'Applied'));
  });
});
