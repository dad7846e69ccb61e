import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Box } from '@ringback/sealing';
import fc from 'fast-check';
import { newLeg } from '../src/core/leg.ts';
import { Journal } from '../src/journal/journal.ts';
import { type JournalRecord, JournalState } from '../src/journal/records.ts';

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});
function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'journal-'));
  folders.push(path);
  return path;
}

let runs = 0;
const opened = (directory: string, compactBytes?: number, key?: string): Promise<Journal> =>
  Journal.open({
    directory,
    newRun: () => `run-${(runs += 1)}`,
    nowUs: () => 1_000_000,
    failed: (error) => assert.fail(error),
    box: key === undefined ? undefined : new Box(key, 'journal'),
    ...(compactBytes === undefined ? {} : { compactBytes }),
  });

const event = (shard: number, seq: number): JournalRecord => ({ k: 'event', shard, seq, data: 'AAAA' });

/** Lists of records as the agent appends them: numbers in order, confirmations of what was told. */
const histories = fc
  .array(
    fc.record({
      shard: fc.integer({ min: 0, max: 2 }),
      what: fc.constantFrom('event', 'confirm', 'command', 'done', 'leg', 'epoch', 'draining'),
      n: fc.integer({ min: 0, max: 5 }),
    }),
    { maxLength: 40 },
  )
  .map((moves) => {
    const seqs = [0, 0, 0];
    let commands = 0;
    return moves.map(({ shard, what, n }): JournalRecord[] => {
      switch (what) {
        case 'event':
          seqs[shard]! += 1;
          return [event(shard, seqs[shard]!)];
        case 'confirm':
          return [{ k: 'confirmed', shard, seq: Math.max(0, seqs[shard]! - n) }];
        case 'command':
          commands += 1;
          return [{ k: 'command', id: `c${commands}`, atUs: n, legId: 'l', data: 'AAAA' }];
        case 'done':
          return [{ k: 'done', id: `c${Math.max(0, commands - n)}`, atUs: n }];
        case 'leg':
          return [
            { k: 'leg', leg: newLeg({ id: `l${n}`, sessionId: 's', shard, traceparent: '', origin: 'inbound' }) },
          ];
        case 'epoch':
          return [{ k: 'epoch', shard, epoch: String(n) }];
        default:
          return [{ k: 'draining', draining: n % 2 === 0 }];
      }
    });
  });

const plain = (state: JournalState): unknown => ({
  draining: state.draining,
  live: [...state.live].sort(),
  owed: [...state.owed].sort(),
  shards: [...state.shards].filter(([, { seq, epoch }]) => seq > 0 || epoch > 0n).sort(([a], [b]) => a - b),
  commands: [...state.commands].sort(([a], [b]) => a.localeCompare(b)),
  legs: JSON.stringify([...state.legs].sort(([a], [b]) => a.localeCompare(b))),
});

function summed(lists: JournalRecord[][]): JournalState {
  const state = new JournalState();
  for (const list of lists) for (const record of list) state.apply(record);
  return state;
}

describe('the state', () => {
  test('comes out of its snapshot, also when what follows is read twice', () => {
    fc.assert(
      fc.property(histories, fc.nat(), (lists, cut) => {
        const state = summed(lists);
        assert.deepEqual(plain(summed([[...state.snapshot()]])), plain(state));
        const tail = lists.slice(cut % (lists.length + 1));
        assert.deepEqual(plain(summed([[...state.snapshot()], ...tail])), plain(state));
      }),
    );
  });
});

