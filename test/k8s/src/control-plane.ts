import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { binary } from './binaries.ts';
import { freePort, Program } from './process.ts';

export interface ControlPlane {
  /** https://127.0.0.1:… */
  readonly server: string;
  /** A file for KUBECONFIG, of an administrator. */
  readonly kubeconfig: string;
  readonly config: KubeConfig;
  readonly apiServer: Program;
  /** Starts the API server again after it was ended: same port, same data. */
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

/** A real API server on etcd, without node and controllers: what is enough for definitions, rules and clients. */
export async function startControlPlane(): Promise<ControlPlane> {
  const program = await binary('kubernetes');
  const dir = await mkdtemp(join(tmpdir(), 'ringback-api-'));
  const [etcdPort, peerPort, apiPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const token = randomBytes(16).toString('hex');
  const server = `https://127.0.0.1:${apiPort}`;
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(dir, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await writeFile(join(dir, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(dir, 'tokens.csv'), `${token},admin,admin,system:masters\n`, { mode: 0o600 });

  const etcd = new Program(
    'etcd',
    program,
    [
      'etcd',
      `--data-dir=${join(dir, 'etcd')}`,
      `--listen-client-urls=http://127.0.0.1:${etcdPort}`,
      `--advertise-client-urls=http://127.0.0.1:${etcdPort}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
      '--unsafe-no-fsync',
    ],
    join(dir, 'etcd.log'),
  );
  let runs = 0;
  const startApiServer = (): Program =>
    new Program(
      'kube-apiserver',
      program,
      [
        'kube-apiserver',
        `--etcd-servers=http://127.0.0.1:${etcdPort}`,
        '--bind-address=127.0.0.1',
        `--secure-port=${apiPort}`,
        `--cert-dir=${join(dir, 'certs')}`,
        '--authorization-mode=RBAC',
        `--token-auth-file=${join(dir, 'tokens.csv')}`,
        '--service-account-issuer=https://ringback.test',
        `--service-account-key-file=${join(dir, 'sa.pub')}`,
        `--service-account-signing-key-file=${join(dir, 'sa.key')}`,
        '--service-cluster-ip-range=10.96.0.0/16',
        // No controller makes service accounts here.
        '--disable-admission-plugins=ServiceAccount',
      ],
      join(dir, `kube-apiserver-${++runs}.log`),
    );
  let apiServer = startApiServer();
  const ready = () => healthy(server, token);
  try {
    await apiServer.until(ready, 60_000);
  } catch (error) {
    await Promise.all([apiServer.stop(), etcd.stop()]);
    throw error;
  }
  const kubeconfig = join(dir, 'kubeconfig');
  const ca = await readFile(join(dir, 'certs/apiserver.crt'));
  await writeFile(
    kubeconfig,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': ca.toString('base64') } }],
      users: [{ name: 'admin', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin', namespace: 'default' } }],
      'current-context': 'test',
    }),
    { mode: 0o600 },
  );
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return {
    server,
    kubeconfig,
    config,
    get apiServer() {
      return apiServer;
    },
    async restartApiServer() {
      apiServer = startApiServer();
      await apiServer.until(ready, 60_000);
    },
    async stop() {
      await apiServer.stop();
      await etcd.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Its certificate is one it made for itself: nobody else is at that port. */
function healthy(server: string, token: string): Promise<boolean> {
  return new Promise((resolve) => {
    const agent = new Agent({ rejectUnauthorized: false });
    request(`${server}/readyz`, { agent, headers: { authorization: `Bearer ${token}` } }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .end();
  });
}
