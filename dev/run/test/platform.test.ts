import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { billing } from '@ringback/contracts';
import { answer, Telephone } from '@ringback/dev-telephone';
import { call, grpcClient } from '@ringback/service-kit';
import type { Endpoints } from '../src/endpoints.ts';
import { processesOf, startTime } from '../src/proc.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const KINDS = 'postgres nats kamailio edge-agent switch-1 switch-2 agent-1 agent-2 auth billing ivr dialer'.split(' ');

/** Nobody of the demonstration. */
const DESTINATION = '+442079460911';
const WAIT = 20_000;

/** `make run` as a process of its own: what people and outside programs see. */
class Run {
  readonly process: ChildProcess;
  readonly directory: string;
  said = '';

  constructor(directory: string, portBase: number, env: Record<string, string> = {}) {
    this.directory = directory;
    this.process = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, RUN_DIR: directory, PORT_BASE: String(portBase), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout!, this.process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.said += text;
      });
    }
  }

  get endpoints(): Endpoints {
    return JSON.parse(readFileSync(join(this.directory, 'endpoints.json'), 'utf8')) as Endpoints;
  }

  async until(what: string, isTrue: () => boolean, withinMs = 60_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!isTrue()) {
      if (this.process.exitCode !== null) throw new Error(`it ended with ${this.process.exitCode}: ${this.said}`);
      if (performance.now() > deadline) throw new Error(`did not happen: ${what}\n${this.said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  isUp = (): boolean => existsSync(join(this.directory, 'endpoints.json'));

  async end(signal: NodeJS.Signals): Promise<{ code: number | null; ms: number }> {
    const begun = performance.now();
    const gone = once(this.process, 'exit') as Promise<[number | null]>;
    this.process.kill(signal);
    const [code] = await gone;
    return { code, ms: performance.now() - begun };
  }
}

/** A port base whose lock is free. */
async function freeBase(): Promise<number> {
  for (let base = 21_000; ; base += 1_000) {
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(base, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return base;
  }
}

const pidsOf = ({ processes }: Endpoints): number[] => Object.values(processes).flat();

describe('the platform in one command', () => {
  let directory: string;
  let base: number;
  let run: Run;

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'ringback-run-'));
    base = await freeBase();
    run = new Run(directory, base);
    await run.until('it is up', run.isUp);
  });
  after(async () => {
    if (run.process.exitCode === null && run.process.signalCode === null) await run.end('SIGTERM');
    await rm(directory, { recursive: true, force: true });
  });

  test('tells outside programs where everything is, and its owner alone', async () => {
    const { edge, carrier, grpc, postgres, nats, accessNumbers, accounts, processes } = run.endpoints;
    assert.match(edge.sip, /^127\.0\.0\.10:\d+$/);
    assert.match(carrier.sip, /^127\.0\.1\.1:\d+$/);
    assert.deepEqual(Object.keys(grpc).sort(), ['auth', 'billing', 'dialer', 'ivr']);
    assert.match(postgres, /^postgres:\/\//);
    assert.match(nats, /^nats:\/\//);
    const [first] = accessNumbers;
    assert.deepEqual(
      { ...first, callbackDelayMs: undefined },
      {
        number: '+48223000000',
        mode: 'callback',
        language: 'en',
        unknownCallers: 'refuse',
        ringTimeMs: 12_500,
        callbackDelayMs: undefined,
      },
    );
    const [demo] = accounts;
    assert.match(demo?.pin ?? '', /^\d{6}$/);
    assert.deepEqual(
      { ...demo, pin: '' },
      {
        number: '1001',
        pin: '',
        country: 'PL',
        language: 'en',
        callerIds: [{ number: '+48601000001', authorised: false }],
        balance: '5.00 EUR',
        deck: 'demo',
      },
    );
    for (const kind of KINDS) assert.ok(startTime(processes[kind]?.[0] ?? 0), kind);
    assert.equal((await stat(join(directory, 'endpoints.json'))).mode & 0o077, 0);
    assert.match(run.said, /make phone/);
  });

  test('whatever is killed comes back, with its new process in endpoints.json', async () => {
    for (const kind of KINDS) {
      const [pid = 0] = run.endpoints.processes[kind] ?? [];
      process.kill(pid, 'SIGKILL');
      await run.until(`${kind} is back`, () => {
        const [now = 0] = run.endpoints.processes[kind] ?? [];
        return now !== pid && startTime(now) !== undefined;
      });
    }
    // Whoever depended on them went on, or came back by itself.
    await run.until('all live', () => pidsOf(run.endpoints).every((pid) => startTime(pid) !== undefined));
  });

  test('a second one on the same directory or ports is refused, and disturbs nothing', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'ringback-run-'));
    const before = run.endpoints;
    const samePorts = new Run(elsewhere, base);
    assert.deepEqual(await once(samePorts.process, 'exit'), [78, null]);
    assert.match(samePorts.said, new RegExp(`PORT_BASE: ${base} is in use`));
    const sameDirectory = new Run(directory, await freeBase());
    assert.deepEqual(await once(sameDirectory.process, 'exit'), [1, null]);
    assert.match(sameDirectory.said, /RUN_DIR: process \d+ runs the platform on this directory already/);
    assert.deepEqual(run.endpoints, before);
    assert.ok(pidsOf(before).every((pid) => startTime(pid) !== undefined));
    await rm(elsewhere, { recursive: true, force: true });
  });

  test('logs hold no number, PIN or password', async () => {
    const { accounts, accessNumbers, postgres } = run.endpoints;
    const secrets = [
      ...accounts.flatMap(({ pin, callerIds }) => [pin, ...callerIds.map(({ number }) => number.slice(1))]),
      ...accessNumbers.map(({ number }) => number.slice(1)),
      new URL(postgres).password,
    ].filter((secret) => secret !== '');
    const logs = join(directory, 'logs');
    for (const name of await readdir(logs)) {
      const text = await readFile(join(logs, name), 'utf8');
      for (const [index, secret] of secrets.entries()) assert.ok(!text.includes(secret), `secret ${index} in ${name}`);
    }
  });

  test('Ctrl-C in mid-conversation: both telephones are hung up, and all ends within ten seconds', async () => {
    const { carrier, edge, processes, accounts } = run.endpoints;
    const caller = accounts.find(({ number }) => number === '1004')?.callerIds[0]?.number ?? '';
    const phone = await Telephone.create({ bind: carrier.sip, edge: edge.sip });
    phone.onCallTo(DESTINATION, answer(100));
    const trigger = await phone.call(caller, '+48223000000');
    await trigger.expectRinging(WAIT);
    trigger.hangup();
    const a = await phone.expectCall(caller, WAIT);
    a.answer();
    // An authorised caller hears neither balance nor PIN, and may key ahead of the prompt.
    await a.key(`00${DESTINATION.slice(1)}#`);
    const b = await phone.expectCall(DESTINATION, WAIT);
    b.marker(1_100);
    await a.heard.expectTone(1_100, WAIT);

    const { code, ms } = await run.end('SIGINT');
    assert.equal(code, 0, run.said);
    assert.ok(ms < 10_000, `took ${ms} ms`);
    await Promise.all([a.expectEnd(1_000), b.expectEnd(1_000)]);
    await phone.close();
    for (const [pid] of Object.values(processes)) assert.deepEqual(processesOf(pid ?? 0), []);
    assert.deepEqual(processesOf(0, join(directory, 'postgres')), []);
  });

  test('the next run goes on with the data, and finds the calls settled', async () => {
    run = new Run(directory, base);
    await run.until('it is up again', run.isUp);
    assert.ok(run.endpoints.accounts.every(({ pin }) => pin !== ''));
    const ledger = grpcClient(billing.LedgerServiceClient, run.endpoints.grpc.billing ?? '');
    assert.deepEqual(
      (await call(ledger, ledger.listHolds, billing.ListHoldsRequest.fromPartial({ all: false }))).holds,
      [],
    );
    assert.deepEqual((await call(ledger, ledger.checkLedger, {})).problems, []);
    const { cdrs } = await call(ledger, ledger.listCdrs, billing.ListCdrsRequest.fromPartial({ pageSize: 10 }));
    ledger.close();
    const legs = cdrs.map(({ role, answeredAtUs, endedAtUs, transferId }) => ({
      role,
      answered: answeredAtUs > 0n,
      ended: endedAtUs > 0n,
      charged: transferId !== '',
    }));
    assert.deepEqual(
      legs.sort((one, two) => one.role.localeCompare(two.role)),
      [
        { role: 'a', answered: true, ended: true, charged: true },
        { role: 'b', answered: true, ended: true, charged: true },
        { role: 'trigger', answered: false, ended: true, charged: false },
      ],
    );
  });

  test('what a killed supervisor leaves is taken over by the next one', async () => {
    const { accounts, processes } = run.endpoints;
    const left = Object.values(processes).flat();
    await run.end('SIGKILL');
    assert.ok(left.some((pid) => startTime(pid) !== undefined));
    run = new Run(directory, base);
    await run.until('it is up again', () => run.said.includes('Ringback runs'));
    assert.ok(left.every((pid) => startTime(pid) === undefined));
    assert.deepEqual(run.endpoints.accounts, accounts);
  });

  test('a start can be broken off, and leaves nothing', async () => {
    await run.end('SIGTERM');
    run = new Run(directory, base);
    await run.until('it is starting', () => run.said.includes('starting the services'));
    const { code } = await run.end('SIGINT');
    assert.equal(code, 0, run.said);
    assert.deepEqual(processesOf(0, join(directory, 'postgres')), []);
    const { processes } = JSON.parse(await readFile(join(directory, 'pids.json'), 'utf8'));
    assert.deepEqual(processes, {});
  });
});
