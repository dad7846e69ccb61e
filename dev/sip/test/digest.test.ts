import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { type Failed, formatOffer, type InboundCall } from '@ringback/dev-sip';
import { authorization, type Challenge, formatChallenge, isAuthorised, parseChallenge } from '../src/digest.ts';
import { FakeNetwork } from './network.ts';

const A = '10.0.0.1';
const B = '10.0.0.2';
const RIGHT = { username: 'trunk', password: 'not "simple"' };

describe('digest', () => {
  /** RFC 7616 section 3.9.1. */
  const example = (algorithm: Challenge['algorithm']): Challenge => ({
    realm: 'http-auth@example.org',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    algorithm,
    opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
    qop: true,
  });
  for (const [algorithm, response] of [
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ] as const) {
    test(`the example of RFC 7616, ${algorithm}`, () => {
      const header = authorization(
        example(algorithm),
        { username: 'Mufasa', password: 'Circle of Life' },
        { method: 'GET', uri: '/dir/index.html' },
        'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
      );
      assert.match(header, new RegExp(`response="${response}"`));
    });
  }

  test('a challenge is read as it was written, and proved by the right credentials alone', () => {
    for (const qop of [true, false]) {
      const challenge = { realm: 'a "realm"', nonce: 'n,1', algorithm: 'MD5', opaque: undefined, qop } as const;
      const read = parseChallenge(formatChallenge(challenge))!;
      assert.deepEqual(read, challenge);
      const header = authorization(read, RIGHT, { method: 'INVITE', uri: 'sip:1@b' }, 'c');
      assert.ok(isAuthorised(header, challenge, RIGHT, 'INVITE'));
      assert.ok(!isAuthorised(header, challenge, RIGHT, 'BYE'));
      assert.ok(!isAuthorised(header, challenge, { ...RIGHT, password: 'x' }, 'INVITE'));
      assert.ok(!isAuthorised(header, { ...challenge, nonce: 'other' }, RIGHT, 'INVITE'));
    }
  });

  for (const header of ['Basic realm="x"', 'Digest realm="x"', 'Digest realm="x", nonce="n", algorithm=SHA-512', ''])
    test(`not a challenge we can meet: ${header}`, () => assert.equal(parseChallenge(header), undefined));
});

describe('a call that has to prove who it is', () => {
  const placed = async (credentials: { username: string; password: string } | undefined) => {
    const net = new FakeNetwork();
    const a = await net.agent(A);
    const b = await net.agent(B, { authenticate: () => RIGHT });
    b.on('invite', (call: InboundCall) => call.answer(formatOffer({ host: B, port: 4000 })));
    const call = a.invite({
      uri: `sip:+48601000001@${B}`,
      from: `sip:+48601000002@${A}`,
      sdp: formatOffer({ host: A, port: 3000 }),
      ...(credentials && { credentials }),
    });
    return { net, call };
  };

  test('does, with a new INVITE', async () => {
    const { net, call } = await placed(RIGHT);
    await net.pass(10);
    assert.equal(call.state, 'established');
    const trace = net.trace({ [A]: 'a', [B]: 'b' });
    assert.deepEqual(trace, ['a>INVITE', 'b>407', 'a>ACK', 'a>INVITE', 'b>100', 'b>200', 'a>ACK']);
  });

  for (const [what, credentials] of [
    ['without credentials', undefined],
    ['with wrong ones, after one try', { username: 'trunk', password: 'wrong' }],
  ] as const) {
    test(`fails ${what}`, async () => {
      const { net, call } = await placed(credentials);
      const failed = once(call, 'failed') as Promise<[Failed]>;
      await net.pass(10);
      assert.equal((await failed)[0].status, 407);
      assert.equal(net.trace({ [A]: 'a', [B]: 'b' }).filter((line) => line === 'a>INVITE').length, credentials ? 2 : 1);
    });
  }
});
