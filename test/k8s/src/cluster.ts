import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { binary } from './binaries.ts';
import {
  API_PORT,
  type ClusterNet,
  clusterNet,
  cniConfig,
  containerdConfig,
  corefile,
  kubeconfig,
  kubeletConfig,
  proxyConfig,
  PAUSE_IMAGE,
  tokensFile,
  USERS,
  type UserName,
} from './cluster-config.ts';
import type { InsideSettings } from './cluster-inside.ts';
import { writeImage } from './image-archive.ts';
import { makePki } from './pki.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../../..');
const NEEDED = [
  'ip',
  'unshare',
  'nsenter',
  'setpriv',
  'containerd',
  'runc',
  'ctr',
  'nft',
  'conntrack',
  'catatonit',
  'openssl',
  'sysctl',
  'mount',
];
/** Settings of the whole machine that a kubelet changes; they are put back. */
const MACHINE_SETTINGS = [
  'vm.overcommit_memory',
  'vm.panic_on_oom',
  'kernel.panic',
  'kernel.panic_on_oops',
  'kernel.keys.root_maxkeys',
  'kernel.keys.root_maxbytes',
];

export interface Cluster {
  readonly kubeconfig: string;
  readonly config: KubeConfig;
  readonly net: ClusterNet;
  readonly dir: string;
  /** Id of the first process inside, as this machine sees it. */
  readonly pid: number;
  /** Makes an image archive known to the node. */
  importImage(archive: string): Promise<void>;
  kubectl(...args: string[]): Promise<string>;
  stop(): Promise<void>;
}

/**
 * A real cluster of one node on this machine: API server, etcd, controllers, scheduler, kubelet, kube-proxy, CoreDNS and
 * containerd, all in namespaces of their own. Needs root.
 *
 * @param name folder below `.run-cluster/` and, with `index`, what sets it apart from others.
 */
