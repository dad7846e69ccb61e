import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { call, callStream, nowUs } from '@ringback/service-kit';
import { A, fresh, leg, NOON, pays, S, World } from './support/world.ts';

let world: World;
before(async () => {
  world = await World.start();
});
after(() => world.close());

const importDeck = (request: Partial<billing.ImportDeckRequest>) =>
  call(world.decks, world.decks.importDeck, billing.ImportDeckRequest.fromPartial(request), { deadlineMs: 20_000 });
const deckOf = (price: string) => `@currency,EUR\nprefix,price\n48,${price}\n`;

describe('import', () => {
  test('of a file with mistakes reports each with row and column, and applies nothing', async () => {
    const name = fresh('deck');
    const answer = await importDeck({ name, currency: 'EUR', csv: 'prefix,price,hours\n48,0.1,\n44,x,\n49,1,8-9\n' });
    assert.deepEqual(answer, {
      version: 0,
      rows: 3,
      problems: [
        { row: 3, column: 'price', message: '"x" is not a decimal number with at most 7 decimals' },
        { row: 4, column: 'hours', message: '"8-9" is not hours like 08:00-18:00' },
      ],
    });
    const { decks } = await call(world.decks, world.decks.listDecks, {});
    assert.ok(!decks.some((deck) => deck.name === name));
  });

  test('dry, applies nothing; real, makes the next version', async () => {
    const name = fresh('deck');
    assert.deepEqual(await importDeck({ name, csv: deckOf('0.1'), dryRun: true }), {
      version: 0,
      rows: 1,
      problems: [],
    });
    assert.equal((await importDeck({ name, csv: deckOf('0.1'), validFromUs: 5n })).version, 1);
    assert.equal((await importDeck({ name, csv: deckOf('0.2'), validFromUs: 7n })).version, 2);
    const { decks } = await call(world.decks, world.decks.listDecks, {});
    assert.deepEqual(
      decks.filter((deck) => deck.name === name),
      [5n, 7n].map((validFromUs, index) => ({ name, currency: 'EUR', version: index + 1, rows: 1, validFromUs })),
    );
  });

  test('in another currency than the deck has is refused', async () => {
    const name = fresh('deck');
    await importDeck({ name, csv: deckOf('0.1') });
    const wrong = await importDeck({ name, currency: 'PLN', csv: 'prefix,price\n48,1\n' });
    assert.deepEqual(wrong.problems, [{ row: 0, column: '@currency', message: 'the deck has EUR' }]);
    const inFile = await importDeck({ name, csv: '@currency,PLN\nprefix,price\n48,1\n' });
    assert.match(inFile.problems[0]!.message, /"PLN" is not the deck's currency EUR/);
  });

  test('of 20,000 rows takes less than the deadline', async () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => `${100_000 + index},0.${(index % 99) + 1},60/1`);
    const csv = `@currency,EUR\nprefix,price,increment\n${rows.join('\n')}\n`;
    assert.equal((await importDeck({ name: fresh('deck'), csv })).rows, 20_000);
  });
});

describe('versions', () => {
  test('with a future start are in force from then on, at every process', async () => {
    const name = fresh('deck');
    const now = nowUs();
    await importDeck({ name, csv: deckOf('0.06') });
    const other = await world.second();
    try {
      await importDeck({ name, csv: deckOf('0.60'), validFromUs: now + 3600n * S });
      const account = await world.account(1, name);
      const held = async (startAtUs: bigint) => {
        const answer = await world.reserve({
          payer: pays(account),
          legs: [leg(fresh('leg'), A, { startAtUs })],
          capUs: 30n * S,
        });
        return answer.held?.micros;
      };
      assert.equal(await held(now + 3599n * S), 30_000n);
      assert.equal(await held(now + 3600n * S), 300_000n);
    } finally {
      await other.stop();
    }
  });

  test('imported at another process are known at once', async () => {
    const name = fresh('deck');
    await importDeck({ name, csv: deckOf('0.06') });
    const account = await world.account(1, name);
    // As another process writes it, behind this one's back.
    await world.pool.query(
      `INSERT INTO billing.deck_version (name, version, valid_from_us, row_count, csv, imported_at_us)
       VALUES ($1, 2, $2, 1, $3, 0)`,
      [name, nowUs(), deckOf('0.60')],
    );
    const legs = [leg(fresh('leg'), A, { startAtUs: nowUs() + S })];
    assert.equal((await world.reserve({ payer: pays(account), legs, capUs: 60n * S })).held?.micros, 600_000n);
  });
});

