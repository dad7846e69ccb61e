import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { describe, test } from 'node:test';
import { type Defect, DEFECTS } from '../src/defects.ts';
import { planWorld, planWorlds } from '../src/plan.ts';
import { playAll } from '../src/play.ts';
import { minimise } from '../src/shrink.ts';
import type { WorldOptions } from '../src/world.ts';

const ROOT = new URL('../../', import.meta.url);
const MAIN = new URL('../src/main.ts', import.meta.url);

/** A small world with all kinds of misfortune. */
const small = (seed: string): WorldOptions => ({
  seed,
  calls: 40,
  concurrency: 20,
  talkSeconds: 60,
  dialers: 2,
  switches: 2,
  faultSeconds: 5,
});

/** `make simulate` as a user runs it. */
function simulate(env: Record<string, string>): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN.pathname], { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
    );
  });
}

describe('the simulation', () => {
  test('the same seed gives the same trace, another one another', async () => {
    const [one, again, other] = await playAll([small('one'), small('one'), small('other')]);
    assert.equal(one?.broken, undefined);
    assert.ok(one!.steps > 100 && one!.faults > 10);
    assert.equal(again?.hash, one?.hash);
    assert.notEqual(other?.hash, one?.hash);
  });

  test('everything holds in worlds of many kinds', async () => {
    const played = await playAll(planWorlds('make test', 600));
    for (const { broken, index } of played) assert.equal(broken, undefined, `world ${index}`);
    assert.equal(
      played.reduce((sum, { calls }) => sum + calls, 0),
      600,
    );
  });

  test('a world is known by seed and number', () => {
    assert.deepEqual(planWorld('a', 3), planWorlds('a', 10_000)[3]);
    assert.notDeepEqual(planWorld('a', 3), planWorld('b', 3));
  });
});

describe('defects', () => {
  for (const [name, { file, find, replace }] of Object.entries(DEFECTS) as [string, Defect][]) {
    test(`${name}: its place is in the source, once`, async () => {
      const source = await readFile(new URL(file, ROOT), 'utf8');
      assert.equal(source.split(find).length - 1, 1, `in ${file}: ${find}`);
      assert.ok(!source.includes(replace));
    });
  }

  test('one is found, and its story is short', async () => {
    const { code, output } = await simulate({ DEFECT: 'effect_first', SEED: 'story', CALLS: '300' });
    assert.equal(code, 1, output);
    assert.match(output, /BROKEN committed_first: [^]*is performed for a session that is not committed/);
    assert.match(output, /, 1 call\(s\): \d+; 0 fault\(s\): none/);
  });

  test('one that nobody knows is refused', async () => {
    const { code, output } = await simulate({ DEFECT: 'nonsense' });
    assert.notEqual(code, 0);
    assert.match(output, /no such defect: nonsense/);
  });
});

test('what is not needed is left out', async () => {
  const needed = [3, 11];
  const kept = await minimise([...Array.from({ length: 20 }).keys()], (some) =>
    Promise.resolve(needed.every((each) => some.includes(each))),
  );
  assert.deepEqual(kept, needed);
});
