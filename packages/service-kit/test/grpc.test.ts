import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ivr } from '@ringback/contracts';
import {
  answerStream,
  call,
  createLogger,
  GrpcError,
  type GrpcServer,
  grpcClient,
  QuestionStream,
  startGrpcServer,
  unaryHandlers,
} from '@ringback/service-kit';

const log = createLogger('test', 'silent');
let server: GrpcServer;
let client: ivr.IvrServiceClient;

function handlers() {
  return {
    ...unaryHandlers(log, {
      step: async (request: ivr.StepRequest) => {
        if (request.state === '') throw GrpcError.invalidArgument('state', 'must not be empty');
        return ivr.StepResponse.fromPartial({ requestId: request.requestId, state: request.state });
      },
    }),
    stepStream: answerStream<ivr.StepStreamRequest, ivr.StepStreamResponse>({
      log,
      answer: async ({ steps }) => ({
        steps: steps.map(({ requestId, state }) => ivr.StepResponse.fromPartial({ requestId, state: `${state}!` })),
      }),
    }),
  };
}

const start = (listen: string) =>
  startGrpcServer({
    listen,
    services: [{ definition: ivr.IvrServiceService, handlers: handlers() }],
    protoFiles: ['ringback/ivr/v1/ivr.proto'],
    log,
  });

before(async () => {
  server = await start('127.0.0.1:0');
  client = grpcClient(ivr.IvrServiceClient, `127.0.0.1:${server.port}`);
});
after(async () => {
  client.close();
  await server.stop(0);
});

test('a typed error names the field', async () => {
  await assert.rejects(call(client, client.step, ivr.StepRequest.fromPartial({})), (error) => {
    assert.ok(error instanceof GrpcError);
    assert.equal(error.code, 'INVALID_ARGUMENT');
    assert.equal(error.message, 'state: must not be empty');
    return true;
  });
});

test('questions of a stream that breaks are asked again over the next one; one that is asked twice is answered twice', async () => {
  const questions = new QuestionStream<
    ivr.StepRequest,
    ivr.StepResponse,
    ivr.StepStreamRequest,
    ivr.StepStreamResponse
  >({
    open: () => client.stepStream(),
    pack: (steps) => ({ steps }),
    unpack: ({ steps }) => steps,
    idOf: ({ requestId }) => requestId,
  });
  const ask = (requestId: string) =>
    questions.ask(requestId, ivr.StepRequest.fromPartial({ requestId, state: requestId }), 10_000);
  const answers = await Promise.all(['a', 'b', 'c', 'a'].map(ask));
  assert.deepEqual(
    answers.map((answer) => answer.state),
    ['a!', 'b!', 'c!', 'a!'],
  );
  const { port } = server;
  await server.stop(0);
  const late = ask('d');
  server = await start(`127.0.0.1:${port}`);
  assert.equal((await late).state, 'd!');
  await assert.rejects(async () => {
    await server.stop(0);
    await questions.ask('e', ivr.StepRequest.fromPartial({ requestId: 'e' }), 100);
  }, /no answer within 100 ms/);
  questions.close();
  server = await start(`127.0.0.1:${port}`);
});
