/**
 * `make mutants`: puts each defect into a copy of the project, and runs the tests that are there for it: at least one has to
 * turn red, and none may be red without the defect.
 */
import { execFile, execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFECTS, type DefectName, withDefect } from './defects.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const COPY = join(ROOT, '.mutants');

/** Where each is to be noticed by tests, besides by the simulation. */
const TESTS: Record<DefectName, string> = {
  epoch_check: 'services/switch-agent/test/road.test.ts',
  journal: 'sim/test/simulate.test.ts',
  start_by: 'services/switch-agent/test/road.test.ts',
  idempotency_key: 'services/billing/test/road.test.ts',
  cursor: 'packages/durable/test/loop.test.ts',
  fence: 'sim/test/store.test.ts',
  effect_first: 'packages/durable/test/loop.test.ts',
  takeover: 'packages/durable/test/loop.test.ts',
  gap: 'packages/durable/test/loop.test.ts',
  repetition: 'packages/durable/test/loop.test.ts',
  unknown_commit: 'packages/durable/test/loop.test.ts',
  cut_off: 'services/dialer/test/session.test.ts',
};

/** Names of the tests that are red, or that nothing was said because the run did not end. */
function redIn(file: string): Promise<string[]> {
  const args = ['--test', '--test-timeout=120000', '--test-reporter=tap', file];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: COPY, maxBuffer: 2 ** 28, timeout: 180_000 }, (error, stdout) => {
      const red = [...stdout.matchAll(/^ *not ok \d+ - (.*)$/gm)].map(([, name = '']) => name);
      resolve(error && red.length === 0 ? ['the run was ended'] : red.filter((name) => !name.endsWith('.test.ts')));
    });
  });
}

const only = process.argv.slice(2);
const names = (Object.keys(DEFECTS) as DefectName[]).filter((name) => only.length === 0 || only.includes(name));
rmSync(COPY, { recursive: true, force: true });
await mkdir(COPY);
// Links to the same files: only the one that is changed is written anew.
for (const entry of readdirSync(ROOT)) {
  if (entry.startsWith('.')) continue;
  execFileSync('cp', ['-al', join(ROOT, entry), join(COPY, entry)]);
}
// Programs that were fetched once.
symlinkSync(join(ROOT, '.cache'), join(COPY, '.cache'));
let missed = 0;
try {
  for (const file of new Set(names.map((name) => TESTS[name]))) {
    const red = await redIn(file);
    if (red.length > 0) throw new Error(`${file} is red without a defect: ${red.join('; ')}`);
  }
  console.log(`${'removed'.padEnd(16)} ${'seconds'.padStart(7)}  red`);
  for (const name of names) {
    const path = join(COPY, DEFECTS[name].file);
    const source = readFileSync(path, 'utf8');
    const changed = withDefect(source, DEFECTS[name]);
    const put = (text: string): void => {
      rmSync(path);
      writeFileSync(path, text);
    };
    put(changed);
    const started = performance.now();
    const red = await redIn(TESTS[name]);
    put(source);
    if (red.length === 0) missed += 1;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    console.log(
      `${name.padEnd(16)} ${seconds.padStart(7)}  ${red[0] ?? 'NOTHING'}${red.length > 1 ? ` (and ${red.length - 1} more)` : ''}`,
    );
  }
} finally {
  rmSync(COPY, { recursive: true, force: true });
}
if (missed > 0) process.exitCode = 1;
