import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Box, generateSealingKey, open, SealError, seal } from '@ringback/sealing';
import fc from 'fast-check';

const context = { account: '1001', sessionId: '07-s', legId: 'l', commandId: 'c' };
const key = generateSealingKey();

test('what is sealed opens with its key and context, and only with them', () => {
  const digits = fc.array(fc.constantFrom(...'0123456789*#'), { maxLength: 62 }).map((all) => all.join(''));
  fc.assert(
    fc.property(digits, fc.constantFrom('account', 'sessionId', 'legId', 'commandId'), (text, field) => {
      const sealed = seal(text, 'k1', key.publicKey, context);
      assert.equal(open(sealed, key.privateKey, context), text);
      assert.throws(() => open(sealed, key.privateKey, { ...context, [field]: 'other' }), SealError);
      assert.throws(() => open({ ...sealed, keyId: 'k2' }, key.privateKey, context), SealError);
      assert.throws(() => open(sealed, generateSealingKey().privateKey, context), SealError);
    }),
    { numRuns: 50 },
  );
});

test('the length says nothing, and nothing repeats', () => {
  const one = seal('1', 'k1', key.publicKey, context);
  const two = seal('1', 'k1', key.publicKey, context);
  assert.equal(one.ciphertext.length, seal('123456789012', 'k1', key.publicKey, context).ciphertext.length);
  assert.notDeepEqual(one.ciphertext, two.ciphertext);
  assert.ok(!one.ciphertext.includes('1234'));
});

test('an altered message does not open', () => {
  const sealed = seal('4711', 'k1', key.publicKey, context);
  for (let at = 0; at < sealed.ciphertext.length; at += 7) {
    const ciphertext = Buffer.from(sealed.ciphertext);
    ciphertext[at]! ^= 1;
    assert.throws(() => open({ ...sealed, ciphertext }, key.privateKey, context), SealError);
  }
  assert.throws(() => open({ ...sealed, ciphertext: Buffer.alloc(3) }, key.privateKey, context), SealError);
});

test('refuses what are no digits', () => {
  assert.throws(() => seal('12a', 'k1', key.publicKey, context), SealError);
  assert.throws(() => seal('1'.repeat(63), 'k1', key.publicKey, context), SealError);
  assert.throws(() => seal('1', 'k1', Buffer.alloc(31), context), SealError);
});

test('a box opens what any box of its secret and purpose sealed, in the same context', () => {
  const secret = 'x'.repeat(32);
  fc.assert(
    fc.property(fc.uint8Array(), fc.string(), fc.nat(), (plain, place, at) => {
      const sealed = new Box(secret, 'journal').seal(plain, place);
      assert.deepEqual(new Box(secret, 'journal').open(sealed, place), Buffer.from(plain));
      assert.throws(() => new Box(secret, 'journal').open(sealed, `${place}.`), SealError);
      assert.throws(() => new Box(secret, 'events').open(sealed, place), SealError);
      assert.throws(() => new Box('y'.repeat(32), 'journal').open(sealed, place), SealError);
      assert.throws(() => new Box(secret, 'journal').open(plain, place), SealError);
      sealed[at % sealed.length]! ^= 1;
      assert.throws(() => new Box(secret, 'journal').open(sealed, place), SealError);
    }),
    { numRuns: 100 },
  );
});

test('a box never seals the same twice', () => {
  const box = new Box('x'.repeat(32), 'journal');
  const sealed = Array.from({ length: 100 }, () => box.seal(Buffer.from('+48601000001'), '').toString('hex'));
  assert.equal(new Set(sealed).size, 100);
  assert.ok(sealed.every((text) => !text.includes(Buffer.from('60100').toString('hex'))));
});
