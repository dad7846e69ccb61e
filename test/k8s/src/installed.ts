import { join } from 'node:path';
import { auth, billing, dialer } from '@ringback/contracts';
import { Telephone } from '@ringback/dev-telephone';
import { Kube, KINDS, type KubeObject } from '@ringback/operator';
import { call, grpcClient } from '@ringback/service-kit';
import { referencePrompts } from '../../support/reference-prompts.ts';
import { type Cluster, startCluster } from './cluster.ts';
import { eventually } from './eventually.ts';
import { helm } from './helm.ts';
import { buildImage, type ImageName, IMAGES } from './images.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CHART = join(ROOT, 'deploy/helm');
const VALUES = join(import.meta.dirname, '../values/test.yaml');
const NAMESPACE = 'ringback';
const CARRIER_PORT = 5090;
const DECK = 'test';
const DECK_CSV = `prefix,destination,price,increment,connect_fee,blocked
+48,Poland,0.05,1,0,
+44,United Kingdom,0.12,1,0.01,
`;

export type PodObject = KubeObject & {
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
};

export interface Customer {
  readonly number: string;
  readonly caller: string;
}

/** The platform, installed by Helm on a real cluster, and a telephone outside of it. */
export class Installed {
  readonly cluster: Cluster;
  readonly kube: Kube;
  readonly phone: Telephone;
  readonly namespace = NAMESPACE;
  #customers = 0;

  private constructor(cluster: Cluster, kube: Kube, phone: Telephone) {
    this.cluster = cluster;
    this.kube = kube;
    this.phone = phone;
  }

  /** @param say told how far it is. */
  static async start(name: string, index: number, say: (words: string) => void): Promise<Installed> {
    const names = Object.keys(IMAGES) as ImageName[];
    const archives: string[] = [];
    for (const image of names) archives.push(await buildImage(image));
    say('images are built');
    const cluster = await startCluster(name, index, archives);
    say('the cluster is ready');
    const kube = new Kube(cluster.config);
    let phone: Telephone | undefined;
    try {
      await helm(
        [
          'install',
          'ringback',
          CHART,
          '--namespace',
          NAMESPACE,
          '--create-namespace',
          '--values',
          VALUES,
          '--set',
          `global.nodeCidrs={${cluster.net.node}/32}`,
        ],
        cluster.kubeconfig,
      );
      say('helm has installed it');
      const edge = `${cluster.net.node}:5060`;
      const bind = `${cluster.net.host}:${CARRIER_PORT}`;
      phone = await Telephone.create({ bind, edge, prompts: await referencePrompts() });
      const installed = new Installed(cluster, kube, phone);
      await installed.#ready(say);
      await installed.#routes(bind);
      await installed.#deck();
      return installed;
    } catch (error) {
      const pods = await cluster.kubectl('get', 'pods,swp,sipedges', '-A', '-o', 'wide').catch(String);
      const events = await cluster.kubectl('get', 'events', '-A', '--sort-by=.lastTimestamp').catch(String);
      kube.close();
      await phone?.close();
      await cluster.stop();
      throw new Error(`${String(error)}\n${pods}\n${events.slice(-4_000)}`, { cause: error });
    }
  }

