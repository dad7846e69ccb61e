import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, test } from 'node:test';
import fc from 'fast-check';
import { EslClient, type EslClientOptions, EslError, type EslEvent } from '../src/index.ts';

/** A switch of a few lines: what it is told is kept, what it answers is said by the test. */
class Switch {
  readonly server: Server = createServer((socket) => this.#serve(socket));
  readonly commands: string[] = [];
  answer: (command: string, socket: Socket) => string | undefined = () => undefined;
  socket: Socket | undefined;

  async listen(port = 0): Promise<number> {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as { port: number }).port;
  }

  #serve(socket: Socket): void {
    this.socket = socket;
    let text = '';
    socket.on('error', () => undefined);
    socket.write('Content-Type: auth/request\n\n');
    socket.on('data', (data) => {
      text += data.toString();
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const command = text.slice(0, end);
        text = text.slice(end + 2);
        this.commands.push(command);
        const own = this.answer(command, socket);
        socket.write(own ?? reply(command === 'auth wrong' ? '-ERR invalid' : '+OK accepted'));
      }
    });
  }

  close(): void {
    this.socket?.destroy();
    this.server.close();
  }
}

const reply = (text: string): string => `Content-Type: command/reply\nReply-Text: ${text}\n\n`;
const response = (body: string): string =>
  `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`;
const event = (text: string): string =>
  `Content-Length: ${Buffer.byteLength(text)}\nContent-Type: text/event-plain\n\n${text}`;

let fake: Switch;
let port: number;
const clients: EslClient[] = [];
beforeEach(async () => {
  fake = new Switch();
  port = await fake.listen();
});
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
  fake.close();
});

async function connected(options: Partial<EslClientOptions> = {}): Promise<EslClient> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const client = new EslClient({
    host: '127.0.0.1',
    port,
    password: 'secret',
    events: ['DTMF', 'app::seq', 'CHANNEL_ANSWER'],
    onEvent: () => undefined,
    maxWaitMs: 50,
    ...options,
    onUp: () => {
      options.onUp?.();
      resolve();
    },
  });
  clients.push(client);
  client.start();
  await promise;
  return client;
}

describe('the client', () => {
  test('authenticates and subscribes, subclasses of CUSTOM last', async () => {
    await connected();
    assert.deepEqual(fake.commands, ['auth secret', 'event plain BACKGROUND_JOB DTMF CHANNEL_ANSWER CUSTOM app::seq']);
  });

  test('pipelines: answers in order, errors typed', async () => {
    const client = await connected();
    fake.answer = (command) =>
      command.startsWith('api ')
        ? response(command === 'api bad' ? '-ERR No such channel!\n' : `${command.slice(4)}\n`)
        : undefined;
    const [one, bad, raw, two] = await Promise.allSettled([
      client.api('echo 1'),
      client.ask('bad'),
      client.api('bad'),
      client.ask('echo 2'),
    ]);
    assert.deepEqual(one, { status: 'fulfilled', value: 'echo 1' });
    assert.deepEqual(raw, { status: 'fulfilled', value: '-ERR No such channel!' });
    assert.deepEqual(two, { status: 'fulfilled', value: 'echo 2' });
    assert.ok(bad.status === 'rejected' && bad.reason instanceof EslError);
    assert.equal(bad.reason.code, 'refused');
    assert.equal(bad.reason.message, 'No such channel!');
  });

  test('bgapi: the job with its id is the answer, others are events', async () => {
    const events: EslEvent[] = [];
    const client = await connected({ onEvent: (each) => events.push(each) });
    const jobEvent = (id: string, body: string): string =>
      event(`Event-Name: BACKGROUND_JOB\nJob-UUID: ${id}\nContent-Length: ${body.length}\n\n${body}`);
    fake.answer = (command) => {
      const id = /Job-UUID: (.+)/.exec(command)?.[1] ?? '';
      // The job may end before the reply is sent.
      return id === ''
        ? undefined
        : jobEvent('foreign', '+OK\n') + jobEvent(id, '-ERR USER_BUSY\n') + reply(`+OK ${id}`);
    };
    const { result } = await client.bgapi('originate x &park()', 'job-1');
    assert.equal(await result, '-ERR USER_BUSY');
    assert.deepEqual(
      events.map((each) => each.get('Job-UUID')),
      ['foreign'],
    );
  });

  test('execute and hangup say what the switch expects; a refusal is thrown', async () => {
    const client = await connected();
    await client.execute('leg-1', 'playback', '/a.wav', 'cmd-1');
    await client.hangup('leg-1', 'USER_BUSY');
    assert.deepEqual(fake.commands.slice(2), [
      'sendmsg leg-1\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: /a.wav\nevent-uuid: cmd-1',
      'sendmsg leg-1\ncall-command: hangup\nhangup-cause: USER_BUSY',
    ]);
    fake.answer = () => reply('-ERR invalid session id [leg-2]');
    await assert.rejects(client.execute('leg-2', 'park', ''), {
      code: 'refused',
      message: 'invalid session id [leg-2]',
    });
  });

  test('nothing with a line break is sent, whatever it is', async () => {
    const client = await connected();
    const before = fake.commands.length;
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.constantFrom('\n', '\r', '\n\n', '\0'), fc.string(), async (a, lf, b) => {
        const text = `${a}${lf}${b}`;
        await assert.rejects(client.api(text), { code: 'bad_argument' });
        await assert.rejects(client.bgapi(text), { code: 'bad_argument' });
        await assert.rejects(client.execute('leg', 'playback', text), { code: 'bad_argument' });
        await assert.rejects(client.execute(text, 'playback', ''), { code: 'bad_argument' });
      }),
      { numRuns: 20 },
    );
    await client.execute('leg', 'park', '');
    assert.equal(fake.commands.length, before + 1);
  });

  test('connects again after a loss; what was under way is told as lost', async () => {
    let ups = 0;
    const downs: Error[] = [];
    const again = Promise.withResolvers<void>();
    const client = await connected({
      onUp: () => {
        ups += 1;
        if (ups === 2) again.resolve();
      },
      onDown: (reason) => downs.push(reason),
    });
    fake.answer = (_command, socket) => {
      socket.destroy();
      return '';
    };
    await assert.rejects(client.api('status'), { code: 'disconnected' });
    await assert.rejects(client.api('status'), { code: 'not_connected' });
    fake.answer = () => undefined;
    await again.promise;
    assert.equal(client.up, true);
    assert.equal(downs.length, 1);
  });

  test('keeps trying while nobody listens or the password is wrong', async () => {
    fake.answer = (command) =>
      command.startsWith('auth') && fake.commands.length < 3 ? reply('-ERR invalid') : undefined;
    await connected();
    assert.ok(fake.commands.filter((command) => command === 'auth secret').length >= 3);
  });
});
