import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compare, type Difference } from './support/compare.ts';
import { ALLOWED, NOT_COMPARED } from './support/expected.ts';
import { loadRecordings, type Recording } from './support/recording.ts';
import { replay } from './support/replay.ts';

/** Never compare fewer than this. */
const COMPARED_AT_LEAST = 73;
/** Replays that run side by side; most of their time is waiting. */
const AT_ONCE = 40;
/** The longest recording lasts 20 s. */
const REPLAY_MS = 45_000;

interface Result {
  recording: Recording;
  unexplained: Difference[];
  explained: [Difference, string][];
}

async function run(recording: Recording): Promise<Result> {
  const unexplained: Difference[] = [];
  const explained: [Difference, string][] = [];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${REPLAY_MS} ms`)), REPLAY_MS);
  });
  let found: Difference[];
  try {
    found = compare(recording, await Promise.race([replay(recording), late]));
  } catch (error) {
    found = [{ where: 'replay', recorded: 'went on', actual: String(error) }];
  } finally {
    clearTimeout(timer);
  }
  for (const difference of found) {
    const allowed = ALLOWED.find(
      ({ scenario, where }) => scenario.test(recording.name) && where.test(difference.where),
    );
    if (allowed === undefined) unexplained.push(difference);
    else explained.push([difference, allowed.reason]);
  }
  return { recording, unexplained, explained };
}

test('the dev switch does what the recordings of FreeSWITCH show', { timeout: 240_000 }, async (context) => {
  const only = process.env['CONFORMANCE_ONLY'];
  const recordings = loadRecordings().filter(({ name }) => only === undefined || new RegExp(only).test(name));
  assert.ok(recordings.length > 0, 'there are recordings');
  const queue = recordings.filter(({ name }) => NOT_COMPARED[name] === undefined);
  const results: Result[] = [];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) results.push(await run(next));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));

  // Everything runs in real time beside dozens of other calls: what a loaded machine delayed gets a second, quieter try.
  for (const [index, result] of results.entries()) {
    if (result.unexplained.length === 0) continue;
    context.diagnostic(
      `again: ${result.recording.name}: ${result.unexplained[0]?.where}: ${result.unexplained[0]?.actual}`,
    );
    results[index] = await run(result.recording);
  }
  results.sort((a, b) => a.recording.name.localeCompare(b.recording.name));
  const differing = results.filter(({ unexplained, explained }) => unexplained.length + explained.length > 0);
  const shared = recordings.filter(({ name }) => !name.startsWith('x') && name !== 's19_outbound_socket_side').length;
  const compared = results.filter(({ recording }) => !recording.name.startsWith('x')).length;
  const say = (line: string): void => context.diagnostic(line);
  say(
    `compared ${compared} of ${shared}, differing ${differing.length}; besides ${results.length - compared} further recordings`,
  );
  for (const { recording, unexplained, explained } of differing) {
    for (const [{ where }, reason] of explained) say(`differs: ${recording.name}: ${where}: ${reason}`);
    for (const { where, recorded, actual } of unexplained)
      say(`DIFFERS: ${recording.name}: ${where}: recorded ${recorded} | here ${actual}`);
  }
  for (const [name, reason] of Object.entries(NOT_COMPARED)) say(`not compared: ${name}: ${reason}`);
  assert.deepEqual(
    results
      .filter(({ unexplained }) => unexplained.length > 0)
      .map(({ recording, unexplained }) => `${recording.name}: ${unexplained[0]?.where}`),
    [],
    'every difference is explained',
  );
  if (only === undefined)
    assert.ok(compared >= COMPARED_AT_LEAST, `compared ${compared}, less than ${COMPARED_AT_LEAST}`);
});