describe('the file', () => {
  test('gives back what was appended, wherever it was compacted', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.boolean(), async (lists, compacting) => {
        const directory = folder();
        const journal = await opened(directory, compacting ? 1 : undefined);
        const { run } = journal.state;
        await Promise.all(lists.map((list) => journal.append(list)));
        await journal.close();
        const again = await opened(directory);
        assert.equal(again.state.run, run);
        assert.deepEqual(plain(again.state), plain(summed(lists)));
        await again.close();
      }),
      { numRuns: 25 },
    );
  });

  test('cut anywhere: whole lists up to there, and the same incarnation', async () => {
    const directory = folder();
    const journal = await opened(directory);
    const { run } = journal.state;
    const begin = readFileSync(join(directory, 'journal')).length;
    for (let seq = 1; seq <= 6; seq += 2) await journal.append([event(1, seq), event(1, seq + 1)]);
    await journal.close();
    const bytes = readFileSync(join(directory, 'journal'));
    for (let cut = begin; cut <= bytes.length; cut += 7) {
      const other = folder();
      writeFileSync(join(other, 'journal'), bytes.subarray(0, cut));
      const again = await opened(other);
      assert.equal(again.state.run, run);
      assert.equal(again.state.shard(1).events.length % 2, 0);
      assert.ok(again.state.shard(1).events.length <= 6);
      await again.append([event(1, again.state.shard(1).seq + 1)]);
      await again.close();
    }
  });

  test('damage further in is another incarnation, with numbers from 1', async () => {
    const directory = folder();
    const journal = await opened(directory);
    const { run } = journal.state;
    await journal.append([event(1, 1), { k: 'confirmed', shard: 1, seq: 1 }, event(1, 2)]);
    await journal.append([event(1, 3)]);
    await journal.append([event(1, 4)]);
    await journal.close();
    const path = join(directory, 'journal');
    const bytes = readFileSync(path);
    const lines = bytes.toString().split('\n');
    lines[lines.length - 3] = lines.at(-3)!.replace('event', 'evemt');
    writeFileSync(path, lines.join('\n'));
    const again = await opened(directory);
    assert.notEqual(again.state.run, run);
    assert.deepEqual(
      again.state.shard(1).events.map(({ seq }) => seq),
      [1],
    );
    await again.close();
  });

  test('what is old is forgotten, what is owed is not', async () => {
    const state = new JournalState();
    state.apply({ k: 'command', id: 'old', atUs: 0, legId: 'l', data: 'AAAA' });
    state.apply({ k: 'done', id: 'old', atUs: 0 });
    state.apply({ k: 'command', id: 'owed', atUs: 0, legId: 'l', data: 'AAAA' });
    const leg = newLeg({ id: 'l', sessionId: 's', shard: 1, traceparent: '', origin: 'inbound' });
    state.apply({ k: 'leg', leg });
    state.apply({ k: 'leg', leg: { ...leg, id: 'm', ended: true } });
    state.forget(3 * 3_600 * 1e6);
    assert.deepEqual([...state.commands.keys()], ['owed']);
    assert.deepEqual([...state.legs.keys()], ['l']);
  });

  test('sealed: says nothing to a reader, opens with its key alone, and takes over what was not sealed', async () => {
    const directory = folder();
    const key = 'k'.repeat(32);
    const number = '+48601000001';
    const data = Buffer.from(number).toString('base64');
    const text = (): string => readFileSync(join(directory, 'journal'), 'utf8');
    const first = await opened(directory);
    await first.append([{ k: 'event', shard: 1, seq: 1, data }]);
    await first.close();
    assert.ok(text().includes(data));
    const second = await opened(directory, undefined, key);
    assert.ok(!text().includes(data));
    await second.append([{ k: 'event', shard: 1, seq: 2, data }]);
    assert.ok(!text().includes(data));
    await second.close();
    const third = await opened(directory, undefined, key);
    assert.deepEqual(
      third.state.shard(1).events.map((event) => event.data.toString()),
      [number, number],
    );
    assert.equal(third.state.run, first.state.run, 'the same incarnation');
    await third.close();
    await assert.rejects(opened(directory, undefined, 'o'.repeat(32)), { name: 'ConfigError', knob: 'EVENT_KEY' });
    await assert.rejects(opened(directory), { name: 'ConfigError', knob: 'EVENT_KEY' });
  });
});
