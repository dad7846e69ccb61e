import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import { auth } from '@ringback/contracts';
import { seal } from '@ringback/sealing';
import { call, grpcClient, QuestionStream } from '@ringback/service-kit';
import { freePort, type TestDatabase, testDatabase } from '@ringback/service-kit/testing';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** One process of auth. */
class Auth {
  readonly process: ChildProcess;
  log = '';

  constructor(env: Record<string, string>) {
    this.process = spawn(process.execPath, [MAIN], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        ARGON2_MEMORY_KIB: '8192',
        ARGON2_TIME: '1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
  }

  async end(signal: NodeJS.Signals): Promise<number | null> {
    const gone = once(this.process, 'close') as Promise<[number | null]>;
    this.process.kill(signal);
    return (await gone)[0];
  }
}

/** Asks until `isTrue` answers true. */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

let database: TestDatabase;
let service: Auth;
let env: Record<string, string>;
let grpc: string;
let http: string;

/** One question over a stream of its own. */
async function ask(question: auth.Question['question']): Promise<auth.Answer['answer']> {
  const client = grpcClient(auth.AuthServiceClient, grpc);
  const stream = new QuestionStream({
    open: () => client.askStream(),
    pack: (questions: auth.Question[]) => ({ questions }),
    unpack: ({ answers }: auth.AskStreamResponse) => answers,
    idOf: ({ requestId }) => requestId,
  });
  try {
    return (await stream.ask(question!.value.requestId, { traceparent: '', question }, 10_000)).answer;
  } finally {
    stream.close();
    client.close();
  }
}

const ready = async (): Promise<boolean> => (await fetch(`http://${http}/readyz`)).status === 200;

before(async () => {
  database = await testDatabase();
  grpc = `127.0.0.1:${await freePort()}`;
  http = `127.0.0.1:${await freePort()}`;
  env = { DATABASE_URL: database.url, GRPC_LISTEN: grpc, HTTP_LISTEN: http, SEALING_KEY_SECRET: 'of this test' };
  service = new Auth(env);
  await until('it is ready', ready);
});
after(async () => {
  if (service.process.exitCode === null) await service.end('SIGKILL');
  await database.close();
});

describe('the service as its callers see it', () => {
  test('says by gRPC health that each of its services serves', async () => {
    const client = new Client(grpc, credentials.createInsecure());
    for (const name of ['ringback.auth.v1.AuthService', 'ringback.auth.v1.AccountService']) {
      // grpc.health.v1: HealthCheckRequest { string service = 1 }, HealthCheckResponse { status = 1 }, SERVING is 1.
      const request = Buffer.from([0x0a, name.length, ...Buffer.from(name)]);
      const same = (bytes: Buffer): Buffer => bytes;
      const answer = await new Promise<Buffer | undefined>((resolve, reject) =>
        client.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, request, (error, response) =>
          error ? reject(error) : resolve(response),
        ),
      );
      assert.deepEqual([...answer!], [0x08, 0x01]);
    }
    client.close();
  });

  test('a PIN over the stream, sealed for its key; a killed process goes on with key, lock-outs and answers', async () => {
    const accounts = grpcClient(auth.AccountServiceClient, grpc);
    const questions = grpcClient(auth.AuthServiceClient, grpc);
    const callerId = '+48601424242';
    const PIN = '90412857';
    const { account } = await call(
      accounts,
      accounts.createAccount,
      auth.CreateAccountRequest.fromPartial({ number: '4242', pin: PIN, country: 'PL', language: 'pl' }),
    );
    await call(accounts, accounts.putCallerId, {
      accountNumber: account!.number,
      number: callerId,
      authorised: false,
      move: false,
    });
    const { keyId, publicKey } = await call(questions, questions.getSealingKey, {});
    const context = { account: '4242', sessionId: 's', legId: 'l', commandId: 'c' };
    const request = auth.VerifyPinRequest.fromPartial({
      requestId: 'first',
      accountNumber: '4242',
      ...seal(PIN, keyId, publicKey, context),
      ...context,
      callerId,
      accessNumber: '+48223000000',
      saveCallerId: true,
    });
    const first = await ask({ $case: 'verifyPin', value: request });
    assert.ok(first?.$case === 'verifyPin');
    assert.equal(first.value.outcome, auth.VerifyPinResponse_Outcome.OK);

    await service.end('SIGKILL');
    const before = service.log;
    service = new Auth(env);
    await until('its successor is ready', ready);
    const again = await ask({ $case: 'verifyPin', value: request });
    assert.deepEqual(again, first);
    const identified = await ask({
      $case: 'identify',
      value: { requestId: 'who', callerId, trusted: true, accessNumber: '+48223000000' },
    });
    assert.ok(identified?.$case === 'identify' && identified.value.authorised);
    assert.equal((await call(questions, questions.getSealingKey, {})).keyId, keyId);
    for (const secret of [PIN, callerId.slice(1), '48223000000']) assert.ok(!(before + service.log).includes(secret));
    accounts.close();
    questions.close();
  });

  test('a bad request names its field; the connection stays', async () => {
    const accounts = grpcClient(auth.AccountServiceClient, grpc);
    const bad = auth.CreateAccountRequest.fromPartial({ number: '12' });
    await assert.rejects(call(accounts, accounts.createAccount, bad), /INVALID_ARGUMENT|number: wants 4 to 12 digits/);
    await call(accounts, accounts.listAccounts, { pageSize: 1, pageToken: '' });
    accounts.close();
  });

  test('ends with status 0 when asked, and says what it refuses at start', async () => {
    assert.equal(await service.end('SIGTERM'), 0);
    for (const [knob, value] of [
      ['DATABASE_URL', ''],
      ['GRPC_LISTEN', 'everywhere'],
      ['PIN_TRIES_ACCOUNT', '0'],
      ['PIN_LOCK', 'long'],
      ['ARGON2_MEMORY_KIB', '1'],
    ] as const) {
      const refused = new Auth({ ...env, [knob]: value });
      const [code] = (await once(refused.process, 'close')) as [number];
      assert.equal(code, 78);
      assert.match(refused.log, new RegExp(`configuration refused: ${knob}: `));
    }
    const wrongSecret = new Auth({ ...env, SEALING_KEY_SECRET: 'another' });
    const [code] = (await once(wrongSecret.process, 'close')) as [number];
    assert.equal(code, 1);
    assert.match(wrongSecret.log, /SEALING_KEY_SECRET: does not open/);
  });
});
