/** Rating: what a call costs and how long it can last. Pure: no I/O, no clock. Rules and examples: docs/charging.md. */
export { type Cost, CostCurve, type Curve, FREE } from './cost-curve.ts';
export { CsvError, type CsvRecord, csvLine, csvRecords } from './csv.ts';
export { type DeckDiff, diffDecks, type RowChange } from './diff.ts';
export { explain } from './explain.ts';
export { admissionCost, longestCall, type Quote, type QuotedLeg } from './longest-call.ts';
export type { Deck, DeckProblem, DeckSettings } from './model.ts';
export { type ParsedDeck, parseDeck } from './parse-deck.ts';
export { cost, type NoRate, rate, type Rated } from './rate.ts';
