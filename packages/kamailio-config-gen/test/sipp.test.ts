import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { freePort } from './support/kamailio.ts';
import { reply } from './support/sip.ts';
import { ACCESS, makeWorld, type World } from './support/world.ts';

const run = promisify(execFile);

/** Plays a scenario from the carrier's network; rejects unless every call went as written. */
async function sipp(world: World, net: number, scenario: string, transport: 'u1' | 't1', calls: number): Promise<void> {
  const host = `127.${net}.1.40`;
  const dir = await mkdtemp(join(tmpdir(), 'sipp-'));
  try {
    await run(
      'sipp',
      [
        '-sf',
        join(import.meta.dirname, 'scenarios', scenario),
        '-s',
        ACCESS,
        '-i',
        host,
        '-p',
        String(await freePort(host)),
        '-t',
        transport,
        '-m',
        String(calls),
        '-r',
        '100',
        '-timeout',
        '15',
        '-timeout_error',
        '-nostdin',
        `${world.edge.host}:${world.edge.port}`,
      ],
      { cwd: dir, env: { ...process.env, TERM: 'dumb' } },
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

for (const [net, transport] of [
  [81, 'u1'],
  [82, 't1'],
] as const) {
  test(`SIPp over ${transport === 'u1' ? 'UDP' : 'TCP'}: triggers are rejected, calls answered and hung up`, async () => {
    const world = await makeWorld({ net, model: { tcp: transport === 't1' } });
    try {
      const methods: string[] = [];
      let answer = 486;
      for (const peer of world.switches) {
        peer.automatic = (m) => {
          if (m.method === 'OPTIONS') return reply(m, 200, 'OK');
          if (m.method !== 'INVITE') methods.push(m.method);
          if (m.method === 'ACK') return '';
          if (m.method === 'BYE') return reply(m, 200, 'OK');
          peer.send(reply(m, 180, 'Ringing'), m.from);
          const contact = [`Contact: <sip:sw@${peer.address}>`];
          const final = answer === 486 ? reply(m, 486, 'Busy Here') : reply(m, 200, 'OK', contact);
          // It rings for a while: two replies in one moment are taken by two workers, in any order.
          setTimeout(() => peer.send(final, m.from), 50);
          return '';
        };
      }
      await sipp(world, net, 'trigger.xml', transport, 40);
      answer = 200;
      methods.length = 0;
      await sipp(world, net, 'call.xml', transport, 40);
      assert.equal(methods.filter((m) => m === 'BYE').length, 40);
      assert.ok(methods.filter((m) => m === 'ACK').length >= 40);
    } finally {
      await world.close();
    }
  });
}
