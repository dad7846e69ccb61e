import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const CLUSTER_DIR = join(import.meta.dirname, '../cluster');

/** Path of one of the cluster's programs, built where it is not cached. @throws with the build's words. */
export async function binary(name: 'kubernetes' | 'coredns'): Promise<string> {
  const { stdout } = await promisify(execFile)(join(CLUSTER_DIR, 'build.sh'), [name], { maxBuffer: 64 << 20 });
  return stdout.trim();
}
