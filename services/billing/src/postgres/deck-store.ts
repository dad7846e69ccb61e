import { type Deck, type DeckProblem, parseDeck } from '@ringback/rating';
import { type Pool, transaction } from '@ringback/service-kit';
import type { DeckCache } from './deck-cache.ts';

export interface Imported {
  /** 0: nothing was applied. */
  readonly version: number;
  readonly rows: number;
  readonly problems: readonly DeckProblem[];
}

/** A new version of a deck from CSV; nothing is applied when anything is wrong with it, or on a dry run. */
export async function importDeck(
  pool: Pool,
  cache: DeckCache,
  deck: { name: string; currency: string; csv: string; validFromUs: bigint; dryRun: boolean },
  nowUs: bigint,
): Promise<Imported> {
  const known = await pool.query<{ currency: string }>('SELECT currency FROM billing.deck WHERE name = $1', [
    deck.name,
  ]);
  const currency = known.rows[0]?.currency ?? deck.currency;
  if (deck.currency !== '' && deck.currency !== currency) {
    return { version: 0, rows: 0, problems: [{ row: 0, column: '@currency', message: `the deck has ${currency}` }] };
  }
  const parsed = parseDeck(deck.csv, currency);
  if (!parsed.deck || deck.dryRun) return { version: 0, rows: parsed.rows, problems: parsed.problems };
  const version = await insertVersion(pool, deck, parsed.deck, nowUs);
  cache.add({ deck: deck.name, version }, parsed.deck);
  await cache.refresh(nowUs);
  return { version, rows: parsed.rows, problems: [] };
}

function insertVersion(
  pool: Pool,
  deck: { name: string; csv: string; validFromUs: bigint },
  parsed: Deck,
  nowUs: bigint,
): Promise<number> {
  return transaction(pool, async (client) => {
    const { currency } = parsed.settings;
    await client.query('INSERT INTO billing.deck (name, currency) VALUES ($1, $2) ON CONFLICT DO NOTHING', [
      deck.name,
      currency,
    ]);
    const { rows } = await client.query('SELECT currency FROM billing.deck WHERE name = $1 FOR UPDATE', [deck.name]);
    if (rows[0].currency !== currency) throw new Error('the deck was made in another currency meanwhile');
    const inserted = await client.query<{ version: number }>(
      `INSERT INTO billing.deck_version (name, version, valid_from_us, row_count, csv, imported_at_us)
       SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 FROM billing.deck_version WHERE name = $1 RETURNING version`,
      [deck.name, deck.validFromUs || nowUs, parsed.rowCount, deck.csv, nowUs],
    );
    return inserted.rows[0]!.version;
  });
}
