/** `up`: a cluster to play with, until `down`. `keep` is the process in between. */
import { spawn } from 'node:child_process';
import { openSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Cluster, startCluster } from './cluster.ts';
import { buildImage, IMAGES, type ImageName } from './images.ts';

const STATE = join(import.meta.dirname, '../../../.run-cluster');
const KEEPER = join(STATE, 'keeper.json');
const LOG = join(STATE, 'keeper.log');
const LOOK_MS = 200;

interface Keeper {
  readonly pid: number;
  /** Set when it is up. */
  readonly kubeconfig?: string;
}

const keeper = (): Promise<Keeper | undefined> =>
  readFile(KEEPER, 'utf8').then(
    (text) => JSON.parse(text) as Keeper,
    () => undefined,
  );

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function keep(): Promise<void> {
  await writeFile(KEEPER, JSON.stringify({ pid: process.pid }));
  let cluster: Cluster | undefined;
  const end = async (): Promise<void> => {
    await cluster?.stop();
    await rm(KEEPER, { force: true });
    process.exit(0);
  };
  const archives: string[] = [];
  for (const name of Object.keys(IMAGES) as ImageName[]) archives.push(await buildImage(name));
  cluster = await startCluster('playground', 0, archives);
  process.on('SIGTERM', () => void end());
  await writeFile(KEEPER, JSON.stringify({ pid: process.pid, kubeconfig: cluster.kubeconfig }));
  setInterval(() => undefined, 60_000);
}

async function up(): Promise<void> {
  const there = await keeper();
  if (there && alive(there.pid)) throw new Error(`there is one: KUBECONFIG=${there.kubeconfig ?? '(starting)'}`);
  await rm(KEEPER, { force: true });
  await mkdir(STATE, { recursive: true });
  const log = openSync(LOG, 'w');
  const child = spawn(process.execPath, [import.meta.filename, 'keep'], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  const ended = new Promise<never>((_, reject) => {
    child.on('exit', () =>
      readFile(LOG, 'utf8').then((text) => reject(new Error(`it did not start: ${text.slice(-4_000)}`)), reject),
    );
  });
  const started = (async () => {
    for (;;) {
      const found = await keeper();
      if (found?.kubeconfig !== undefined) return found.kubeconfig;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  })();
  const kubeconfig = await Promise.race([started, ended]);
  child.unref();
  process.stdout.write(`a cluster is up, with the images ${Object.values(IMAGES).join(', ')}\n`);
  process.stdout.write(
    `  export KUBECONFIG=${kubeconfig}\n  helm install ringback deploy/helm -n ringback --create-namespace -f test/k8s/values/test.yaml\n  make cluster-down\n`,
  );
  process.exit(0);
}

async function down(): Promise<void> {
  const there = await keeper();
  if (!there || !alive(there.pid)) {
    process.stdout.write('there is none\n');
    return;
  }
  process.kill(there.pid, 'SIGTERM');
  while (alive(there.pid)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  process.stdout.write('the cluster is gone\n');
}

const commands: Readonly<Record<string, () => Promise<void>>> = { up, down, keep };
const command = commands[process.argv[2] ?? ''];
if (!command) {
  process.stderr.write('usage: cluster-cli.ts up|down\n');
  process.exit(64);
}
await command().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
