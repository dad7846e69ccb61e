import { type Deck, parseDeck } from '@ringback/rating';
import type { Pool } from '@ringback/service-kit';
import { DeckNotLoaded, type PinnedDeck, type Tariffs } from '../domain/model.ts';

interface Version {
  readonly version: number;
  readonly validFromUs: bigint;
}

/** Versions kept in memory besides those in force now or later. */
const MOST_OLD_VERSIONS = 8;
const key = ({ deck, version }: PinnedDeck): string => `${deck}/${version}`;

/**
 * Deck versions in memory. `revision` is how many versions there are (none ever goes): a batch that counts another number in
 * the database refreshes first. Versions are immutable, so what is loaded stays true.
 */
export class DeckCache implements Tariffs {
  readonly #pool: Pool;
  #revision = -1n;
  /** By valid from, then version. */
  #versions = new Map<string, readonly Version[]>();
  readonly #decks = new Map<string, Deck>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  get revision(): bigint {
    return this.#revision;
  }

  versionAt(deck: string, atUs: bigint): number | undefined {
    const versions = this.#versions.get(deck);
    return (versions?.findLast(({ validFromUs }) => validFromUs <= atUs) ?? versions?.[0])?.version;
  }

  deck(pinned: PinnedDeck): Deck {
    const deck = this.#decks.get(key(pinned));
    if (!deck) throw new DeckNotLoaded(pinned);
    return deck;
  }

  /** Takes in which versions there are, and loads those that are or will be in force. */
  async refresh(nowUs: bigint): Promise<void> {
    const { rows } = await this.#pool.query<{ name: string; version: number; valid_from_us: bigint }>(
      'SELECT name, version, valid_from_us FROM billing.deck_version ORDER BY valid_from_us, version',
    );
    this.#versions = new Map(
      [...Map.groupBy(rows, ({ name }) => name)].map(([name, group]) => [
        name,
        group.map(({ version, valid_from_us }) => ({ version, validFromUs: valid_from_us })),
      ]),
    );
    this.#revision = BigInt(rows.length);
    for (const [deck, versions] of this.#versions) {
      const now = this.versionAt(deck, nowUs);
      for (const { version, validFromUs } of versions) {
        if (version === now || validFromUs > nowUs) await this.load({ deck, version });
      }
    }
  }

  /** @throws Error when there is no such version. */
  async load(pinned: PinnedDeck): Promise<Deck> {
    const loaded = this.#decks.get(key(pinned));
    if (loaded) return loaded;
    const { rows } = await this.#pool.query<{ csv: string; currency: string }>(
      'SELECT v.csv, d.currency FROM billing.deck_version v JOIN billing.deck d USING (name) WHERE v.name = $1 AND v.version = $2',
      [pinned.deck, pinned.version],
    );
    if (!rows[0]) throw new Error(`there is no version ${pinned.version} of deck ${pinned.deck}`);
    const { deck, problems } = parseDeck(rows[0].csv, rows[0].currency);
    if (!deck) throw new Error(`deck ${pinned.deck} version ${pinned.version} cannot be read: ${problems[0]?.message}`);
    this.add(pinned, deck);
    return deck;
  }

  add(pinned: PinnedDeck, deck: Deck): void {
    this.#decks.set(key(pinned), deck);
    const excess = this.#decks.size - this.#versions.size - MOST_OLD_VERSIONS;
    // The map keeps the order of loading: the oldest go first, and are loaded again should a late settlement need them.
    for (const old of [...this.#decks.keys()].slice(0, Math.max(0, excess))) this.#decks.delete(old);
  }
}
