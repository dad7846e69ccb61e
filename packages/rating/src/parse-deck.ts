import { isCurrency, isRoundingMode, ROUNDING_MODES } from '@ringback/money';
import { CsvError, csvRecords } from './csv.ts';
import {
  type Deck,
  type DeckProblem,
  type DeckSettings,
  DURATION_MODES,
  type DurationMode,
  type PrefixRows,
  type Row,
} from './model.ts';
import { CellError } from './parse-cells.ts';
import { COLUMNS, type Column, isColumn, RowReader } from './parse-row.ts';
import { PrefixTree } from './prefix-tree.ts';
import { firstCommon, nameOfSecond } from './week.ts';
import { zoneOf } from './zone.ts';

export type ParsedDeck =
  | { readonly deck: Deck; readonly problems: readonly []; readonly rows: number }
  | { readonly deck: undefined; readonly problems: readonly DeckProblem[]; readonly rows: number };

const SETTINGS = ['currency', 'time_zone', 'rounding', 'decimals', 'duration'] as const;
type Setting = (typeof SETTINGS)[number];
const MOST_ROWS_PER_PREFIX = 500;

/**
 * Compiles a deck from CSV (format: docs/decks.md), or reports everything that is wrong with it.
 * @param currency the deck's currency, when it is known from elsewhere; the file's `@currency` must be the same.
 */
