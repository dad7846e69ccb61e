import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { EVENT_STREAM, FACT_STREAM, SPAN_STREAM } from '@ringback/contracts';
import { connectNats } from '@ringback/service-kit';
import { findIn, findSecrets } from './hostile-secrets.ts';
import { CALLBACK, CALLER, DESTINATION, type HostileWorld, SECRETS, WAIT } from './hostile-world.ts';

/** Every call goes through the edge. */
export function edgeTests(hostile: () => HostileWorld): void {
  test('with Kamailio dead an INVITE gets no reply, a conversation goes on; with it back calls work', async () => {
    const { world } = hostile();
    await world.platform.supervisor.hold('kamailio');
    const { caller } = await world.customer();
    const statuses: number[] = [];
    const refused = await world.phone.call(caller, CALLBACK);
    refused.sip.on('provisional', ({ status }) => statuses.push(status));
    const end = await refused.expectEnd(WAIT);
    assert.equal(end.by, 'failed', 'no final reply: nobody is there');
    assert.deepEqual(statuses, []);
    await hostile().stillTalking();
    await world.platform.supervisor.release('kamailio');
    await world.platform.whole();
    await hostile().anotherCallWorks();
    await hostile().stillTalking();
  });
}

/** Numbers, PINs and texts stand in the database, in endpoints.json, and nowhere else. */
export function secretTests(hostile: () => HostileWorld): void {
  test('the search finds what it looks for', () => {
    const [{ digits }] = SECRETS as [(typeof SECRETS)[0]];
    const found = (data: Buffer | string): number => findIn(Buffer.from(data), SECRETS).length;
    assert.equal(found(`{"caller":"+48${digits}"}`), 1);
    for (const before of ['', 'x', 'xy']) {
      assert.equal(found(Buffer.from(`${before}+48${digits}xyz`).toString('base64')), 1, `base64 after "${before}"`);
    }
    assert.equal(found(Buffer.from(`+48${digits}`).toString('hex')), 1);
    assert.equal(found(Buffer.from(digits, 'utf16le')), 1);
    assert.equal(found('nothing of it'), 0);
  });

  test('no file of the run but the database and endpoints.json has them', async () => {
    const { world } = hostile();
    const known = await world.cdrs({ number: CALLER });
    assert.ok(known.length > 0, 'the call has been made');
    // What a process writes when it ends counts as well.
    for (const name of ['dialer', 'agent-1', 'agent-2', 'auth']) await world.platform.kill(name, 'SIGTERM');
    const { files, found } = await findSecrets(world.runDir, SECRETS);
    assert.deepEqual(found, []);
    assert.ok(files > 30, `${files} files were read`);
    await world.platform.whole();
  });

  test('no message kept on the bus has them: events, facts, spans', async () => {
    const connection = await connectNats({ url: hostile().world.endpoints.nats, name: 'reader' });
    try {
      for (const stream of [EVENT_STREAM, FACT_STREAM, SPAN_STREAM]) {
        const { state } = await (await jetstreamManager(connection)).streams.info(stream);
        assert.ok(state.messages > 0, stream);
        const consumer = await jetstream(connection).consumers.get(stream);
        const found = new Set<string>();
        let left = state.messages;
        for await (const message of await consumer.consume()) {
          for (const secret of findIn(Buffer.from(message.data), SECRETS)) found.add(`${message.subject}: ${secret}`);
          left -= 1;
          if (left === 0) break;
        }
        assert.deepEqual([...found], [], stream);
      }
    } finally {
      await connection.close();
    }
  });

  test('files that hold keys or PINs are their owner’s alone', async () => {
    for (const name of ['secrets.json', 'endpoints.json', 'agent-1/journal', 'switch-1/dev-switch.json']) {
      const { mode } = await stat(join(hostile().world.runDir, name));
      assert.equal(mode & 0o077, 0, name);
    }
  });

  test('metrics of no service have them', async () => {
    for (const [name, address] of Object.entries(hostile().world.endpoints.http)) {
      const text = await (await fetch(`http://${address}/metrics`)).text();
      assert.deepEqual(findIn(Buffer.from(text), [...SECRETS, { name: 'B', digits: DESTINATION }]), [], name);
    }
  });
}
