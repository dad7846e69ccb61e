import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client, credentials, status } from '@grpc/grpc-js';
import { ivr, spanSubject } from '@ringback/contracts';
import { call, connectNats, GrpcError, grpcClient, QuestionStream } from '@ringback/service-kit';
import { freePort, type TestNats, testNats } from '@ringback/service-kit/testing';
import { FIVE_EUROS, keyed, pinOk, start } from './conversation.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const TRACEPARENT = `00-${TRACE}-00f067aa0ba902b7-01`;
/** Never to be seen in a log. */
const DESTINATION = '00442079460958';
const ACCOUNT = '90417733';

/** One process of ivr. */
class Ivr {
  readonly process: ChildProcess;
  readonly #gone: Promise<[number | null]>;
  log = '';

  constructor(env: Record<string, string>) {
    this.process = spawn(process.execPath, [MAIN], {
      env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE, ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.#gone = once(this.process, 'close') as Promise<[number | null]>;
  }

  /** Status with which it ended by itself or by the signal. */
  async end(signal?: NodeJS.Signals): Promise<number | null> {
    if (signal) this.process.kill(signal);
    return (await this.#gone)[0];
  }
}

/** Asks until `isTrue` answers true. */
async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isTrue().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

const request = (fields: Partial<ivr.StepRequest>): ivr.StepRequest =>
  ivr.StepRequest.fromPartial({ requestId: 'r1', traceparent: TRACEPARENT, ...fields });

let nats: TestNats;
let service: Ivr;
let env: Record<string, string>;
let client: ivr.IvrServiceClient;

const ready = async (): Promise<boolean> => (await fetch(`http://${env.HTTP_LISTEN}/readyz`)).status === 200;
const unary = (fields: Partial<ivr.StepRequest>): Promise<ivr.StepResponse> =>
  call(client, client.step, request(fields));

before(async () => {
  nats = await testNats();
  env = {
    NATS_URL: nats.url,
    GRPC_LISTEN: `127.0.0.1:${await freePort()}`,
    HTTP_LISTEN: `127.0.0.1:${await freePort()}`,
  };
  service = new Ivr(env);
  client = grpcClient(ivr.IvrServiceClient, env.GRPC_LISTEN!);
  await until('it is ready', ready);
});
after(async () => {
  client.close();
  if (service.process.exitCode === null) await service.end('SIGKILL');
  await nats.close();
});

describe('the service as the dialer sees it', () => {
  test('says by gRPC health that it serves', async () => {
    const plain = new Client(env.GRPC_LISTEN!, credentials.createInsecure());
    const name = 'ringback.ivr.v1.IvrService';
    // grpc.health.v1: HealthCheckRequest { string service = 1 }, HealthCheckResponse { status = 1 }, SERVING is 1.
    const bytes = Buffer.from([0x0a, name.length, ...Buffer.from(name)]);
    const same = (value: Buffer): Buffer => value;
    const answer = await new Promise<Buffer | undefined>((resolve, reject) =>
      plain.makeUnaryRequest('/grpc.health.v1.Health/Check', same, same, bytes, (error, response) =>
        error ? reject(error) : resolve(response),
      ),
    );
    assert.deepEqual([...answer!], [0x08, 0x01]);
    plain.close();
  });

  test('a dialogue step by step, its state carried by the caller', async () => {
    const welcome = await unary({ event: start({ balance: FIVE_EUROS }) });
    assert.equal(welcome.requestId, 'r1');
    assert.deepEqual(welcome.prompts, ['en/welcome', 'en/your_balance_is', 'en/n5', 'en/euro_other', 'en/ask_pin']);
    assert.ok(welcome.next?.$case === 'collect');
    assert.deepEqual(welcome.next.value, {
      minDigits: 4,
      maxDigits: 12,
      terminators: '#',
      firstDigitTimeoutMs: 8_000,
      interDigitTimeoutMs: 4_000,
      secret: true,
      flushTypeAhead: false,
      singleDigitCommands: '',
      accountNumber: '',
    });
    const sealed = ivr.Collected.fromPartial({ outcome: ivr.Collected_Outcome.COMPLETE, sealed: true });
    const verify = await unary({ state: welcome.state, event: { $case: 'collected', value: sealed } });
    assert.deepEqual(verify.prompts, []);
    assert.ok(verify.next?.$case === 'ask');
    assert.deepEqual(verify.next.value.question, { $case: 'verifyPin', value: { accountNumber: '' } });
    const asked = await unary({ state: verify.state, event: pinOk({ language: 'pl', callerIdSaved: true }) });
    assert.deepEqual(asked.prompts.slice(0, 2), ['pl/caller_id_saved', 'pl/ask_destination']);
    const dialled = await unary({ state: asked.state, event: keyed(DESTINATION) });
    assert.ok(dialled.next?.$case === 'ask');
    assert.deepEqual(dialled.next.value.question, { $case: 'destination', value: { digits: DESTINATION } });
  });

  test('a batch: every request by itself, the bad ones refused with their field and their state as it was', async () => {
    const stream = new QuestionStream({
      open: () => client.stepStream(),
      pack: (steps: ivr.StepRequest[]) => ({ steps }),
      unpack: ({ steps }: ivr.StepStreamResponse) => steps,
      idOf: ({ requestId }) => requestId,
    });
    const ask = (requestId: string, fields: Partial<ivr.StepRequest>): Promise<ivr.StepResponse> =>
      stream.ask(requestId, request({ requestId, ...fields }), 10_000);
    try {
      const { state } = await ask('state', { event: start({ accountKnown: false }) });
      const answers = await Promise.all([
        ask('good', { state, event: keyed(ACCOUNT) }),
        ask('nothing', { state, event: undefined }),
        ask('unreadable', { state: `{"v":1,"account":"${ACCOUNT}"`, event: keyed('1') }),
        ask('unexpected', { state, event: { $case: 'legBEnded', value: { reason: ivr.Reason.BUSY } } }),
        ask('mode', { event: start({ mode: 'teleport' }) }),
      ]);
      const refusals = answers.map(({ requestId, next }) => [requestId, next?.$case === 'refused' && next.value.field]);
      assert.deepEqual(refusals, [
        ['good', false],
        ['nothing', 'event'],
        ['unreadable', 'state'],
        ['unexpected', 'event'],
        ['mode', 'start.mode'],
      ]);
      const [good, nothing, , unexpected] = answers;
      assert.ok(good?.next?.$case === 'collect' && good.next.value.accountNumber === ACCOUNT);
      for (const refused of [nothing, unexpected]) {
        assert.equal(refused?.state, state);
        assert.deepEqual(refused.prompts, []);
      }
      const gone = await ask('goes on', { state: unexpected!.state, event: keyed(ACCOUNT) });
      assert.deepEqual(gone, { ...good, requestId: 'goes on' });
    } finally {
      stream.close();
    }
  });

  test('a request without an id is answered all the same', async () => {
    const stream = client.stepStream();
    stream.write({ steps: [request({ requestId: '', event: start() })] });
    const [reply] = (await once(stream, 'data')) as [ivr.StepStreamResponse];
    assert.deepEqual(
      reply.steps.map(({ next }) => next?.$case === 'refused' && next.value.field),
      ['request_id'],
    );
    stream.end();
    await once(stream, 'end');
  });

  test('asked by itself, a bad request is INVALID_ARGUMENT with its field; the connection stays', async () => {
    for (const [fields, message] of [
      [{ event: undefined }, /^event: is missing/],
      [{ state: 'x', event: keyed('1') }, /^state: is not JSON/],
      [{ event: keyed('1') }, /^state: is missing/],
      [{ event: start({ mode: '' }) }, /^start\.mode: /],
    ] as const) {
      await assert.rejects(unary(fields), (error) => {
        assert.ok(error instanceof GrpcError);
        assert.equal(error.code, 'INVALID_ARGUMENT');
        assert.match(error.message.replace(/^[^:]*INVALID_ARGUMENT:? ?/, ''), message);
        return true;
      });
    }
    const bytes = new Client(env.GRPC_LISTEN!, credentials.createInsecure());
    const same = (value: Buffer): Buffer => value;
    const code = await new Promise((resolve) =>
      bytes.makeUnaryRequest(ivr.IvrServiceService.step.path, same, same, Buffer.from([0xff, 0xff, 0xff]), (error) =>
        resolve(error?.code),
      ),
    );
    assert.equal(code, status.INTERNAL);
    bytes.close();
    assert.equal((await unary({ event: start() })).prompts[0], 'en/welcome');
  });

  test('a step is a span of the trace of the effect that asked, and tells nothing of what was keyed', async () => {
    const connection = await connectNats({ url: nats.url, name: 'ivr-test' });
    const spans = connection.subscribe(spanSubject(TRACE));
    await connection.flush();
    const { state } = await unary({ event: start({ authorised: true }) });
    await unary({ state, event: keyed(DESTINATION) });
    let seen = '';
    for await (const message of spans) {
      seen += message.string();
      if (seen.includes('ivr step') && seen.includes('collected')) break;
    }
    assert.ok(!seen.includes(DESTINATION));
    await connection.close();
  });

  test('ends with status 0 when asked, nothing that was keyed in its log', async () => {
    assert.equal(await service.end('SIGTERM'), 0);
    assert.match(service.log, /languages loaded/);
    for (const secret of [DESTINATION, ACCOUNT]) assert.ok(!service.log.includes(secret));
  });

  test('refuses at start what it cannot work with, by the name of the knob', async () => {
    const bad = { GRPC_LISTEN: 'everywhere', LANGUAGES_DIR: '/nowhere', DEFAULT_LANGUAGE: 'tlh' };
    const refuses = Object.entries(bad).map(async ([knob, value]) => {
      const refused = new Ivr({ ...env, HTTP_LISTEN: '', NATS_URL: '', [knob]: value });
      assert.notEqual(await refused.end(), 0);
      assert.match(refused.log, new RegExp(knob));
    });
    await Promise.all(refuses);
  });
});
