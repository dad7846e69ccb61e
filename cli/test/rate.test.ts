import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { run } from '../src/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'ringback-rate-'));
after(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

/** The deck of docs/decks.md, and the table below it. */
const page = readFileSync(new URL('../../docs/decks.md', import.meta.url), 'utf8');
const deck = file('deck.csv', /```csv\n([^`]*)```/.exec(page)![1]!);
const EXAMPLES = [...page.matchAll(/^\| (\+\d+) \| (\S+) \| (\d+) \| (\S+) \|$/gm)].map((match) => match.slice(1, 5));

async function rate(...args: string[]): Promise<{ status: number; stdout: string; stderr: string }> {
  const said = { stdout: '', stderr: '' };
  const status = await run(['rate', ...args], {
    stdout: (text) => void (said.stdout += text),
    stderr: (text) => void (said.stderr += text),
  });
  return { status, ...said };
}

// biome-ignore format: an option and its value
const callArgs = (to = '', start = '', seconds = ''): string[] =>
  ['--deck', deck, '--to', to, '--start', start, '--seconds', seconds];

describe('one call', () => {
  for (const [to = '', start, seconds, expected = ''] of EXAMPLES) {
    test(`${to} at ${start} for ${seconds} s: ${expected}`, async () => {
      const { status, stdout, stderr } = await rate('--json', ...callArgs(to, start, seconds));
      if (/^\d/.test(expected)) assert.equal(Number(JSON.parse(stdout).cost), Number(expected));
      else assert.deepEqual([status, stderr.includes(`(${expected})`)], [1, true]);
    });
  }

  test('is told step by step', async () => {
    const { status, stdout } = await rate(...callArgs('442079460000', '2026-07-07T15:59:30Z', '90'));
    assert.equal(status, 0);
    assert.equal(stdout.split('\n').at(-2), 'cost 0.17 EUR');
    assert.match(stdout, /0 s to 60 s .*: 1 × 60 s at 0\.12 per minute \(row 10, mon-fri 08:00-18:00\) = 0\.12/);
  });
});

describe('the longest call', () => {
  const at = ['--deck', deck, '--to', '+48221112233', '--start', '2026-07-07T12:00:00Z', '--json'];

  test('costs at most the balance, and a second more would cost more', async () => {
    const answer = JSON.parse((await rate(...at, '--balance', '1.00')).stdout);
    // 60 s at 0.10, 540 s at 0.08, then 0.18 at 0.05 a minute.
    assert.deepEqual([answer.maxSeconds, answer.cost, answer.capped], ['816', '1.00', false]);
  });

  test('with leg A, which has been up for a while and is charged on', async () => {
    const { stdout } = await rate(...at, '--balance', '1.00', '--from', '+447700900123', '--elapsed', '30.5');
    const answer = JSON.parse(stdout);
    // A: 0.05 a minute in pieces of 6 s, of which 36 s are paid; B as above.
    assert.deepEqual([answer.maxSeconds, answer.cost], ['450', '0.995']);
  });

  test('is capped, or cannot begin', async () => {
    const capped = JSON.parse((await rate(...at, '--balance', '1000', '--cap', '3600')).stdout);
    assert.deepEqual([capped.maxSeconds, capped.capped, capped.cost], ['3600', true, '2.50']);
    const { status, stderr } = await rate(...at, '--balance', '0.001');
    assert.deepEqual([status, stderr], [1, 'ringback: 0.001 EUR do not pay for connect fees and first increments\n']);
  });
});

describe('many calls', () => {
  test('each with what it costs, or why it has no price; other columns are kept', async () => {
    const calls = file(
      'calls.csv',
      'id,seconds,to,start\n' +
        '1,90,442079460000,2026-07-07T15:59:30Z\n' +
        '"2, of two",60,+48901112233,2026-07-07T14:00:00+02:00\n',
    );
    const { status, stdout } = await rate('--deck', deck, '--calls', calls);
    assert.equal(status, 0);
    assert.deepEqual(stdout.split('\r\n'), [
      'id,seconds,to,start,prefix,rated_destination,billed_seconds,cost,currency,no_price',
      '1,90,442079460000,2026-07-07T15:59:30Z,4420,London,90,0.17,EUR,',
      '"2, of two",60,+48901112233,2026-07-07T14:00:00+02:00,,,,,,blocked',
      '',
    ]);
    const [first] = JSON.parse((await rate('--json', '--deck', deck, '--calls', calls)).stdout);
    assert.deepEqual([first.id, first.cost], ['1', '0.17']);
  });

  test('where a line is wrong, all wrong lines are told and nothing is rated', async () => {
    const calls = file(
      'wrong.csv',
      'to,start,seconds\n4420,2026-07-07T12:00:00Z,1\n44a,2026-07-07T12:00:00Z,1\n4420,2026-02-30T12:00:00Z,1\n' +
        '4420,2026-07-07T12:00:00,1\n4420,2026-07-07T12:00:00Z,-1\n4420\n',
    );
    const { status, stdout, stderr } = await rate('--json', '--deck', deck, '--calls', calls);
    assert.equal(status, 1);
    assert.deepEqual(
      JSON.parse(stdout).map(({ line }: { line: number }) => line),
      [3, 4, 5, 6, 7],
    );
    assert.match(stderr, /nothing was rated: 5 lines/);
  });
});

describe('nonsense', () => {
  const good = callArgs('4420', '2026-07-07T12:00:00Z', '1');
  const without = (option: string): string[] => good.toSpliced(good.indexOf(option), 2);
  for (const [what, args, status, words] of [
    ['no deck', ['--to', '4420'], 2, 'wants <from> and <to>, or --deck <file>'],
    ['an account and a deck', ['+48601000001', '0044', '--deck', deck], 2, 'is given by --to'],
    ['a deck that is not there', ['--deck', join(folder, 'none.csv')], 2, 'none.csv: ENOENT'],
    [
      'a deck that is none',
      ['--deck', file('bad.csv', '@currency,EUR\nprefix,price\nx,y\n')],
      1,
      'is no deck: 1 mistake',
    ],
    ['no number', without('--to'), 2, '--to is missing'],
    ['no time', without('--start'), 2, '--start is missing'],
    ['no length', without('--seconds'), 2, '--seconds is missing'],
    ['a length and a balance', [...good, '--balance', '1'], 2, 'exclude each other'],
    ['a balance that is no amount', [...without('--seconds'), '--balance', '1,00'], 2, '--balance wants an amount'],
    ['calls without a column', ['--deck', deck, '--calls', file('c.csv', 'to,start\n')], 2, 'no column seconds'],
    ['no calls at all', ['--deck', deck, '--calls', file('empty.csv', '')], 2, 'is empty'],
  ] as const) {
    test(what, async () => {
      const answer = await rate(...args);
      assert.deepEqual([answer.status, answer.stderr.includes(words)], [status, true], answer.stderr);
    });
  }
});
