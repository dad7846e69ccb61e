import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClusterNet } from './cluster-config.ts';

const run = promisify(execFile);
const DAYS = '30';
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** Certificates of a cluster, by openssl, into `dir`. */
export async function makePki(dir: string, net: ClusterNet): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const openssl = (...args: string[]) => run('openssl', args, { cwd: dir });
  const authority = (name: string) =>
    openssl(
      'req',
      '-x509',
      ...KEY,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.crt`,
      '-days',
      DAYS,
      '-subj',
      `/CN=${name}`,
    );
  const certificate = async (name: string, ca: string, usage: string, extra = ''): Promise<void> => {
    await writeFile(join(dir, `${name}.ext`), `extendedKeyUsage=${usage}\n${extra}`);
    await openssl('req', '-new', ...KEY, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`);
    const signing = [
      '-CA',
      `${ca}.crt`,
      '-CAkey',
      `${ca}.key`,
      '-CAcreateserial',
      '-days',
      DAYS,
      '-extfile',
      `${name}.ext`,
    ];
    await openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, ...signing);
  };
  await Promise.all([authority('ca'), authority('front-proxy-ca')]);
  const names = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    'kubernetes.default.svc.cluster.local',
    'localhost',
  ];
  const addresses = ['127.0.0.1', net.node, net.apiService];
  const alternatives = [...names.map((n) => `DNS:${n}`), ...addresses.map((a) => `IP:${a}`)].join(',');
  await certificate('apiserver', 'ca', 'serverAuth', `subjectAltName=${alternatives}\n`);
  await certificate('kubelet-client', 'ca', 'clientAuth');
  await certificate('front-proxy-client', 'front-proxy-ca', 'clientAuth');
  await openssl('genrsa', '-out', 'sa.key', '2048');
  await openssl('rsa', '-in', 'sa.key', '-pubout', '-out', 'sa.pub');
}