export async function startCluster(name: string, index: number, images: readonly string[] = []): Promise<Cluster> {
  if (process.getuid?.() !== 0) throw new Error('a cluster on this machine needs root: namespaces, mounts and cgroups');
  await needPrograms();
  const [program, coredns] = await Promise.all([binary('kubernetes'), binary('coredns')]);
  const dir = join(ROOT, '.run-cluster', name);
  const net = clusterNet(index);
  const namespace = `ringback-${name}`;
  const cgroup = `ringback-${name}`;
  await removeLeftovers(dir, namespace, cgroup, index);
  for (const folder of ['logs', 'cni', 'kubelet', 'images']) await mkdir(join(dir, folder), { recursive: true });
  const settings = await machineSettings();
  const paths = { dir, program, coredns };
  const admin = await writeFiles(paths, net, cgroup);
  const pause = join(dir, 'images/pause.tar');
  const files = new Map([['/catatonit', '/usr/bin/catatonit']]);
  await writeImage({ name: PAUSE_IMAGE, files, config: { Entrypoint: ['/catatonit', '-P'] } }, pause);

  await makeCgroup(cgroup);
  const [outside, inside] = [`rb${index}`, `rbn${index}`];
  await run('ip', ['netns', 'add', namespace]);
  await run('ip', ['link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', namespace]);
  await run('ip', ['addr', 'add', `${net.host}/24`, 'dev', outside]);
  await run('ip', ['link', 'set', outside, 'up']);
  await run('ip', ['-n', namespace, 'addr', 'add', `${net.node}/24`, 'dev', inside]);
  await run('ip', ['-n', namespace, 'link', 'set', inside, 'up']);
  // Pods are reached from the machine, as tests need them; the routes go with the link.
  await run('ip', ['route', 'add', net.podCidr, 'via', net.node, 'dev', outside]);
  // Some parts ask for the address of the default route.
  await run('ip', ['-n', namespace, 'route', 'add', 'default', 'via', net.host]);

  const given: InsideSettings = { paths, net, images: [pause, ...images] };
  const unshare = ['unshare', '--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const main = [process.execPath, join(import.meta.dirname, 'cluster-inside.ts'), JSON.stringify(given)];
  // Not `ip netns exec`: it puts a /sys without cgroups over ours.
  // Dies with this process, however that ends.
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', 'nsenter', `--net=/run/netns/${namespace}`, ...unshare, ...main],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  const ended = once(child, 'close');
  let said = '';
  child.stderr.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-8_000);
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
    await removeLeftovers(dir, namespace, cgroup, index);
    await restore(settings);
  };
  try {
    await Promise.race([
      once(child.stdout, 'data'),
      ended.then(() => {
        throw new Error(`the cluster did not start: ${said}`);
      }),
    ]);
    const config = new KubeConfig();
    config.loadFromFile(admin);
    const pid = await firstInside(child);
    return {
      kubeconfig: admin,
      config,
      net,
      dir,
      pid,
      async importImage(archive) {
        await run('ctr', ['-a', `${dir}/containerd.sock`, '-n', 'k8s.io', 'images', 'import', archive], {
          maxBuffer: 1 << 24,
        });
      },
      async kubectl(...args) {
        const { stdout } = await run(program, ['kubectl', '--kubeconfig', admin, ...args], { maxBuffer: 1 << 26 });
        return stdout;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function needPrograms(): Promise<void> {
  const missing: string[] = [];
  for (const name of NEEDED) await run('sh', ['-c', `command -v ${name}`]).catch(() => missing.push(name));
  if (missing.length > 0)
    throw new Error(`a cluster on this machine needs ${missing.join(', ')}: make bootstrap-cluster installs them`);
}

async function writeFiles(
  paths: { dir: string; program: string; coredns: string },
  net: ClusterNet,
  cgroup: string,
): Promise<string> {
  const { dir } = paths;
  await makePki(join(dir, 'pki'), net);
  const ca = await readFile(join(dir, 'pki/ca.crt'));
  const tokens = Object.fromEntries(USERS.map(({ name }) => [name, randomBytes(16).toString('hex')])) as Record<
    UserName,
    string
  >;
  const write = (name: string, content: string | object) =>
    writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2), {
      mode: 0o600,
    });
  await write('tokens.csv', tokensFile(tokens));
  for (const { name } of USERS) {
    await write(`${name}.kubeconfig`, kubeconfig(`https://${net.node}:${API_PORT}`, ca, tokens[name]));
  }
  await write('kubelet.yaml', kubeletConfig(paths, net, `/${cgroup}`));
  await write('kube-proxy.yaml', proxyConfig(paths, net));
  await write('containerd.toml', containerdConfig(paths));
  await write('cni/10-ringback.conflist', cniConfig(net));
  await write('Corefile', corefile(paths, net));
  await write('resolv.conf', `nameserver ${net.node}\n`);
  return join(dir, 'admin.kubeconfig');
}

/** The first process in the new process namespace: child of unshare, which setpriv and nsenter have become. */
async function firstInside(child: ChildProcess): Promise<number> {
  const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return Number(children.trim().split(' ')[0]);
}

async function cgroupFolders(name: string): Promise<string[]> {
  const root = '/sys/fs/cgroup';
  const unified = await readFile(join(root, 'cgroup.controllers')).then(
    () => true,
    () => false,
  );
  if (unified) return [join(root, name)];
  const controllers = await readdir(root, { withFileTypes: true });
  return controllers.filter((c) => c.isDirectory()).map((c) => join(root, c.name, name));
}

async function makeCgroup(name: string): Promise<void> {
  for (const folder of await cgroupFolders(name)) {
    await mkdir(folder, { recursive: true });
    // A cpuset without processors takes no process.
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const above = await readFile(join(folder, '..', file), 'utf8').catch(() => undefined);
      if (above !== undefined && !file.startsWith('cgroup'))
        await writeFile(join(folder, file), above).catch(() => undefined);
    }
  }
}

async function removeFolders(folder: string): Promise<void> {
  const inside = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of inside) if (entry.isDirectory()) await removeFolders(join(folder, entry.name));
  await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

/** What an earlier cluster of this name has left, or this one after its end. */
async function removeLeftovers(dir: string, namespace: string, cgroup: string, index: number): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list']);
  if (stdout.split('\n').some((line) => line.split(' ')[0] === namespace))
    await run('ip', ['netns', 'delete', namespace]);
  await run('ip', ['link', 'delete', `rb${index}`]).catch(() => undefined);
  for (const folder of await cgroupFolders(cgroup)) {
    const deadline = performance.now() + 10_000;
    // Processes that were killed are in it until the kernel is done with them.
    for (;;) {
      try {
        await removeFolders(folder);
        break;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
  await rm(dir, { recursive: true, force: true, maxRetries: 5 });
}

async function machineSettings(): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  for (const name of MACHINE_SETTINGS) {
    const { stdout } = await run('sysctl', ['-n', name]).catch(() => ({ stdout: '' }));
    if (stdout !== '') values.set(name, stdout.trim());
  }
  return values;
}

async function restore(settings: ReadonlyMap<string, string>): Promise<void> {
  for (const [name, value] of settings) await run('sysctl', ['-q', '-w', `${name}=${value}`]);
}
