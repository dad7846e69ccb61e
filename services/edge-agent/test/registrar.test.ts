import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { after, afterEach, before, describe, test } from 'node:test';
import { type dialer, TRUNK_PASSWORD } from '@ringback/contracts';
import { Box } from '@ringback/sealing';
import fc from 'fast-check';
import { digestOf, planRegistrations, type Record, type Wanted } from '../src/registrations.ts';
import { EVENT_KEY, makeWorld, until, type World } from './world.ts';

const wanted = (fields: Partial<Wanted> = {}): Wanted => ({
  trunkId: 'one',
  registrar: '192.0.2.1:5060',
  username: 'u',
  password: 'p',
  expiresSeconds: 600,
  ...fields,
});
const record = (of: Wanted, fields: Partial<Record> = {}): Record => ({
  trunkId: of.trunkId,
  digest: digestOf(of),
  registered: true,
  ongoing: false,
  leaving: false,
  ...fields,
});

describe('what is to be done about registrations', () => {
  test('what is missing is added, what is right stays', () => {
    assert.deepEqual(planRegistrations([wanted()], []), [{ kind: 'add', wanted: wanted() }]);
    assert.deepEqual(planRegistrations([wanted()], [record(wanted())]), []);
    assert.deepEqual(planRegistrations([wanted()], [record(wanted(), { registered: false })]), []);
  });

  test('what is not wanted is taken back first, unless the registrar never had it', () => {
    const one = { trunkId: 'one' };
    assert.deepEqual(planRegistrations([], [record(wanted())]), [{ kind: 'unregister', ...one }]);
    assert.deepEqual(planRegistrations([], [record(wanted(), { ongoing: true })]), []);
    assert.deepEqual(planRegistrations([], [record(wanted(), { leaving: true })]), [{ kind: 'remove', ...one }]);
    assert.deepEqual(planRegistrations([], [record(wanted(), { registered: false })]), [{ kind: 'remove', ...one }]);
  });

  test('from whatever is there, it comes to what is wanted', () => {
    const some = fc.uniqueArray(
      fc.record({ trunkId: fc.constantFrom('a', 'b', 'c'), password: fc.constantFrom('p', 'q') }),
      { selector: ({ trunkId }) => trunkId },
    );
    const records = fc.tuple(some, fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 3, maxLength: 3 }));
    fc.assert(
      fc.property(some, records, (want, [there, flags]) => {
        const wants = want.map((each) => wanted(each));
        let now = there.map((each, index) =>
          record(wanted(each), { registered: flags[index]![0], leaving: flags[index]![1] }),
        );
        for (let turn = 0; turn < 3; turn += 1) {
          for (const action of planRegistrations(wants, now)) {
            if (action.kind === 'add') now.push(record(action.wanted));
            else if (action.kind === 'remove') now = now.filter(({ trunkId }) => trunkId !== action.trunkId);
            else now = now.map((each) => (each.trunkId === action.trunkId ? { ...each, leaving: true } : each));
          }
        }
        const sorted = (all: readonly { trunkId: string; digest: string }[]) =>
          all.map(({ trunkId, digest }) => `${trunkId} ${digest}`).sort();
        assert.deepEqual(sorted(now), sorted(wants.map((each) => ({ trunkId: each.trunkId, digest: digestOf(each) }))));
        assert.deepEqual(planRegistrations(wants, now), []);
      }),
    );
  });
});

/** A registrar that takes everybody for whom he says he is: digests are tested with the configuration. */
class Registrar {
  readonly socket: Socket;
  readonly address: string;
  readonly came: { contact: string; expires: number; to: string }[] = [];

  constructor(socket: Socket) {
    this.socket = socket;
    const { address, port } = socket.address();
    this.address = `${address}:${port}`;
    socket.on('message', (data, from) => {
      const text = data.toString('latin1');
      const header = (name: string): string => new RegExp(`^${name}: *(.*)\\r$`, 'm').exec(text)?.[1] ?? '';
      const expires = Number(header('Expires'));
      this.came.push({ contact: header('Contact'), expires, to: header('To') });
      const lines = [
        'SIP/2.0 200 OK',
        ...['Via', 'From', 'Call-ID', 'CSeq'].map((name) => `${name}: ${header(name)}`),
        `To: ${header('To')};tag=registrar`,
        ...(expires > 0 ? [`Contact: ${header('Contact')};expires=${expires}`] : []),
        'Content-Length: 0',
      ];
      socket.send(`${lines.join('\r\n')}\r\n\r\n`, from.port, from.address);
    });
  }

  static async open(host: string): Promise<Registrar> {
    const socket = createSocket('udp4').bind(0, host);
    await once(socket, 'listening');
    return new Registrar(socket);
  }

  get last() {
    return this.came.at(-1);
  }
}

