import { formatDecimal } from '@ringback/money';
import {
  type Deck,
  type DeckSettings,
  PERCENT_DECIMALS,
  PRICE_DECIMALS,
  type Row,
  type Step,
  type Terms,
} from './model.ts';

const MICRO_DECIMALS = 6;
const DAY_MS = 86_400_000;

/** A row that one deck has and the other has not, or has with other terms; prices in words. */
export interface RowChange {
  readonly change: 'added' | 'removed' | 'changed';
  /** Digits, or `*`. */
  readonly prefix: string;
  readonly destination: string;
  /** When the row is valid; empty: always. */
  readonly when: string;
  /** Empty where there was none. */
  readonly before: string;
  /** Empty where there is none any more. */
  readonly after: string;
}

export interface DeckDiff {
  readonly settings: readonly { readonly name: keyof DeckSettings; readonly before: string; readonly after: string }[];
  /** By prefix. */
  readonly rows: readonly RowChange[];
  /** Rows that are the same. */
  readonly unchanged: number;
}

interface Found {
  readonly prefix: string;
  readonly row: Row;
}

/** What differs for calls between two versions of a deck. How a file is written (order, spelling, names of days) makes no difference. */
export function diffDecks(before: Deck, after: Deck): DeckDiff {
  const old = rowsOf(before);
  const rows: RowChange[] = [];
  let unchanged = 0;
  for (const [key, { prefix, row }] of rowsOf(after)) {
    const was = old.get(key)?.row;
    old.delete(key);
    const [from, to] = [was ? describe(was) : '', describe(row)];
    if (from === to) unchanged += 1;
    else rows.push({ change: was ? 'changed' : 'added', ...placeOf(prefix, row), before: from, after: to });
  }
  for (const { prefix, row } of old.values()) {
    rows.push({ change: 'removed', ...placeOf(prefix, row), before: describe(row), after: '' });
  }
  rows.sort((one, other) => compare(one.prefix, other.prefix) || compare(one.when, other.when));
  const settings = (Object.keys(after.settings) as (keyof DeckSettings)[])
    .map((name) => ({ name, before: String(before.settings[name]), after: String(after.settings[name]) }))
    .filter((setting) => setting.before !== setting.after);
  return { settings, rows, unchanged };
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** Rows by what makes them comparable: prefix, times, priority. No two rows of a deck have all of them in common. */
function rowsOf(deck: Deck): Map<string, Found> {
  const rows = new Map<string, Found>();
  for (const { prefix, rows: list } of deck.prefixes.values()) {
    for (const row of list) {
      const when = [row.week?.intervals ?? [], row.fromDay ?? '', row.toDay ?? '', row.priority];
      rows.set(`${prefix} ${JSON.stringify(when)}`, { prefix, row });
    }
  }
  return rows;
}

function placeOf(prefix: string, row: Row): { prefix: string; destination: string; when: string } {
  const day = (at: number | undefined, word: string): string =>
    at === undefined ? '' : `${word} ${new Date(at * DAY_MS).toISOString().slice(0, 10)}`;
  const usual = row.week || row.fromDay !== undefined || row.toDay !== undefined ? 1 : 0;
  const when = [
    row.week?.text ?? '',
    day(row.fromDay, 'from'),
    day(row.toDay, 'to'),
    row.priority === usual ? '' : `priority ${row.priority}`,
  ];
  return { prefix: prefix === '' ? '*' : prefix, destination: row.destination, when: when.filter(Boolean).join(' ') };
}

function describe({ terms }: Row): string {
  if (terms.blocked) return 'blocked';
  const amount = (name: string, value: bigint | undefined): string =>
    value === undefined ? '' : `${name} ${formatDecimal(value, PRICE_DECIMALS, 2)}`;
  const percent = (name: string, value: bigint): string =>
    value === 0n ? '' : `${name} ${formatDecimal(value, PERCENT_DECIMALS)} %`;
  const time = (name: string, ms: number): string => (ms === 0 ? '' : `${name} ${seconds(ms)}`);
  return [
    stepsOf(terms),
    terms.connectFee === 0n ? '' : amount('connect fee', terms.connectFee),
    time('free', terms.freeMs),
    time('grace', terms.graceMs),
    amount('at least', terms.minCost),
    amount('at most', terms.maxCost),
    percent('surcharge', terms.surcharge),
    percent('tax', terms.tax),
  ]
    .filter(Boolean)
    .join(', ');
}

/** "0.12 per 60 s": a price is per minute, charged by so much at once. */
function stepsOf({ steps }: Terms): string {
  const step = ({ price, incrementMs }: Step): string =>
    `${formatDecimal(BigInt(price), PRICE_DECIMALS, 2)} a minute by ${seconds(incrementMs)}`;
  return steps
    .map((each) => (each.fromMs === 0 ? step(each) : `from ${seconds(each.fromMs)} ${step(each)}`))
    .join('; ');
}

const seconds = (ms: number): string => `${formatDecimal(BigInt(ms) * 1000n, MICRO_DECIMALS)} s`;
