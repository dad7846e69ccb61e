import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { REGISTRAR_LEASE } from '@ringback/kamailio-config-gen';
import { Peer, type Received } from './support/peer.ts';
import { reply, token } from './support/sip.ts';
import { ACCESS, atSwitch, invite, makeWorld, type World } from './support/world.ts';

const NET = 87;
const USER = 'ringback-7';
const PASSWORD = 'Szczebrzeszyn-9';
const REALM = 'carrier.example';
const md5 = (...parts: string[]): string => createHash('md5').update(parts.join(':')).digest('hex');

/** RFC 3261 section 10.3 with one binding, and RFC 2617 without qop: written apart from what is tested. */
class Registrar {
  readonly peer: Peer;
  readonly nonce = token();
  /** Contact and how long it is bound, s; 0: nothing is. */
  bound: { contact: string; expires: number; callId: string; cseq: number } | undefined;
  /** REGISTERs that came, and how often somebody was taken for whom he said he is. */
  seen = 0;
  accepted = 0;
  /** Answers everything with this status. */
  refusal = 0;

  constructor(peer: Peer) {
    this.peer = peer;
    peer.automatic = (message) => (message.method === 'REGISTER' ? this.#answer(message) : undefined);
  }

  #answer(message: Received): string {
    this.seen += 1;
    if (this.refusal > 0) return reply(message, this.refusal, 'No');
    const given = (name: string): string =>
      new RegExp(`${name}="([^"]*)"`).exec(message.header('Authorization'))?.[1] ?? '';
    const met = md5(md5(USER, REALM, PASSWORD), this.nonce, md5('REGISTER', given('uri')));
    if (given('nonce') !== this.nonce || given('response') !== met) {
      const challenge = `WWW-Authenticate: Digest realm="${REALM}", nonce="${this.nonce}", algorithm=MD5`;
      return reply(message, 401, 'Unauthorized', [challenge]);
    }
    this.accepted += 1;
    const contact = message.header('Contact');
    const expires = Number(message.header('Expires'));
    const cseq = Number.parseInt(message.header('CSeq'), 10);
    this.bound = expires > 0 ? { contact, expires, callId: message.header('Call-ID'), cseq } : undefined;
    const headers = this.bound ? [`Contact: ${contact};expires=${expires}`] : [];
    return reply(message, 200, 'OK', headers);
  }
}

describe('registration at a carrier', () => {
  let world: World;
  let registrar: Registrar;
  before(async () => {
    world = await makeWorld({ net: NET, model: { registration: { checkSeconds: 1, retrySeconds: 1 } } });
    registrar = new Registrar(await Peer.open(`127.${NET}.1.5`));
  });
  after(async () => {
    registrar?.peer.close();
    await world?.close();
  });
  afterEach(() => {
    registrar.refusal = 0;
  });

  const lease = (seconds: number): Promise<string> =>
    world.edge.rpc(
      'htable.seti',
      REGISTRAR_LEASE.table,
      REGISTRAR_LEASE.key,
      `${Math.floor(Date.now() / 1000) + seconds}`,
    );
  const host = (): string => registrar.peer.host;
  /** The record as the edge-agent adds it. */
  const add = (expires: number): Promise<string> => {
    const about = ['carrier', 'carrier', '0123456789abcdef', USER, host(), '', USER, PASSWORD, '.'];
    return world.edge.rpc(
      'uac.reg_add',
      ...about.map((text) => `s:${text}`),
      `s:sip:${registrar.peer.address}`,
      `${expires}`,
      '0',
      '0',
      's:',
      's:.',
    );
  };
  const until = async (what: string, is: () => boolean | Promise<boolean>): Promise<void> => {
    const deadline = Date.now() + 15_000;
    while (!(await is())) {
      if (Date.now() > deadline) throw new Error(`not in time: ${what}; ${world.edge.log}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };

  test('an edge without the lease sends nothing', async () => {
    await add(5);
    await until('a REGISTER is held back', async () => (await world.edge.counter('register_fenced')) > 0);
    assert.equal(registrar.seen, 0);
  });

  test('with it, it registers by digest, and again before the end', async () => {
    await lease(60);
    await until('a binding', () => registrar.bound !== undefined);
    const first = registrar.bound!;
    assert.equal(first.contact, `<sip:carrier@${world.edge.host}:${world.edge.port}>`);
    assert.equal(first.expires, 5);
    await until('a renewal', () => registrar.accepted >= 2);
    const second = registrar.bound!;
    assert.equal(second.callId, first.callId, 'RFC 3261 section 10.2.4');
    assert.ok(second.cseq > first.cseq);
    const info = await world.edge.rpc('uac.reg_info', 'l_uuid', 'carrier');
    assert.match(info, /l_domain: 0123456789abcdef/);
  });

  test('calls come to the Contact; the number called is the one in To', async () => {
    const uri = `sip:carrier@${world.edge.host}:${world.edge.port}`;
    const { callId } = invite(world, world.carrier, { uri, toHeader: `<sip:${ACCESS}@carrier.example>` });
    const { peer, message } = await atSwitch(world, 'INVITE', callId);
    assert.match(message.uri, new RegExp(`^sip:${ACCESS.replace('+', '[+]')}@`));
    peer.send(reply(message, 486, 'Busy Here'), message.from);
    await world.carrier.reply(486, callId);
  });

  test('a refusal is told, without names or passwords, and tried again', async () => {
    const before = registrar.seen;
    registrar.refusal = 403;
    await until('two refusals', () => registrar.seen >= before + 2);
    assert.match(world.edge.log, /got sip response 403 while registering \[carrier\]/);
    registrar.refusal = 0;
    await until('registered again', () => registrar.seen > before + 2 && registrar.bound !== undefined);
    assert.ok(!world.edge.log.includes(PASSWORD) && !world.edge.log.includes(USER));
  });

  test('the lease runs out: not a word any more', async () => {
    await lease(-1);
    const fenced = await world.edge.counter('register_fenced');
    const { accepted } = registrar;
    await until('held back', async () => (await world.edge.counter('register_fenced')) > fenced);
    assert.equal(registrar.accepted, accepted);
  });

  test('it takes its binding back before it leaves', async () => {
    await lease(60);
    const { accepted } = registrar;
    await until('registered again', () => registrar.accepted > accepted);
    await world.edge.rpc('uac.reg_unregister', 'l_uuid', 'carrier');
    await until('no binding', () => registrar.bound === undefined);
    await world.edge.rpc('uac.reg_remove', 'carrier');
    await assert.rejects(world.edge.rpc('uac.reg_info', 'l_uuid', 'carrier'), /404/);
  });
});