describe('an export', () => {
  const exported = async (deck: string, version = 0) => {
    const parts: billing.ExportDeckResponse[] = [];
    for await (const part of callStream(world.decks, world.decks.exportDeck, { deck, version })) parts.push(part);
    return { parts: parts.length, version: parts[0]?.version, csv: parts.map(({ csv }) => csv).join('') };
  };

  test('is a version as it was imported, to the character, however long', async () => {
    const name = fresh('deck');
    const first = `@currency,EUR\r\n# \u{1F4DE}${'\u{1F4DE}'.repeat(200_000)}\r\nprefix,price\r\n48,0.05\r\n`;
    await importDeck({ name, csv: first });
    await importDeck({ name, csv: deckOf('0.06'), validFromUs: nowUs() + 3_600n * S });
    const now = await exported(name);
    assert.ok(now.parts > 1);
    assert.deepEqual([now.version, now.csv === first], [1, true]);
    assert.deepEqual(await exported(name, 2), { parts: 1, version: 2, csv: deckOf('0.06') });
  });

  test('of a deck or version that is not there is refused', async () => {
    const name = fresh('deck');
    await assert.rejects(exported(name), /deck: there is no such deck, or no such version/);
    await importDeck({ name, csv: deckOf('0.06') });
    await assert.rejects(exported(name, 2), /no such version/);
    await assert.rejects(exported(''), /deck: is empty/);
  });
});

describe('Explain', () => {
  const explain = (request: Partial<billing.ExplainRequest>) =>
    call(world.decks, world.decks.explain, billing.ExplainRequest.fromPartial(request));

  test('shows how a cost comes about', async () => {
    const name = fresh('deck');
    await importDeck({ name, csv: '@currency,EUR\nprefix,price,increment,connect_fee\n48,0.05,30/6,0.01\n' });
    assert.deepEqual(await explain({ deck: name, number: A, startAtUs: NOON, durationUs: 45n * S }), {
      cost: { micros: 50_000n, currency: 'EUR' },
      prefix: '48',
      deckVersion: 1,
      steps: [
        'prefix 48, row 3, in force at 2026-07-07 12:00:00 UTC',
        'duration 45 s, billed 45 s (up)',
        'connect fee 0.01',
        '0 s to 30 s (from 2026-07-07 12:00:00): 1 × 30 s at 0.05 per minute (row 3) = 0.025',
        '30 s to 48 s (from 2026-07-07 12:00:30): 3 × 6 s at 0.05 per minute (row 3) = 0.015',
        'sum 0.05',
        'rounded half_up to 6 decimals',
        'cost 0.05 EUR',
      ],
    });
  });

  test('says why there is no cost', async () => {
    const name = fresh('deck');
    await importDeck({ name, csv: '@currency,EUR\nprefix,price,blocked\n48,1,\n4860,,yes\n' });
    await assert.rejects(explain({ deck: name, number: A, startAtUs: NOON }), /number: it is blocked/);
    await assert.rejects(
      explain({ deck: name, number: '+1', startAtUs: NOON }),
      /number: no prefix of the deck matches it/,
    );
    await assert.rejects(explain({ deck: 'none', number: A, startAtUs: NOON }), /deck: there is no such deck/);
  });
});
