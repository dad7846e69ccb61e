import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { makeCluster, postgresCommand, postgresUser } from '../local-postgres.ts';
import { freePort } from './ports.ts';

export interface TestDatabase {
  url: string;
  /** As the superuser, on the same database. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

interface Running {
  process: ChildProcess;
  directory: string;
  port: number;
  password: string;
  users: number;
}

/** A start takes a second or two; a machine that is busy with other tests needs more. */
const READY_MS = 60_000;
const LOOK_MS = 50;

let running: Promise<Running> | undefined;

async function start(): Promise<Running> {
  const directory = await mkdtemp(join(tmpdir(), 'ringback-pg-'));
  const data = join(directory, 'data');
  const port = await freePort();
  const password = randomBytes(12).toString('hex');
  const as = await postgresUser(data);
  await makeCluster(data, as, { name: 'postgres', password });
  const { command, args } = postgresCommand(data, as, port, ['max_connections=60']);
  const server = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  server.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = `${words}${text}`.slice(-2_000);
  });
  // A test process that ends without `close` takes its server along; backends end when the postmaster has.
  process.on('exit', () => server.kill('SIGKILL'));
  const until = performance.now() + READY_MS;
  for (;;) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}: ${words}`);
    try {
      await administer(port, password, 'SELECT 1');
      return { process: server, directory, port, password, users: 0 };
    } catch (error) {
      if (performance.now() > until) throw new Error(`PostgreSQL is not ready: ${words}`, { cause: error });
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

async function administer(port: number, password: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: `postgres://postgres:${password}@127.0.0.1:${port}/postgres` });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(sql);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** A fresh database on this process's server. The server stops with the last `close`. */
export async function testDatabase(): Promise<TestDatabase> {
  running ??= start();
  const own = running;
  const at = await own;
  at.users += 1;
  const name = `test_${randomBytes(6).toString('hex')}`;
  await administer(at.port, at.password, `CREATE DATABASE ${name}`);
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
      const gone = once(at.process, 'exit');
      at.process.kill('SIGINT');
      await gone;
      await rm(at.directory, { recursive: true, force: true });
    },
  };
}
