import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { helm } from './helm.ts';

const ROOT = join(import.meta.dirname, '../../..');
export const CHART = join(ROOT, 'deploy/helm');
const EXAMPLES = join(CHART, 'examples');
const GOLDEN = join(import.meta.dirname, '../golden');

export type Manifest = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly [field: string]: unknown;
};

export async function valueSets(): Promise<string[]> {
  return (await readdir(EXAMPLES)).map((file) => file.replace(/\.yaml$/, '')).sort();
}

export const goldenFile = (set: string): string => join(GOLDEN, `${set}.yaml`);

/** What helm would install with a value set. What is made by chance stands as a word. */
export async function render(set: string): Promise<string> {
  const text = await helm([
    'template',
    'ringback',
    CHART,
    '--namespace',
    'ringback',
    '--values',
    join(EXAMPLES, `${set}.yaml`),
  ]);
  const secret = /^( {2}(?:EVENT_KEY|SEALING_KEY_SECRET|VOUCHER_KEY|POSTGRES_PASSWORD): ).*$/gm;
  const masked = text.replace(secret, '$1MADE-BY-CHANCE');
  return set === 'everything-off' ? masked : masked.replace(/^( {2}DATABASE_URL: ).*$/gm, '$1MADE-BY-CHANCE');
}

export const manifests = (text: string): Manifest[] =>
  loadAll(text).filter((m): m is Manifest => m !== null && m !== undefined);

if (process.argv[1] === import.meta.filename) {
  for (const set of await valueSets()) await writeFile(goldenFile(set), await render(set));
}
