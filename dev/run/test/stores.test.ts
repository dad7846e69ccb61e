import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort } from '@ringback/service-kit/testing';
import pg from 'pg';
import { demoPin, loadSecrets, type Secrets } from '../src/files.ts';
import { type Layout, layoutOf } from '../src/layout.ts';
import { processesOf } from '../src/proc.ts';
import { natsSpec, postgresSpec, postgresUrl } from '../src/specs-stores.ts';
import { Supervisor } from '../src/supervisor.ts';

let directory: string;
let layout: Layout;
let secrets: Secrets;

before(async () => {
  // Closed to everybody else, as a home directory is: PostgreSQL's own user has to get in all the same.
  directory = await mkdtemp(join(tmpdir(), 'ringback-stores-'));
  const settings = { runDir: directory, portBase: 5_000, freeswitch: undefined, dialers: 1, carrier: undefined };
  const [postgresPort, natsPort] = [await freePort(), await freePort()];
  layout = { ...layoutOf({ ...settings, env: {}, accessNumber: {} }), postgresPort, natsPort };
  secrets = await loadSecrets(layout.dir('secrets.json'));
});
after(() => rm(directory, { recursive: true, force: true }));

const connected = async (): Promise<pg.Client> => {
  const client = new pg.Client({ connectionString: postgresUrl(layout, secrets) });
  client.on('error', () => {});
  await client.connect();
  return client;
};

test('PostgreSQL and NATS come back with their data: after SIGKILL of the postmaster, and in a second run', async () => {
  const first = new Supervisor(layout.dir('pids.json'), () => {});
  await first.takeOver();
  const postgres = await postgresSpec(layout, secrets);
  await Promise.all([first.start(postgres), natsSpec(layout, secrets).then((spec) => first.start(spec))]);
  const client = await connected();
  await client.query('CREATE TABLE kept (value int); INSERT INTO kept VALUES (42)');
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const [pid = 0] = first.pids().postgres ?? [];
  const backend = rows[0]!.pid;
  assert.ok(!processesOf(pid).includes(backend), 'a backend is no member of the group, hence the directory');
  assert.ok(processesOf(pid, postgres.directory).includes(backend));

  process.kill(pid, 'SIGKILL');
  await first.replaced('postgres', pid);
  const [natsPid = 0] = first.pids().nats ?? [];
  first.signal('nats', 'SIGKILL');
  await first.replaced('nats', natsPid);
  await first.stop(['postgres', 'nats']);
  assert.deepEqual(processesOf(0, postgres.directory), []);
  await client.end().catch(() => undefined);

  const second = new Supervisor(layout.dir('pids.json'), () => {});
  await second.takeOver();
  await second.start(await postgresSpec(layout, await loadSecrets(layout.dir('secrets.json'))));
  const again = await connected();
  assert.deepEqual((await again.query('SELECT value FROM kept')).rows, [{ value: 42 }]);
  await again.end();
  await second.stop();
});

test('the data directory appears whole or not at all', async () => {
  assert.ok(existsSync(layout.dir('postgres', 'PG_VERSION')));
  assert.ok(!existsSync(layout.dir('postgres.new')) && !existsSync(layout.dir('postgres.password')));
});

test('secrets are made once, differ from run to run, and are for the owner alone', async () => {
  const path = layout.dir('secrets.json');
  assert.deepEqual(await loadSecrets(path), secrets);
  const other = await loadSecrets(join(directory, 'other.json'));
  for (const [name, value] of Object.entries(secrets)) assert.notEqual(other[name as keyof Secrets], value);
  assert.equal((await stat(path)).mode & 0o077, 0);
});

test('PINs follow from the run, and stand in no file of it', async () => {
  const pin = demoPin(secrets, '1001');
  assert.match(pin, /^\d{6}$/);
  assert.equal(demoPin(secrets, '1001'), pin);
  assert.notEqual(demoPin(secrets, '1002'), pin);
  assert.ok(!(await readFile(layout.dir('secrets.json'), 'utf8')).includes(pin));
});