/** The tests of this part are one story, in order. */
describe('an edge that registers at a carrier', () => {
  let world: World;
  let registrar: Registrar;
  /** What the dialer answers, and what it was told. */
  let held = false;
  let ttlMs = 60_000;
  let registrations: dialer.Registration[] = [];
  const asked: dialer.HoldRegistrationsRequest[] = [];

  afterEach((context) => {
    if (!(context as unknown as { passed: boolean }).passed)
      process.stderr.write(`${world.kamailioLog()}\n${world.agentLog()}\n`);
  });
  before(async () => {
    [world, registrar] = await Promise.all([makeWorld(), Registrar.open('127.95.4.1')]);
    world.dialer.holding = (request) => {
      asked.push(request);
      return held && !request.release ? { held, ttlMs, registrations } : { held: false, ttlMs: 0, registrations: [] };
    };
    await world.dialer.up();
    world.dialer.set({ accessNumbers: [], trunks: [] });
    world.startKamailio();
    world.startAgent();
  });
  after(async () => {
    await world?.close();
    registrar?.socket.close();
  });

  const registration = (password: string, expiresSeconds = 600): dialer.Registration => ({
    trunkId: 'carrier',
    registrar: registrar.address,
    username: 'ringback',
    sealedPassword: new Box(EVENT_KEY, TRUNK_PASSWORD).seal(Buffer.from(password), 'carrier'),
    expiresSeconds,
  });
  const said = (registered: boolean) => () =>
    asked.at(-1)?.states.some((state) => state.trunkId === 'carrier' && state.registered === registered) ?? false;

  test('without the lease it registers nothing', async () => {
    registrations = [registration('one')];
    await until('the lease is asked for', () => asked.length >= 2);
    assert.equal(registrar.came.length, 0);
    assert.equal(asked[0]?.edgeId, 'edge-1');
  });

  test('with the lease it registers, and tells so', async () => {
    held = true;
    await until('a registration', () => registrar.came.length > 0);
    assert.match(registrar.last!.contact, /^<sip:carrier@127\.95\.0\.1:\d+>$/);
    assert.equal(registrar.last!.expires, 600);
    assert.match(registrar.last!.to, /^<sip:ringback@127\.95\.4\.1>$/);
    await until('the dialer knows', said(true));
    await until('metric', async () =>
      /ringback_edge_registrations\{[^}]*sip_registration_state="registered"[^}]*\} 1/.test(await world.metrics()),
    );
    assert.match(world.agentLog(), /registered at the carrier/);
    assert.doesNotMatch(world.agentLog(), /ringback@127/);
  });

  test('a password that changed: taken back, and registered anew', async () => {
    const before = registrar.came.length;
    registrations = [registration('two')];
    await until('taken back and made anew', () => registrar.came.length >= before + 2);
    assert.deepEqual(
      registrar.came.slice(before, before + 2).map(({ expires }) => expires),
      [0, 600],
    );
    await until('the dialer knows', said(true));
  });

  test('a password that cannot be opened is said; nothing is registered with it', async () => {
    const before = registrar.came.length;
    registrations = [{ ...registration('three'), sealedPassword: Buffer.from('not sealed at all, by nobody') }];
    await until('taken back', () => registrar.came.length > before && registrar.last?.expires === 0);
    await until('said', () => /password cannot be opened/.test(world.agentLog()));
    await until('gone', () => asked.at(-1)?.states.length === 0);
    assert.equal(world.agentLog().match(/password cannot be opened/g)?.length, 1, 'once');
    registrations = [registration('three')];
    await until('registered', said(true));
  });

  test('a restarted Kamailio, and a restarted agent, go on', async () => {
    let before = registrar.came.length;
    await world.killKamailio();
    world.startKamailio();
    await until('registered again', () => registrar.came.length > before && registrar.last?.expires === 600, 20_000);
    await until('the dialer knows', said(true));
    await world.killAgent();
    before = registrar.came.length;
    const turns = asked.length;
    world.startAgent();
    await until('the agent is back', () => asked.length > turns + 1);
    await until('the dialer knows', said(true));
    assert.equal(registrar.came.length, before, 'what was bound stays bound');
  });

  test('an agent that is gone: Kamailio renews while the lease lasts, and no longer', async () => {
    ttlMs = 6_000;
    // So short that it is always due.
    registrations = [registration('three', 2)];
    await until('registered for short times', () => registrar.last?.expires === 2);
    await until('the dialer knows', said(true));
    await world.killAgent();
    const diedAt = Date.now();
    let lastAt = 0;
    registrar.socket.on('message', () => {
      lastAt = Date.now();
    });
    await until('silence', () => Date.now() > Math.max(lastAt, diedAt) + 4_000, 30_000);
    assert.ok(lastAt <= diedAt + ttlMs + 2_000, `renewed ${lastAt - diedAt} ms after the agent died`);
    ttlMs = 60_000;
    registrations = [registration('three')];
    world.startAgent();
    await until('it goes on', () => registrar.last?.expires === 600, 20_000);
    await until('the dialer knows', said(true));
  });

  test('the lease is somebody else’s: not a word to the registrar', async () => {
    const before = registrar.came.length;
    held = false;
    await until('all is dropped', () => asked.at(-1)?.states.length === 0);
    assert.equal(registrar.came.length, before);
    held = true;
    await until('registered', said(true));
  });

  test('a drained edge takes its registrations back, and gives the lease back', async () => {
    await world.drain();
    assert.equal(registrar.last?.expires, 0);
    assert.equal(asked.at(-1)?.release, true);
  });
});
