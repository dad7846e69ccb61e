import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/** What a test knows and nobody may find: a name for the report, and the digits. */
export interface Secret {
  name: string;
  digits: string;
}

/** Files that may hold them: the database, and what tells outside programs whom there is to call. */
const ALLOWED = [/^postgres\//, /^endpoints\.json$/];
/** Base64 of a text depends on where in a group of three bytes it begins; what its neighbours take part in is left off. */
const PHASES = [0, 1, 2];

/** How a secret may be written: plain, UTF-16, base64 in every phase, hex of its characters. */
function writings(digits: string): Buffer[] {
  const base64 = PHASES.map((phase) => {
    const text = Buffer.concat([Buffer.alloc(phase), Buffer.from(digits)]).toString('base64');
    return text.slice(phase === 0 ? 0 : phase + 1, Math.floor(((phase + digits.length) * 8) / 6) - 1);
  });
  const hex = Buffer.from(digits).toString('hex');
  return [digits, ...base64, hex].map((text) => Buffer.from(text)).concat(Buffer.from(digits, 'utf16le'));
}

export function findIn(data: Buffer, secrets: readonly Secret[]): string[] {
  return secrets.filter(({ digits }) => writings(digits).some((each) => data.includes(each))).map(({ name }) => name);
}

/** Every file below the run directory, the database's and endpoints.json left out, that holds one: `file: secret`. */
export async function findSecrets(
  runDir: string,
  secrets: readonly Secret[],
): Promise<{ files: number; found: string[] }> {
  const found: string[] = [];
  let files = 0;
  for (const entry of await readdir(runDir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(runDir, path);
    if (!entry.isFile() || ALLOWED.some((allowed) => allowed.test(name))) continue;
    // Files of calls that are up come and go.
    const data = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return Buffer.alloc(0);
    });
    files += 1;
    found.push(...findIn(data, secrets).map((secret) => `${name}: ${secret}`));
  }
  return { files, found };
}
