import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import { SealError } from './error.ts';

/** AES-256-GCM (NIST SP 800-38D). */
const CIPHER = 'aes-256-gcm';
const VERSION = 1;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + SALT_BYTES + NONCE_BYTES;
/** Keys of other boxes (one a process and life) that are remembered. */
const MOST_KEYS = 1_000;

/**
 * Keeps what is stored outside the database from whoever reads the storage. Every box that seals has a key of its own
 * (HKDF-SHA256 of the shared secret, a random salt and the purpose) and counts its nonces, so that none is used twice;
 * whoever has the secret opens the messages of all.
 */
export class Box {
  readonly #secret: string;
  readonly #purpose: string;
  readonly #salt = randomBytes(SALT_BYTES);
  readonly #key: KeyObject;
  readonly #keys = new Map<string, KeyObject>();
  #count = 0n;

  /** `purpose`: messages of one purpose do not open in another. */
  constructor(secret: string, purpose: string) {
    this.#secret = secret;
    this.#purpose = purpose;
    this.#key = this.#derive(this.#salt);
  }

  /** `context` is not part of the message; it has to be the same when it is opened. */
  seal(plain: Uint8Array, context: string): Buffer {
    const nonce = Buffer.alloc(NONCE_BYTES);
    nonce.writeBigUInt64BE((this.#count += 1n), NONCE_BYTES - 8);
    const cipher = createCipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(context, 'utf8'));
    return Buffer.concat([
      Buffer.of(VERSION),
      this.#salt,
      nonce,
      cipher.update(plain),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
  }

  /** @throws {SealError} for what was not sealed with this secret, purpose and context. */
  open(sealed: Uint8Array, context: string): Buffer {
    const message = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (message[0] !== VERSION || message.length < HEADER_BYTES + TAG_BYTES)
      throw new SealError('not a sealed message');
    const key = this.#keyOf(message.subarray(1, 1 + SALT_BYTES));
    try {
      const nonce = message.subarray(1 + SALT_BYTES, HEADER_BYTES);
      const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(context, 'utf8'));
      decipher.setAuthTag(message.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(message.subarray(HEADER_BYTES, -TAG_BYTES)), decipher.final()]);
    } catch (cause) {
      throw new SealError('cannot be opened with this key and context', { cause });
    }
  }

  #keyOf(salt: Buffer): KeyObject {
    const name = salt.toString('latin1');
    let key = this.#keys.get(name);
    if (!key) {
      if (this.#keys.size >= MOST_KEYS) this.#keys.clear();
      key = this.#derive(salt);
      this.#keys.set(name, key);
    }
    return key;
  }

  /** A key object: with plain bytes Node would make one for every message, which costs more than the message. */
  #derive(salt: Buffer): KeyObject {
    const bytes = hkdfSync('sha256', this.#secret, salt, `ringback box v1 ${this.#purpose}`, 32);
    return createSecretKey(Buffer.from(bytes));
  }
}
