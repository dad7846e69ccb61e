import { billing } from '@ringback/contracts';
import { explain, rate } from '@ringback/rating';
import { GrpcError, type Logger, nowUs, type Pool, unaryHandlers } from '@ringback/service-kit';
import type { DeckCache } from '../postgres/deck-cache.ts';
import { importDeck } from '../postgres/deck-store.ts';
import { refusing } from './refusals.ts';
import { checkExplain, checkImportDeck } from './validate.ts';

const WHY_NOT = {
  no_prefix: 'no prefix of the deck matches it',
  not_valid_now: 'no row of its prefix is valid at that time',
  blocked: 'it is blocked',
} as const;

/** DeckService: price lists and what they make of a call. */
export function deckHandlers(log: Logger, pool: Pool, decks: DeckCache) {
  return unaryHandlers(
    log,
    refusing({
      importDeck: async (request: billing.ImportDeckRequest): Promise<billing.ImportDeckResponse> => {
        checkImportDeck(request);
        const { version, rows, problems } = await importDeck(pool, decks, request, nowUs());
        if (version > 0) log.info({ deck: request.name, version, rows }, 'a deck version was imported');
        return { version, rows, problems: [...problems] };
      },
      listDecks: async (): Promise<billing.ListDecksResponse> => {
        const { rows } = await pool.query(
          `SELECT name, currency, version, row_count, valid_from_us FROM billing.deck_version JOIN billing.deck USING (name)
           ORDER BY name, version`,
        );
        const toDeck = (row: (typeof rows)[number]): billing.Deck => ({
          name: row.name,
          currency: row.currency,
          version: row.version,
          rows: row.row_count,
          validFromUs: row.valid_from_us,
        });
        return { decks: rows.map(toDeck) };
      },
      explain: async (request: billing.ExplainRequest): Promise<billing.ExplainResponse> => {
        checkExplain(request);
        await decks.refresh(nowUs());
        const version = decks.versionAt(request.deck, request.startAtUs);
        if (version === undefined) throw GrpcError.notFound('deck', 'there is no such deck');
        const deck = await decks.load({ deck: request.deck, version });
        const { curve, reason } = rate(deck, request.number, request.startAtUs);
        if (!curve) throw GrpcError.notFound('number', WHY_NOT[reason]);
        return {
          cost: { micros: curve.cost(Number(request.durationUs)), currency: deck.settings.currency },
          steps: explain(curve, request.durationUs),
          prefix: curve.prefix,
          deckVersion: version,
        };
      },
    }),
  );
}
