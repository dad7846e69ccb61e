import { existsSync } from 'node:fs';
import { mkdir, realpath, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeCluster, postgresCommand, postgresUser } from '@ringback/service-kit/local-postgres';
import pg from 'pg';
import type { ProcessSpec } from './child.ts';
import type { Secrets } from './files.ts';
import type { Layout } from './layout.ts';

const USER = 'ringback';
const DATABASE = 'ringback';

const SETTINGS = [
  'max_connections=100',
  // Statements carry numbers: none of them is logged, also when it fails.
  'log_min_error_statement=panic',
  'log_min_messages=warning',
  'log_error_verbosity=terse',
];

export const postgresUrl = (layout: Layout, { postgresPassword }: Secrets, database = DATABASE): string =>
  `postgres://${USER}:${postgresPassword}@127.0.0.1:${layout.postgresPort}/${database}`;

/** PostgreSQL out of the npm package, data in the run directory; made at the first start. As root it runs as user postgres. */
export async function postgresSpec(layout: Layout, secrets: Secrets): Promise<ProcessSpec> {
  const wanted = layout.dir('postgres');
  await mkdir(dirname(wanted), { recursive: true });
  const data = join(await realpath(dirname(wanted)), 'postgres');
  const as = await postgresUser(data);
  if (!existsSync(data)) await makeCluster(data, as, { name: USER, password: secrets.postgresPassword });
  return {
    name: 'postgres',
    ...postgresCommand(data, as, layout.postgresPort, SETTINGS),
    log: layout.dir('logs', 'postgres.log'),
    // Backends are sessions of their own.
    directory: data,
    // A killed one leaves its lock; nobody works in the directory when this runs.
    prepare: () => rm(join(data, 'postmaster.pid'), { force: true }),
    // SIGINT is PostgreSQL's fast shutdown: it does not wait for clients.
    stopSignal: 'SIGINT',
    ready: async () => {
      const client = new pg.Client({
        connectionString: postgresUrl(layout, secrets, 'postgres'),
        connectionTimeoutMillis: 1_000,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
        if (!rowCount) await client.query(`CREATE DATABASE ${DATABASE}`);
      } finally {
        await client.end().catch(() => undefined);
      }
    },
  };
}

export const natsUrl = ({ natsPort }: Layout, { natsPassword }: Secrets, port = natsPort): string =>
  `nats://${USER}:${natsPassword}@127.0.0.1:${port}`;

/**
 * nats-server with JetStream, data in the run directory. Its storage holds all streams and the largest of them once more:
 * the server reserves for a stream that is asked for again before it sees that it is there.
 */
export async function natsSpec(layout: Layout, { natsPassword }: Secrets): Promise<ProcessSpec> {
  const config = layout.dir('nats.conf');
  const store = layout.dir('nats');
  await mkdir(store, { recursive: true });
  const monitor = layout.natsPort + 1;
  await writeFile(
    config,
    `listen: "127.0.0.1:${layout.natsPort}"
http: "127.0.0.1:${monitor}"
server_name: "ringback"
authorization { user: "${USER}", password: "${natsPassword}" }
max_payload: 1048576
jetstream { store_dir: ${JSON.stringify(store)}, max_file_store: 4GB, max_memory_store: 64MB, sync_interval: "1s" }
`,
    { mode: 0o600 },
  );
  return {
    name: 'nats',
    command: join(layout.root, '.cache/nats/bin/nats-server'),
    args: ['-c', config],
    log: layout.dir('logs', 'nats.log'),
    ready: async () => {
      const response = await fetch(`http://127.0.0.1:${monitor}/healthz`);
      await response.body?.cancel();
      if (!response.ok) throw new Error(`NATS says ${response.status}`);
    },
  };
}
