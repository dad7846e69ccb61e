import { billing } from '@ringback/contracts';
import { explain, rate } from '@ringback/rating';
import { GrpcError, type Logger, nowUs, type Pool, serverStream, unaryHandlers } from '@ringback/service-kit';
import type { DeckCache } from '../postgres/deck-cache.ts';
import { importDeck } from '../postgres/deck-store.ts';
import { refusing, refusingStream } from './refusals.ts';
import { checkExplain, checkExportDeck, checkImportDeck } from './validate.ts';

/** Of a part of an exported deck. */
const EXPORT_CHARACTERS = 256 * 1024;

const WHY_NOT = {
  no_prefix: 'no prefix of the deck matches it',
  not_valid_now: 'no row of its prefix is valid at that time',
  blocked: 'it is blocked',
} as const;

/** DeckService: price lists and what they make of a call. */
export function deckHandlers(log: Logger, pool: Pool, decks: DeckCache) {
  const unaries = unaryHandlers(
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
  return {
    ...unaries,
    exportDeck: serverStream(
      log,
      refusingStream((request: billing.ExportDeckRequest) => exportDeck(pool, decks, request)),
    ),
  };
}

async function* exportDeck(
  pool: Pool,
  decks: DeckCache,
  request: billing.ExportDeckRequest,
): AsyncGenerator<billing.ExportDeckResponse> {
  checkExportDeck(request);
  await decks.refresh(nowUs());
  const version = request.version || decks.versionAt(request.deck, nowUs());
  const { rows } = await pool.query<{ csv: string; currency: string }>(
    'SELECT csv, currency FROM billing.deck_version JOIN billing.deck USING (name) WHERE name = $1 AND version = $2',
    [request.deck, version ?? 0],
  );
  const [found] = rows;
  if (!found || version === undefined) throw GrpcError.notFound('deck', 'there is no such deck, or no such version');
  const { csv, currency } = found;
  for (let at = 0; at < csv.length; ) {
    let end = at + EXPORT_CHARACTERS;
    // A pair of surrogates is one character, and goes as one.
    if (/[\uD800-\uDBFF]/.test(csv.charAt(end - 1))) end += 1;
    yield { version, currency, csv: csv.slice(at, end) };
    at = end;
  }
}
