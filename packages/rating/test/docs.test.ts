/** The examples of docs/decks.md and docs/charging.md: each table is computed from the deck above it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { formatMicros, parseMoney } from '@ringback/money';
import { admissionCost, cost, type Deck, longestCall, parseDeck, rate } from '../src/index.ts';

type Example = Record<string, string>;

/** Decks and the rows of the tables below them. */
function examplesOf(document: string): { deck: Deck; row: Example }[] {
  const examples: { deck: Deck; row: Example }[] = [];
  let deck: Deck | undefined;
  let csv: string[] | undefined;
  let header: string[] | undefined;
  for (const line of document.split('\n')) {
    if (line === '```csv') csv = [];
    else if (line === '```' && csv) {
      const parsed = parseDeck(csv.join('\n'));
      assert.deepEqual(parsed.problems, []);
      [deck, csv] = [parsed.deck, undefined];
    } else if (csv) csv.push(line);
    else if (line.startsWith('#')) deck = undefined;
    else if (!line.startsWith('|')) header = undefined;
    else if (deck) {
      const cells = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      if (!header) header = cells;
      else if (!cells[0]!.startsWith('---')) {
        examples.push({ deck, row: Object.fromEntries(header.map((name, index) => [name, cells[index] ?? ''])) });
      }
    }
  }
  return examples;
}

const microseconds = (seconds: string): bigint => BigInt(Math.round(Number(seconds) * 1e6));

function check({ deck, row }: { deck: Deck; row: Example }): void {
  const start = BigInt(Date.parse(row.start!)) * 1000n;
  if (row.cost !== undefined) {
    const found = cost(deck, row.number!, start, microseconds(row.seconds!));
    const written = typeof found === 'bigint' ? formatMicros(found, deck.settings.currency) : found;
    return assert.equal(written, row.cost);
  }
  const legs = row
    .legs!.split(' ')
    .map((number) => ({ curve: rate(deck, number, start).curve!, elapsedUs: 0n, leadUs: 0n }));
  const available = parseMoney(`${row.balance} EUR`).micros;
  const quote = longestCall(legs, available, 86_400_000_000n);
  const refused = !quote || admissionCost(legs) > available;
  assert.equal(refused ? 'refused' : String(quote.maxUs / 1_000_000n), row.longest);
}

for (const [name, atLeast] of [
  ['decks.md', 9],
  ['charging.md', 25],
] as const) {
  describe(name, () => {
    const examples = examplesOf(readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8'));
    for (const [index, example] of examples.entries()) {
      test(`${index + 1}: ${Object.values(example.row).join(', ')}`, () => check(example));
    }
    test('has its examples', () =>
      assert.ok(examples.length >= atLeast, `only ${examples.length} examples were found`));
  });
}
