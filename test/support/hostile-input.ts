import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '@ringback/dev-run';
import { call, GrpcError, grpcClient } from '@ringback/service-kit';
import { BAD_CONFIGURATION, startWith } from './hostile-config.ts';
import { BAD_REQUESTS, CLIENTS, whole } from './hostile-grpc.ts';
import { healthOf, servicesOf } from './hostile-probes.ts';
import { type HostileWorld, WAIT } from './hostile-world.ts';

const run = promisify(execFile);

/** Requests that make no sense are refused, and say why. */
export function grpcTests(hostile: () => HostileWorld): void {
  test('each bad field is named', async () => {
    const { grpc } = hostile().world.endpoints;
    const open = new Map<object, { close(): void }>();
    const wrong: string[] = [];
    for (const bad of BAD_REQUESTS) {
      const { of, method, field, code } = bad;
      const { service, Client } = CLIENTS.get(of)!;
      const client: { close(): void } = open.get(of) ?? grpcClient(Client as never, grpc[service] ?? '');
      open.set(of, client);
      const ask = (of as Record<string, Parameters<typeof call>[1]>)[method]!;
      const answer = await call(client, ask, whole(bad)).then(
        () => 'taken',
        (error: unknown) => (error instanceof GrpcError ? `${error.code} ${error.message}` : String(error)),
      );
      if (!answer.startsWith(`${code} ${field}: `)) wrong.push(`${service}.${method} ${field}: ${answer}`);
    }
    for (const client of open.values()) client.close();
    assert.deepEqual(wrong, []);
    assert.ok(BAD_REQUESTS.length > 100);
  });

  for (const [name, service] of [
    ['auth', 'ringback.auth.v1.AuthService'],
    ['billing', 'ringback.billing.v1.BillingService'],
    ['ivr', 'ringback.ivr.v1.IvrService'],
    ['dialer', 'ringback.dialer.v1.SessionService'],
  ] as const) {
    test(`${name}: health and reflection answer`, async () => {
      const address = hostile().world.endpoints.grpc[name] ?? '';
      assert.equal(await healthOf(address, ''), 'SERVING');
      assert.equal(await healthOf(address, service), 'SERVING');
      await assert.rejects(healthOf(address, 'nobody'), /NOT_FOUND/);
      assert.ok((await servicesOf(address)).includes(service));
      const ready = await fetch(`http://${hostile().world.endpoints.http[name]}/readyz`);
      assert.equal(ready.status, 200);
    });
  }
}

const LISTS = [
  ['accounts', 'list'],
  ['access-numbers', 'list'],
  ['trunks', 'list'],
  ['denied-ranges', 'list'],
  ['decks', 'list'],
  ['sessions', 'list'],
  ['sessions', 'list', '--all'],
  ['switches', 'list'],
  ['cdrs', 'list'],
  ['parked-events', 'list'],
  ['ledger', 'entries'],
  ['ledger', 'holds'],
  ['ledger', 'holds', '--all'],
];

