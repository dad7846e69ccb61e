import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { dialValue, dialVariables, EslClient, EslConnection, EslError } from '../src/index.ts';

/** Lets everybody in, keeps what it is sent, and answers nothing after the log-in. */
async function mute() {
  const sockets: Socket[] = [];
  let text = '';
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('Content-Type: auth/request\n\n');
    socket.on('data', (data) => {
      const chunk = data.toString();
      text += chunk;
      if (chunk.startsWith('auth')) socket.write('Content-Type: command/reply\nReply-Text: +OK accepted\n\n');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as { port: number }).port,
    sent: () => text,
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test('a switch that does not answer is given up, and what waited is told so', async () => {
  const peer = await mute();
  try {
    const closed = Promise.withResolvers<Error>();
    const address = { host: '127.0.0.1', port: peer.port, password: 'p', replyMs: 30 };
    const connection = await EslConnection.open(address, { event: () => undefined, closed: closed.resolve });
    await assert.rejects(connection.api('status'), (error: EslError) => error.code === 'disconnected');
    assert.match((await closed.promise).message, /does not answer/);
  } finally {
    peer.close();
  }
});

test('commands beyond the limit are refused and never sent', async () => {
  const peer = await mute();
  try {
    const address = { host: '127.0.0.1', port: peer.port, password: 'p', maxWaiting: 2 };
    const connection = await EslConnection.open(address, { event: () => undefined, closed: () => undefined });
    const taken = [connection.api('one'), connection.api('two')];
    for (const each of taken) each.catch(() => undefined);
    await assert.rejects(connection.api('three'), (error: EslError) => error.code === 'overloaded');
    connection.close();
    await Promise.allSettled(taken);
    assert.doesNotMatch(peer.sent(), /three/);
  } finally {
    peer.close();
  }
});

test('waits between attempts by the timer it was given, longer each time', () => {
  const waits: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const client = new EslClient({
    host: '127.0.0.1',
    port: 1,
    password: 'p',
    events: ['DTMF'],
    onEvent: () => undefined,
    random: () => 1,
    setTimer: (ms, work) => {
      waits.push(ms);
      if (waits.length === 4) resolve();
      else setImmediate(work);
      return () => undefined;
    },
  });
  client.start();
  return promise.then(() => {
    client.close();
    assert.deepEqual(waits, [50, 100, 200, 400]);
  });
});

test('a dial string carries values whole, or refuses them', () => {
  assert.equal(
    dialVariables({ origination_uuid: 'a-1', execute_on_answer: 'sched_hangup +60 ALLOTTED_TIMEOUT', x: 'a,b' }),
    "origination_uuid=a-1,execute_on_answer='sched_hangup +60 ALLOTTED_TIMEOUT',x='a\\,b'",
  );
  assert.throws(() => dialVariables({ 'a=b,c': '1' }), EslError);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (value) => {
      try {
        const text = dialValue('x', value);
        const inside = /^'(.*)'$/s.exec(text)?.[1]?.replaceAll('\\,', ',');
        assert.equal(inside ?? text, value);
        assert.doesNotMatch(value, /[$'"`\\{}[\]<>|^\n\r]/);
      } catch (error) {
        assert.ok(error instanceof EslError && error.code === 'bad_argument', String(error));
      }
    }),
  );
});
