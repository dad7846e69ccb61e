import { createCipheriv, createDecipheriv, randomBytes, scryptSync } from 'node:crypto';
import { generateSealingKey } from '@ringback/sealing';
import { type Pool, transaction, uuidv7 } from '@ringback/service-kit';

export interface SealingKey {
  keyId: string;
  publicKey: Buffer;
  privateKey: Buffer;
}

const CIPHER = 'aes-256-gcm';

/**
 * The installation's sealing key: made at the first start, the same for every process of auth after it.
 * @throws Error when it is encrypted and `secret` does not open it.
 */
export function loadSealingKey(pool: Pool, secret: string): Promise<SealingKey> {
  return transaction(pool, async (client) => {
    await client.query("SELECT pg_advisory_xact_lock(hashtext('ringback:auth:sealing_key'))");
    const { rows } = await client.query<{
      key_id: string;
      public_key: Buffer;
      private_key: Buffer;
      encrypted: boolean;
    }>('SELECT key_id, public_key, private_key, encrypted FROM auth.sealing_key ORDER BY created_at DESC LIMIT 1');
    const [row] = rows;
    if (row) {
      if (row.encrypted && secret === '')
        throw new Error('SEALING_KEY_SECRET: is needed, the sealing key is encrypted');
      const privateKey = row.encrypted ? decrypt(row.private_key, secret) : row.private_key;
      return { keyId: row.key_id, publicKey: row.public_key, privateKey };
    }
    const keyId = uuidv7();
    const { publicKey, privateKey } = generateSealingKey();
    await client.query(
      'INSERT INTO auth.sealing_key (key_id, public_key, private_key, encrypted) VALUES ($1, $2, $3, $4)',
      [keyId, publicKey, secret === '' ? privateKey : encrypt(privateKey, secret), secret !== ''],
    );
    return { keyId, publicKey, privateKey };
  });
}

const keyOf = (secret: string, salt: Buffer): Buffer => scryptSync(secret, salt, 32);

function encrypt(plain: Buffer, secret: string): Buffer {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv(CIPHER, keyOf(secret, salt), nonce);
  return Buffer.concat([salt, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(stored: Buffer, secret: string): Buffer {
  const decipher = createDecipheriv(CIPHER, keyOf(secret, stored.subarray(0, 16)), stored.subarray(16, 28));
  decipher.setAuthTag(stored.subarray(-16));
  try {
    return Buffer.concat([decipher.update(stored.subarray(28, -16)), decipher.final()]);
  } catch (cause) {
    throw new Error('SEALING_KEY_SECRET: does not open the stored sealing key', { cause });
  }
}