  async #ready(say: (words: string) => void): Promise<void> {
    await eventually(async () => {
      const status = (await this.pool())?.status;
      if (status?.['ready'] !== 2) throw new Error(`the pool: ${JSON.stringify(status?.['conditions'])}`);
    }, 120_000);
    say('switches take calls');
    await eventually(async () => {
      const edge = await this.kube.get<KubeObject & { status?: Record<string, unknown> }>(
        KINDS.SipEdge,
        'main',
        NAMESPACE,
      );
      if (edge?.status?.['ready'] !== 1) throw new Error(`the edge: ${JSON.stringify(edge?.status)}`);
    }, 60_000);
    say('the edge takes calls');
  }

  async #routes(carrier: string): Promise<void> {
    const common = { namespace: NAMESPACE };
    const host = carrier.slice(0, carrier.lastIndexOf(':'));
    const trunk = {
      sources: [host],
      gateway: carrier,
      country: 'PL',
      trusted: true,
      identity: 'pai',
      forwardCallerId: true,
    };
    await this.kube.apply(KINDS.Trunk, { metadata: { ...common, name: 'carrier' }, spec: trunk } as KubeObject);
    const number = { number: '+48223000000', ringTimeMs: 1_000, callbackDelayMs: 3_000, coolDownSeconds: 1 };
    await this.kube.apply(KINDS.AccessNumber, { metadata: { ...common, name: 'warsaw' }, spec: number } as KubeObject);
    for (const [kind, name] of [
      [KINDS.Trunk, 'carrier'],
      [KINDS.AccessNumber, 'warsaw'],
    ] as const) {
      await eventually(async () => {
        type Resource = KubeObject & { status?: { conditions?: { type: string; status: string; message: string }[] } };
        const conditions = (await this.kube.get<Resource>(kind, name, NAMESPACE))?.status?.conditions;
        if (conditions?.find((c) => c.type === 'Ready')?.status !== 'True')
          throw new Error(`${name}: ${JSON.stringify(conditions)}`);
      }, 30_000);
    }
  }

  async #deck(): Promise<void> {
    const decks = grpcClient(billing.DeckServiceClient, await this.grpc('billing'));
    const request = billing.ImportDeckRequest.fromPartial({ name: DECK, currency: 'EUR', csv: DECK_CSV });
    await call(decks, decks.importDeck, request).finally(() => decks.close());
  }

  /** A new account with 20 EUR and an authorised caller ID. */
  async customer(): Promise<Customer> {
    const index = ++this.#customers;
    const number = String(2000 + index);
    const caller = `+486020000${String(index).padStart(2, '0')}`;
    const accounts = grpcClient(auth.AccountServiceClient, await this.grpc('auth'));
    const ledger = grpcClient(billing.LedgerServiceClient, await this.grpc('billing'));
    try {
      await call(accounts, accounts.createAccount, { number, pin: '482913', country: 'PL', language: 'en' });
      await call(ledger, ledger.openAccount, { accountNumber: number, currency: 'EUR', deck: DECK });
      const amount = { micros: 20_000_000n, currency: 'EUR' };
      await call(ledger, ledger.topUp, { requestId: `k8s-${number}`, accountNumber: number, amount, note: 'test' });
      await call(accounts, accounts.putCallerId, {
        accountNumber: number,
        number: caller,
        authorised: true,
        move: false,
      });
    } finally {
      accounts.close();
      ledger.close();
    }
    return { number, caller };
  }

  async sessions(): Promise<dialer.SessionView[]> {
    const sessions = grpcClient(dialer.SessionServiceClient, await this.grpc('dialer'));
    const request = dialer.ListSessionsRequest.fromPartial({ all: true, pageSize: 100 });
    return (await call(sessions, sessions.listSessions, request).finally(() => sessions.close())).sessions;
  }

  /** host:port of a Pod of a service: Pods are reached from outside in these tests. */
  async grpc(service: string): Promise<string> {
    const [pod] = await this.pods(`app.kubernetes.io/name=${service}`);
    if (pod?.status?.podIP === undefined) throw new Error(`${service} has no Pod`);
    return `${pod.status.podIP}:7000`;
  }

  async pods(labelSelector: string): Promise<PodObject[]> {
    const { items } = await this.kube.list<PodObject>(KINDS.Pod, NAMESPACE, { labelSelector });
    return items.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  pool(): Promise<(KubeObject & { status?: Record<string, unknown> }) | undefined> {
    return this.kube.get(KINDS.SwitchPool, 'main', NAMESPACE);
  }

  /** Helm's values changed, the rest kept. */
  async upgrade(...set: string[]): Promise<void> {
    const sets = set.flatMap((value) => ['--set', value]);
    await helm(
      ['upgrade', 'ringback', CHART, '--namespace', NAMESPACE, '--reuse-values', ...sets],
      this.cluster.kubeconfig,
    );
  }

  async stop(): Promise<void> {
    await this.phone.close();
    this.kube.close();
    await this.cluster.stop();
  }
}
