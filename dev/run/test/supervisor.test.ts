import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { ProcessSpec } from '../src/child.ts';
import { bootId, startTime } from '../src/proc.ts';
import { Supervisor } from '../src/supervisor.ts';

const VICTIM = fileURLToPath(new URL('support/victim.ts', import.meta.url));

let directory: string;
let supervisor: Supervisor;
let said: string[];

const diary = (): string => join(directory, 'diary');
const entries = (kind: string): string[] =>
  existsSync(diary())
    ? readFileSync(diary(), 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(kind))
    : [];
const pidFile = (): string => join(directory, 'pids.json');

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'ringback-supervisor-')));
  said = [];
  supervisor = new Supervisor(pidFile(), (line) => said.push(line));
});
afterEach(async () => {
  await supervisor.stop();
  await rm(directory, { recursive: true, force: true });
});

function victim(what: string, extra: Partial<ProcessSpec> = {}, ...more: string[]): ProcessSpec {
  const started = entries('up').length;
  let expected = started + 1;
  return {
    name: 'victim',
    command: process.execPath,
    args: [VICTIM, diary(), what, ...more],
    log: join(directory, 'victim.log'),
    prepare: async () => {
      expected = entries('up').length + 1;
    },
    ready: async () => {
      if (entries('up').length < expected) throw new Error('not up yet');
    },
    ...extra,
  };
}

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isTrue()) {
    if (performance.now() > deadline) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('whoever is killed comes back, and the restart is told', async () => {
  const restarted: string[] = [];
  supervisor.onRestart = async (name) => void restarted.push(name);
  await supervisor.start(victim('serve'));
  const [pid = 0] = supervisor.pids().victim ?? [];
  supervisor.signal('victim', 'SIGKILL');
  await supervisor.replaced('victim', pid);
  await until('the restart is told', () => restarted.length === 1);
  assert.equal(startTime(pid), undefined);
  assert.notEqual(supervisor.pids().victim?.[0], pid);
  assert.match(said[0] ?? '', /^victim was killed by SIGKILL$/);
});

test('before the restart nothing of it is left: its group, and who works in its directory', async () => {
  const place = join(directory, 'place');
  await mkdir(place);
  let leftAtRestart: (string | undefined)[] = [];
  let members: number[] = [];
  const spec = victim('parent', { cwd: place, directory: place });
  const { prepare } = spec;
  spec.prepare = async () => {
    leftAtRestart = members.map(startTime);
    await prepare?.();
  };
  await supervisor.start(spec);
  await until('both children are up', () => entries('child ').length === 2);
  members = entries('children')[0]!.split(' ').slice(1).map(Number);
  const [pid = 0] = supervisor.pids().victim ?? [];
  assert.ok(members.every((member) => startTime(member) !== undefined));
  // Only the parent dies; its children would live on.
  process.kill(pid, 'SIGKILL');
  await supervisor.replaced('victim', pid);
  assert.deepEqual(leftAtRestart, [undefined, undefined]);
});

test('a process that ends at once is reported with its last words', async () => {
  await assert.rejects(
    supervisor.start(victim('fail', {}, '3')),
    /victim ended with 3 before it was ready: the reason stands here/,
  );
});

test('a refused configuration is given up at once, with its last words', async () => {
  const givenUp = new Promise<Error>((resolve) => {
    supervisor.onGiveUp = resolve;
  });
  await assert.rejects(supervisor.start(victim('fail', {}, '78')));
  assert.match((await givenUp).message, /^victim refuses its configuration: the reason stands here/);
});

test('one that cannot be started says so', async () => {
  await assert.rejects(
    supervisor.start(victim('serve', { command: '/nonexistent/program' })),
    /victim cannot be started: .*ENOENT/,
  );
});

test('a held process stays down until it is released', async () => {
  await supervisor.start(victim('serve'));
  const [pid = 0] = supervisor.pids().victim ?? [];
  await supervisor.hold('victim');
  assert.equal(startTime(pid), undefined);
  assert.equal(entries('up').length, 1);
  await supervisor.release('victim');
  assert.equal(entries('up').length, 2);
});

test('who does not end when asked is killed after its grace, and stopping starts nothing again', async () => {
  await supervisor.start(victim('deaf'));
  const [pid = 0] = supervisor.pids().victim ?? [];
  await supervisor.stop([], { firstMs: 300, lastMs: 300 });
  assert.deepEqual(entries('deaf'), ['deaf']);
  assert.equal(startTime(pid), undefined);
  assert.equal(entries('up').length, 1);
  assert.match(said.at(-1) ?? '', /victim did not end within 300 ms and was killed/);
  await assert.rejects(supervisor.start(victim('serve')), /everything stops/);
});

test('what a killed supervisor left is ended by the next one; what only has the same pid is not', async () => {
  const place = join(directory, 'place');
  await mkdir(place);
  const start = async (cwd: string) => {
    const child = spawn(process.execPath, [VICTIM, diary(), 'serve'], { detached: true, stdio: 'ignore', cwd });
    await until('it is up', () => entries(`up ${child.pid}`).length === 1);
    return { pid: child.pid!, gone: once(child, 'exit') };
  };
  const left = await start(directory);
  const backend = await start(place);
  const stranger = await start(directory);
  const entry = (pid: number, started = startTime(pid)!) => ({ pid, started });
  const supervisorOfOld = { pid: process.pid, started: '1' };
  const processes = {
    left: entry(left.pid),
    stranger: entry(stranger.pid, '1'),
    // The leader is long gone; one of its processes still works in the directory.
    database: { ...entry(2 ** 22, '1'), directory: place },
  };
  await writeFile(pidFile(), JSON.stringify({ boot: bootId(), supervisor: supervisorOfOld, processes }));
  await supervisor.takeOver();
  await Promise.all([left.gone, backend.gone]);
  assert.ok(startTime(stranger.pid), 'another process with a pid that was ours once');
  process.kill(stranger.pid, 'SIGKILL');
  await stranger.gone;
});

test('a directory on which a supervisor is alive is refused, and its file left alone', async () => {
  const alive = process.ppid;
  const content = JSON.stringify({
    boot: bootId(),
    supervisor: { pid: alive, started: startTime(alive) },
    processes: {},
  });
  await writeFile(pidFile(), content);
  await assert.rejects(supervisor.takeOver(), new RegExp(`RUN_DIR: process ${alive} runs the platform`));
  await supervisor.stop();
  assert.equal(await readFile(pidFile(), 'utf8'), content);
});
