import {
  createCipheriv,
  createDecipheriv,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { SealError } from './error.ts';

export { Box } from './box.ts';
export { SealError };

/**
 * Sealed digits: a PIN leaves the switch's pod only in a form that auth alone can open. X25519 (RFC 7748) with a fresh key a
 * message, HKDF-SHA256 (RFC 5869), ChaCha20-Poly1305 (RFC 8439); padded, so that its length says nothing.
 */

/** What the digits belong to; opening with anything else fails. */
export interface SealContext {
  account: string;
  sessionId: string;
  legId: string;
  commandId: string;
}

export interface Sealed {
  keyId: string;
  /** Raw X25519, 32 bytes. */
  ephemeralPublicKey: Buffer;
  ciphertext: Buffer;
}

const CIPHER = 'chacha20-poly1305';
const TAG_BYTES = 16;
const PADDED_BYTES = 64;
/** Length of a raw X25519 key, and of every ciphertext whatever the digits. */
export const KEY_BYTES = 32;
export const SEALED_BYTES = PADDED_BYTES + TAG_BYTES;
/** SubjectPublicKeyInfo and PKCS #8 headers of X25519 keys (RFC 8410). */
const SPKI_HEADER = Buffer.from('302a300506032b656e032100', 'hex');
const PKCS8_HEADER = Buffer.from('302e020100300506032b656e04220420', 'hex');

const publicFromRaw = (raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([SPKI_HEADER, raw]), format: 'der', type: 'spki' });
const privateFromRaw = (raw: Uint8Array): KeyObject =>
  createPrivateKey({ key: Buffer.concat([PKCS8_HEADER, raw]), format: 'der', type: 'pkcs8' });
const rawPublic = (key: KeyObject): Buffer => key.export({ format: 'der', type: 'spki' }).subarray(SPKI_HEADER.length);
const rawPrivate = (key: KeyObject): Buffer =>
  key.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_HEADER.length);

/** A new key pair for auth: raw 32 bytes each. */
export function generateSealingKey(): { publicKey: Buffer; privateKey: Buffer } {
  const { publicKey, privateKey } = generateKeyPairSync('x25519');
  return { publicKey: rawPublic(publicKey), privateKey: rawPrivate(privateKey) };
}

/** Length-prefixed, so that no two contexts look alike. */
function associatedData(keyId: string, { account, sessionId, legId, commandId }: SealContext): Buffer {
  const parts = [keyId, account, sessionId, legId, commandId].map((text) => Buffer.from(text, 'utf8'));
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

/** Key and nonce out of the shared secret: the ephemeral key is used once, and so are they. */
function derive(shared: Buffer, ephemeral: Buffer, recipient: Buffer): { key: Buffer; nonce: Buffer } {
  const okm = Buffer.from(
    hkdfSync('sha256', shared, Buffer.concat([ephemeral, recipient]), 'ringback sealed digits v1', 44),
  );
  return { key: okm.subarray(0, 32), nonce: okm.subarray(32) };
}

/**
 * Seals up to 62 digits for the holder of `publicKey`.
 * @throws {SealError} for anything but 0–9 * # or too many of them, and for a key that is none.
 */
export function seal(digits: string, keyId: string, publicKey: Uint8Array, context: SealContext): Sealed {
  if (!/^[0-9*#]*$/.test(digits) || digits.length > PADDED_BYTES - 2) throw new SealError('not digits, or too many');
  if (publicKey.length !== KEY_BYTES) throw new SealError('the public key is not 32 bytes');
  const ephemeral = generateKeyPairSync('x25519');
  const ephemeralPublicKey = rawPublic(ephemeral.publicKey);
  const shared = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: publicFromRaw(publicKey) });
  const { key, nonce } = derive(shared, ephemeralPublicKey, Buffer.from(publicKey));
  const plain = Buffer.alloc(PADDED_BYTES);
  plain[0] = digits.length;
  plain.write(digits, 1, 'latin1');
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associatedData(keyId, context), { plaintextLength: plain.length });
  const ciphertext = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return { keyId, ephemeralPublicKey, ciphertext };
}

/** @throws {SealError} when it was not sealed for this key and this context. */
export function open(sealed: Sealed, privateKey: Uint8Array, context: SealContext): string {
  const { keyId, ephemeralPublicKey, ciphertext } = sealed;
  if (ciphertext.length !== SEALED_BYTES || ephemeralPublicKey.length !== KEY_BYTES)
    throw new SealError('not a sealed message');
  try {
    const own = privateFromRaw(privateKey);
    const shared = diffieHellman({ privateKey: own, publicKey: publicFromRaw(ephemeralPublicKey) });
    const { key, nonce } = derive(shared, Buffer.from(ephemeralPublicKey), rawPublic(createPublicKey(own)));
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associatedData(keyId, context), { plaintextLength: PADDED_BYTES });
    decipher.setAuthTag(ciphertext.subarray(PADDED_BYTES));
    const plain = Buffer.concat([decipher.update(ciphertext.subarray(0, PADDED_BYTES)), decipher.final()]);
    return plain.subarray(1, 1 + plain[0]!).toString('latin1');
  } catch (cause) {
    throw new SealError('cannot be opened with this key and context', { cause });
  }
}