export function parseDeck(csv: string, currency = ''): ParsedDeck {
  const problems: DeckProblem[] = [];
  const settings = new Map<Setting, { text: string; line: number }>();
  const groups = new Map<string, Row[]>();
  let header: readonly Column[] | undefined;
  let reader: RowReader | undefined;
  let rows = 0;
  try {
    for (const { line, cells } of csvRecords(csv)) {
      const first = cells[0] ?? '';
      if (first.startsWith('#')) continue;
      if (!header && first.startsWith('@')) {
        readSetting(settings, problems, line, first.slice(1), cells);
      } else if (!header) {
        header = readHeader(problems, line, cells);
        if (!header) break;
        reader = new RowReader(header, settings.get('currency')?.text ?? currency);
      } else if (cells.some((cell) => cell !== '')) {
        rows += 1;
        readRow(groups, problems, reader!, header, line, cells);
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    problems.push({ row: error.line, column: '', message: error.message });
  }
  if (!header && problems.length === 0) problems.push({ row: 1, column: '', message: 'there is no header line' });
  else if (header && rows === 0 && problems.length === 0)
    problems.push({ row: 1, column: '', message: 'there are no rows' });
  const compiled = readSettings(settings, problems, currency);
  const prefixes = new PrefixTree<PrefixRows>();
  for (const [prefix, list] of groups) {
    list.sort((a, b) => b.priority - a.priority);
    if (list.length <= MOST_ROWS_PER_PREFIX) reportOverlaps(prefix, list, problems);
    else problems.push({ row: list[0]!.line, column: 'prefix', message: `has more than ${MOST_ROWS_PER_PREFIX} rows` });
    prefixes.set(prefix, { prefix, rows: list });
  }
  if (problems.length > 0 || !compiled) {
    return { deck: undefined, problems: problems.sort((a, b) => a.row - b.row), rows };
  }
  return {
    deck: { settings: compiled, zone: zoneOf(compiled.timeZone), prefixes, rowCount: rows },
    problems: [],
    rows,
  };
}

function readSetting(
  settings: Map<Setting, { text: string; line: number }>,
  problems: DeckProblem[],
  line: number,
  name: string,
  cells: readonly string[],
): void {
  const column = `@${name}`;
  if (!(SETTINGS as readonly string[]).includes(name)) {
    problems.push({
      row: line,
      column,
      message: `no such setting (there are ${SETTINGS.map((each) => `@${each}`).join(', ')})`,
    });
  } else if (settings.has(name as Setting)) {
    problems.push({ row: line, column, message: 'is set twice' });
  } else if (cells.slice(2).some((cell) => cell !== '')) {
    problems.push({ row: line, column, message: 'a setting has one value' });
  } else {
    settings.set(name as Setting, { text: cells[1] ?? '', line });
  }
}

function readHeader(problems: DeckProblem[], line: number, cells: readonly string[]): readonly Column[] | undefined {
  const before = problems.length;
  const names = cells.map((cell) => cell.toLowerCase());
  names.forEach((name, index) => {
    if (!isColumn(name)) {
      problems.push({ row: line, column: cells[index]!, message: `no such column (there are ${COLUMNS.join(', ')})` });
    } else if (names.indexOf(name) !== index) {
      problems.push({ row: line, column: name, message: 'stands twice in the header' });
    }
  });
  if (!names.includes('prefix')) problems.push({ row: line, column: 'prefix', message: 'is missing in the header' });
  return problems.length > before ? undefined : (names as Column[]);
}

function readRow(
  groups: Map<string, Row[]>,
  problems: DeckProblem[],
  reader: RowReader,
  header: readonly Column[],
  line: number,
  cells: readonly string[],
): void {
  if (cells.length > header.length) {
    return void problems.push({
      row: line,
      column: '',
      message: `has ${cells.length} cells, the header ${header.length}`,
    });
  }
  try {
    const { prefix, row } = reader.read(line, cells);
    const list = groups.get(prefix);
    if (list) list.push(row);
    else groups.set(prefix, [row]);
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    problems.push({ row: line, column: error.column, message: error.message });
  }
}

function readSettings(
  given: Map<Setting, { text: string; line: number }>,
  problems: DeckProblem[],
  currency: string,
): DeckSettings | undefined {
  const before = problems.length;
  const wrong = (name: Setting, message: string): void => {
    problems.push({ row: given.get(name)?.line ?? 1, column: `@${name}`, message });
  };
  const text = (name: Setting, otherwise: string): string => given.get(name)?.text ?? otherwise;
  const own = text('currency', currency);
  if (own === '') wrong('currency', 'is not set');
  else if (!isCurrency(own)) wrong('currency', `"${own}" is not an ISO 4217 currency`);
  else if (currency !== '' && own !== currency) wrong('currency', `"${own}" is not the deck's currency ${currency}`);
  const timeZone = text('time_zone', 'UTC');
  try {
    zoneOf(timeZone);
  } catch {
    wrong('time_zone', `"${timeZone}" is not a time zone like Europe/Warsaw`);
  }
  const rounding = text('rounding', 'half_up');
  if (!isRoundingMode(rounding)) wrong('rounding', `"${rounding}" is none of ${ROUNDING_MODES.join(', ')}`);
  const decimals = text('decimals', '6');
  if (!/^[0-6]$/.test(decimals)) wrong('decimals', `"${decimals}" is not a number from 0 to 6`);
  const duration = text('duration', 'up');
  if (!(DURATION_MODES as readonly string[]).includes(duration)) {
    wrong('duration', `"${duration}" is none of ${DURATION_MODES.join(', ')}`);
  }
  if (problems.length > before || !isRoundingMode(rounding)) return undefined;
  return { currency: own, timeZone, rounding, decimals: Number(decimals), duration: duration as DurationMode };
}

/** Two rows of one prefix, valid at the same moment with the same priority: which one counts would be chance. */
function reportOverlaps(prefix: string, rows: readonly Row[], problems: DeckProblem[]): void {
  for (let i = 0; i < rows.length; i++) {
    for (let j = i + 1; j < rows.length && rows[j]!.priority === rows[i]!.priority; j++) {
      const [a, b] = [rows[i]!, rows[j]!].sort((x, y) => x.line - y.line) as [Row, Row];
      const from = Math.max(a.fromDay ?? -Infinity, b.fromDay ?? -Infinity);
      const to = Math.min(a.toDay ?? Infinity, b.toDay ?? Infinity);
      const common = from < to ? firstCommon(a.week, b.week) : undefined;
      if (common === undefined || !haveCommonDay(a, b, from, to)) continue;
      const when = a.week || b.week ? ` (${nameOfSecond(common)})` : '';
      const message = `row ${a.line} has prefix ${prefix || '*'} too and is valid at the same time${when}: give one of them a higher priority`;
      problems.push({ row: b.line, column: 'prefix', message });
      break;
    }
  }
}

/** Short date ranges may miss the weekday on which the weeks overlap. */
function haveCommonDay(a: Row, b: Row, from: number, to: number): boolean {
  if (to - from >= 7) return true;
  for (let day = from; day < to; day++) {
    const start = ((((day + 3) % 7) + 7) % 7) * 86_400;
    const within = (row: Row): (readonly [number, number])[] =>
      (row.week?.intervals ?? [[0, 604_800] as const])
        .map(([x, y]) => [Math.max(x, start), Math.min(y, start + 86_400)] as const)
        .filter(([x, y]) => x < y);
    if (within(a).some(([x, y]) => within(b).some(([u, v]) => x < v && u < y))) return true;
  }
  return false;
}
