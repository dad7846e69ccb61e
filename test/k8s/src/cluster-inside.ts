/**
 * Everything of the cluster that is a process, in namespaces of its own (see cluster.ts). It is their first process: when
 * it ends, all that runs in them ends with it. Prints one line when the node is ready.
 */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { Kube, type KubeObject } from '@ringback/operator';
import {
  apiServerArguments,
  type ClusterNet,
  type ClusterPaths,
  controllerManagerArguments,
  etcdArguments,
  firstObjects,
  kubeletArguments,
  NODE_NAME,
  schedulerArguments,
} from './cluster-config.ts';
import { Program } from './process.ts';

export interface InsideSettings {
  readonly paths: ClusterPaths;
  readonly net: ClusterNet;
  /** Images imported before the node is made. */
  readonly images: readonly string[];
}

const run = promisify(execFile);
const { paths, net, images } = JSON.parse(process.argv[2] ?? '') as InsideSettings;
const { dir, program } = paths;

const started = performance.now();
const say = (words: string): void =>
  void process.stderr.write(`${((performance.now() - started) / 1000).toFixed(1)} s ${words}\n`);
const start = (name: string, command: string, args: readonly string[]): Program =>
  new Program(name, command, args, join(dir, 'logs', `${name}.log`));

async function until(what: string, ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await ready())) {
    if (performance.now() > deadline) throw new Error(`${what} is not so after ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Settings of the namespaces, none of the machine. */
async function prepare(): Promise<void> {
  await run('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
  await run('mkdir', ['-p', '/run/lock', '/run/cni']);
  // The kubelet would set the machine's: it finds them as it wants them, in a view of its own that it may write.
  await run('ip', ['link', 'set', 'lo', 'up']);
  for (const setting of [
    'net.ipv4.ip_forward=1',
    'net.bridge.bridge-nf-call-iptables=1',
    'net.ipv4.conf.all.rp_filter=0',
  ]) {
    await run('sysctl', ['-q', '-w', setting]);
  }
  await run('hostname', [NODE_NAME]);
}

async function main(): Promise<void> {
  await prepare();
  const etcd = start('etcd', program, etcdArguments(paths));
  const api = start('kube-apiserver', program, apiServerArguments(paths, net));
  const containerd = start('containerd', 'containerd', ['--config', join(dir, 'containerd.toml')]);
  const config = new KubeConfig();
  config.loadFromFile(join(dir, 'admin.kubeconfig'));
  const kube = new Kube(config);
  const serves = () =>
    kube.send('GET', '/api/v1/namespaces/kube-system').then(
      () => true,
      () => false,
    );
  const importing = containerd
    .until(
      () =>
        run('ctr', ['-a', `${dir}/containerd.sock`, 'version']).then(
          () => true,
          () => false,
        ),
      20_000,
    )
    .then(async () => {
      for (const image of images)
        await run('ctr', ['-a', `${dir}/containerd.sock`, '-n', 'k8s.io', 'images', 'import', image]);
      say('images imported');
    });
  importing.catch(() => undefined);
  await Promise.race([api.until(serves, 60_000), etcd.until(() => Promise.resolve(false), 60_000)]);
  say('API server ready');
  start('kube-controller-manager', program, controllerManagerArguments(paths, net));
  start('kube-scheduler', program, schedulerArguments(paths));
  await importing;
  const kubelet = start('kubelet', program, kubeletArguments(paths, net));
  start('kube-proxy', program, ['kube-proxy', `--config=${dir}/kube-proxy.yaml`]);
  for (const object of firstObjects(net)) await apply(kube, object);
  const dns = start('coredns', paths.coredns, ['-conf', join(dir, 'Corefile')]);
  const nodeReady = async (): Promise<boolean> => {
    type Node = KubeObject & { status?: { conditions?: { type: string; status: string }[] } };
    const node = await kube.get<Node>(
      { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false },
      NODE_NAME,
    );
    return node?.status?.conditions?.find((c) => c.type === 'Ready')?.status === 'True';
  };
  await kubelet.until(nodeReady, 60_000);
  await dns.until(
    () =>
      fetch('http://127.0.0.1:8181/ready').then(
        (r) => r.ok,
        () => false,
      ),
    30_000,
  );
  // The first Pods need it.
  await until(
    'the default service account',
    () =>
      kube.send('GET', '/api/v1/namespaces/default/serviceaccounts/default').then(
        () => true,
        () => false,
      ),
    30_000,
  );
  say('node ready');
  process.stdout.write('ready\n');
}

async function apply(kube: Kube, object: object): Promise<void> {
  const { apiVersion, kind, metadata } = object as {
    apiVersion: string;
    kind: string;
    metadata: { name: string; namespace?: string };
  };
  const plural = kind === 'EndpointSlice' ? 'endpointslices' : `${kind.toLowerCase()}s`;
  const of = { apiVersion, kind, plural, namespaced: metadata.namespace !== undefined };
  await kube.apply(of, object as KubeObject);
}

process.on('SIGTERM', () => process.exit(0));
process.on('SIGINT', () => process.exit(0));
main().catch(async (error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  await writeFile(join(dir, 'failure'), String(error)).catch(() => undefined);
  const log = await readFile(join(dir, 'logs/kubelet.log'), 'utf8').catch(() => '');
  process.stderr.write(log.slice(-3000));
  process.exit(1);
});
// Alive until it is told to end; children that lost their parents are its own.
setInterval(() => undefined, 60_000);
