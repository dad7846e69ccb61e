import { type Curve, FREE, type NoRate, rate } from '@ringback/rating';
import type { Environment, PinnedDeck } from './model.ts';

export interface RatedLeg {
  readonly number: string;
  readonly inbound: boolean;
  /** Epoch µs of the answer. */
  readonly startUs: bigint;
}

export type RatedCurve =
  | { readonly curve: Curve; readonly pinned: PinnedDeck; readonly currency: string; readonly reason: undefined }
  | { readonly curve: undefined; readonly pinned: PinnedDeck; readonly reason: NoRate | 'no_deck' | 'other_currency' };

/** No deck: the leg costs nothing. */
export const NO_DECK: PinnedDeck = { deck: '', version: 0 };

/**
 * Price of a leg: an outbound one by the payer's deck, an inbound one by the row of its access number in the deck for those
 * (nothing where there is none). A version pinned before stays, as long as it is of the same deck.
 * `currency` is the payer's, or empty when it has none.
 * @throws {DeckNotLoaded}
 */
export function tariff(
  env: Environment,
  leg: RatedLeg,
  deckOfPayer: string,
  currency: string,
  pinned: PinnedDeck | undefined,
): RatedCurve {
  const name = leg.inbound ? env.inboundDeck : deckOfPayer;
  const free = { curve: FREE, pinned: NO_DECK, currency, reason: undefined };
  // A leg that began as free stays free, whatever deck was imported since.
  if (leg.inbound && pinned?.version === 0) return free;
  const kept = pinned?.deck === name ? pinned.version : undefined;
  const version = name === '' ? undefined : (kept ?? env.tariffs.versionAt(name, leg.startUs));
  if (version === undefined) return leg.inbound ? free : { curve: undefined, pinned: NO_DECK, reason: 'no_deck' };
  const chosen = { deck: name, version };
  const deck = env.tariffs.deck(chosen);
  if (currency !== '' && deck.settings.currency !== currency) {
    return { curve: undefined, pinned: chosen, reason: 'other_currency' };
  }
  const rated = rate(deck, leg.number, leg.startUs);
  if (rated.curve) return { curve: rated.curve, pinned: chosen, currency: deck.settings.currency, reason: undefined };
  // An access number without a row costs nothing; a blocked one is blocked.
  return leg.inbound && rated.reason !== 'blocked' ? free : { curve: undefined, pinned: chosen, reason: rated.reason };
}