/** Wrong callers of the command line, and what a program gets from it. */
export function cliTests(hostile: () => HostileWorld): void {
  test('every list is a table for people and JSON for programs', async () => {
    for (const args of LISTS) {
      const json = await hostile().cli('--json', ...args);
      assert.equal(json.status, 0, `${args.join(' ')}: ${json.stderr}`);
      const rows: unknown = JSON.parse(json.stdout);
      assert.ok(Array.isArray(rows), args.join(' '));
      const table = await hostile().cli(...args);
      assert.equal(table.status, 0);
      // A head and one line each, or a word.
      const lines = table.stdout.trim().split('\n').length;
      assert.ok(
        rows.length === 0 ? table.stdout === 'none\n' : lines > rows.length,
        `${args.join(' ')}: ${table.stdout}`,
      );
    }
    const check = JSON.parse((await hostile().cli('--json', 'ledger', 'check')).stdout) as { balanced: boolean };
    assert.equal(check.balanced, true);
  });

  const usage: [what: string, args: string[], status: number, says: RegExp][] = [
    ['an unknown command', ['fly'], 2, /unknown command 'fly'/],
    ['an unknown subcommand', ['accounts', 'steal'], 2, /unknown command 'steal'/],
    ['an unknown option', ['accounts', 'list', '--fast'], 2, /unknown option '--fast'/],
    ['a missing argument', ['accounts', 'show'], 2, /missing required argument 'account'/],
    ['too many arguments', ['accounts', 'list', 'now'], 2, /too many arguments/],
    ['a wrong field', ['accounts', 'create', '12'], 2, /number: wants 4 to 12 digits/],
    ['a wrong number', ['access-numbers', 'put', '123'], 2, /access_number\.number: wants E\.164/],
    ['a wrong whole number', ['access-numbers', 'put', '+48223000000', '--ring-time-ms', 'x'], 2, /ring-time-ms/],
    ['a wrong amount', ['accounts', 'top-up', '1004', 'much'], 2, /much/],
    ['a file that is not there', ['decks', 'import', 'bad', '/nonexistent.csv'], 2, /nonexistent\.csv/],
    ['what is not there', ['accounts', 'show', '99999999'], 3, /there is no such account/],
    ['a session nobody knows', ['sessions', 'show', 'nobody'], 3, /no such session/],
    ['what is there already', ['accounts', 'create', '1001', '--pin', '123456'], 1, /is taken/],
  ];
  for (const [what, args, status, says] of usage) {
    test(`${what}: exit status ${status}, and a sentence`, async () => {
      const said = await hostile().cli(...args);
      assert.equal(said.status, status, said.stderr);
      assert.match(said.stderr, says);
      assert.equal(said.stdout, '');
      assert.doesNotMatch(said.stderr, /^\s+at /m, 'no stack trace');
    });
  }

  test('the program itself: help, exit statuses, a platform that is not there', async () => {
    const program = join(ROOT, 'bin/ringback');
    const { stdout } = await run(program, ['--help']);
    for (const name of ['accounts', 'cdrs', 'decks', 'parked-events', 'sessions', 'switches', 'trunks']) {
      assert.ok(stdout.includes(`\n  ${name} `), name);
    }
    const { stdout: help } = await run(program, ['decks', 'import', '--help']);
    assert.match(help, /--dry-run/);
    await assert.rejects(run(program, ['--endpoints', '/nonexistent.json', 'accounts', 'list']), { code: 2 });
    const nobody = '127.0.0.1:1';
    const env = { ...process.env, AUTH_ADDRESS: nobody, BILLING_ADDRESS: nobody, DIALER_ADDRESS: nobody };
    await assert.rejects(run(program, ['accounts', 'list'], { env, timeout: WAIT }), { code: 4 });
  });

  test('a bad deck: row and column named, nothing applied', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'deck-'));
    try {
      const file = join(directory, 'bad.csv');
      const rows = ['48,Poland,0.05', '4x,Nowhere,0.05', '49,Germany,cheap', '44,"never closed'];
      await writeFile(file, ['prefix,destination,price', ...rows.slice(0, 3), ''].join('\n'));
      const before = (await hostile().cli('--json', 'decks', 'list')).stdout;
      const said = await hostile().cli('--json', 'decks', 'import', 'demo', file);
      assert.equal(said.status, 1);
      const problems = JSON.parse(said.stdout) as { row: number; column: string }[];
      assert.deepEqual(
        problems.map(({ row, column }) => `${row} ${column}`),
        ['3 prefix', '4 price'],
      );
      assert.match((await hostile().cli('decks', 'import', 'demo', file)).stdout, /3 +prefix +/);
      for (const text of ['', '\u0000', 'prefix\n', 'a,b\n1,2\n', rows.join('\n'), `prefix,price\n${rows[3]}`]) {
        await writeFile(file, text);
        const { status, stderr } = await hostile().cli('decks', 'import', 'demo', file);
        assert.ok(status === 1 || status === 2, `${JSON.stringify(text)}: ${status}`);
        assert.notEqual(stderr, '');
      }
      assert.equal((await hostile().cli('--json', 'decks', 'list')).stdout, before, 'nothing was applied');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
}

/** A configuration that is wrong is refused at the start. */
export function configTests(): void {
  for (const { program, knobs } of BAD_CONFIGURATION) {
    test(`${program} refuses ${Object.keys(knobs).join(', ')}`, async () => {
      const { status, output } = await startWith(program, knobs);
      assert.equal(status, 78, output);
      for (const [knob, value] of Object.entries(knobs)) {
        assert.ok(output.includes(`${knob}: `), `${knob} in ${output}`);
        if (/KEY|PASSWORD|SECRET/.test(knob) && value !== '') assert.ok(!output.includes(value), 'it is not shown');
      }
    });
  }
}
