import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { dialer } from '@ringback/contracts';
import { createPool, migrate, type Pool } from '@ringback/service-kit';
import { type TestDatabase, testDatabase } from '@ringback/service-kit/testing';
import { RegistrarLease } from '../src/adapters/registrar-lease.ts';
import { holdRegistrations, REGISTRAR_LEASE_MS, registrationStates } from '../src/api/registrations.ts';
import { checkTrunk } from '../src/api/routing-rules.ts';

let database: TestDatabase;
let pool: Pool;
let lease: RegistrarLease;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
  await migrate(pool, new URL('../migrations/', import.meta.url), 'dialer');
  lease = new RegistrarLease(pool);
});
after(async () => {
  await pool?.end();
  await database?.close();
});
beforeEach(() => pool.query('DELETE FROM dialer.registrar'));

const trunk = (id: string, fields: Partial<dialer.Trunk> = {}): dialer.Trunk =>
  dialer.Trunk.fromPartial({ id, sources: ['192.0.2.1'], ...fields });
const registering = trunk('one', {
  registrar: 'sip.carrier.example:5060',
  username: 'u',
  sealedPassword: Buffer.from('sealed'),
  registerSeconds: 600,
});
const trunks = [registering, trunk('two'), { ...registering, id: 'three', disabled: true }];
const ask = (edgeId: string, fields: Partial<dialer.HoldRegistrationsRequest> = {}) =>
  holdRegistrations(lease, () => trunks)({ edgeId, release: false, states: [], ...fields });

test('one edge holds the lease; nobody else is told a password', async () => {
  const answers = await Promise.all(['a', 'b', 'c'].map((edge) => ask(edge)));
  const held = answers.filter((answer) => answer.held);
  assert.equal(held.length, 1);
  assert.deepEqual(held[0], {
    held: true,
    ttlMs: REGISTRAR_LEASE_MS,
    registrations: [
      {
        trunkId: 'one',
        registrar: 'sip.carrier.example:5060',
        username: 'u',
        sealedPassword: Buffer.from('sealed'),
        expiresSeconds: 600,
      },
    ],
  });
  for (const answer of answers.filter((each) => !each.held)) assert.deepEqual(answer.registrations, []);
});

test('the holder keeps it; it goes to another when it is given back, or has run out', async () => {
  assert.equal((await ask('a')).held, true);
  assert.equal((await ask('a')).held, true);
  assert.equal((await ask('b')).held, false);
  await ask('b', { release: true });
  assert.equal((await ask('b')).held, false, 'nobody gives back what is another’s');
  await ask('a', { release: true });
  assert.equal((await ask('b')).held, true);
  await pool.query("UPDATE dialer.registrar SET held_until = clock_timestamp() - interval '1 ms'");
  assert.equal(await lease.holder(), undefined);
  assert.equal((await ask('a')).held, true);
  assert.equal((await ask('b')).held, false);
});

test('how registrations stand is what the holder last said', async () => {
  const states = () => registrationStates(lease, trunks);
  assert.deepEqual(await states(), [{ trunkId: 'one', edgeId: '', registered: false }]);
  await ask('a');
  assert.deepEqual(await states(), [{ trunkId: 'one', edgeId: 'a', registered: false }]);
  await ask('a', { states: [{ trunkId: 'one', registered: true }] });
  await ask('b', { states: [{ trunkId: 'one', registered: false }] });
  assert.deepEqual(await states(), [{ trunkId: 'one', edgeId: 'a', registered: true }]);
  assert.deepEqual(await registrationStates(lease, [trunk('two')]), []);
});

test('names of edges that are none are refused', async () => {
  for (const edgeId of ['', ' ', 'a b', 'a\n', '-a', 'a'.repeat(254)]) {
    await assert.rejects(ask(edgeId), /edge_id/);
  }
});

test('a trunk’s registrar is checked with the rest of it', () => {
  const put = (fields: Partial<dialer.Trunk>) => checkTrunk(trunk('one', fields));
  assert.equal(put({ registrar: 'r.example:5060', username: 'u' }).registerSeconds, 600);
  assert.throws(() => put({ registrar: 'r.example:5060' }), /trunk\.username/);
  for (const registrar of ['r.example', 'r.example:', 'r.example:99999', 'r example:5060', 'sip:r.example:5060']) {
    assert.throws(() => put({ registrar, username: 'u' }), /trunk\.registrar/);
  }
  for (const registerSeconds of [1, 59, 86_401]) {
    assert.throws(() => put({ registrar: 'r:1', username: 'u', registerSeconds }), /trunk\.register_seconds/);
  }
});
