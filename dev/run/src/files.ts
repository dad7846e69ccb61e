import { createHmac, randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a file as a whole or not at all: readers never see half of it. */
export async function writeAtomically(path: string, content: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.tmp`;
  await writeFile(draft, content, { mode });
  await rename(draft, path);
}

export async function readJson<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** What a run directory keeps to itself: made at its first start, never a default. */
export interface Secrets {
  postgresPassword: string;
  natsPassword: string;
  eslPassword: string;
  /** 32–128 letters and digits. */
  dialogSecret: string;
  sealingKeySecret: string;
  /** Seals leg events and the agents' journals. */
  eventKey: string;
  /** Codes of vouchers are made and recognised by it. */
  voucherKey: string;
  /** PINs of the demo accounts follow from it: they stand in the clear in endpoints.json alone. */
  pinSeed: string;
}

export async function loadSecrets(path: string): Promise<Secrets> {
  const stored = await readJson<Partial<Secrets>>(path);
  const token = (): string => randomBytes(24).toString('hex');
  const secrets: Secrets = {
    postgresPassword: stored?.postgresPassword ?? token(),
    natsPassword: stored?.natsPassword ?? token(),
    eslPassword: stored?.eslPassword ?? token(),
    dialogSecret: stored?.dialogSecret ?? token(),
    sealingKeySecret: stored?.sealingKeySecret ?? token(),
    eventKey: stored?.eventKey ?? token(),
    voucherKey: stored?.voucherKey ?? token(),
    pinSeed: stored?.pinSeed ?? token(),
  };
  await writeAtomically(path, JSON.stringify(secrets, null, 2), 0o600);
  return secrets;
}

/** Six digits, the same in every start of a run directory. */
export function demoPin({ pinSeed }: Secrets, account: string): string {
  const mac = createHmac('sha256', pinSeed).update(account).digest();
  return String(100_000 + (mac.readUInt32BE(0) % 900_000));
}
