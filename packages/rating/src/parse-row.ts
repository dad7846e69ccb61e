import {
  CellError,
  parseDay,
  parsePercent,
  parsePrice,
  parseSeconds,
  parseSingleStep,
  parseSteps,
  parseYes,
} from './parse-cells.ts';
import type { Row, Terms } from './model.ts';
import { DAY_SECONDS, parseDays, parseHours, type Week, weekOf } from './week.ts';

/** Columns that say what is charged: rows equal in them share one `Terms`. */
const TERM_COLUMNS = [
  'price',
  'increment',
  'steps',
  'connect_fee',
  'free_seconds',
  'grace_seconds',
  'min_cost',
  'max_cost',
  'surcharge_percent',
  'tax_percent',
  'blocked',
] as const;
const WHEN_COLUMNS = ['days', 'hours', 'valid_from', 'valid_to', 'priority'] as const;

/** Every column a deck may have; only `prefix` must be there. */
export const COLUMNS = ['prefix', 'destination', 'currency', ...TERM_COLUMNS, ...WHEN_COLUMNS] as const;
export type Column = (typeof COLUMNS)[number];

export const isColumn = (name: string): name is Column => (COLUMNS as readonly string[]).includes(name);

/** Reads rows of one file; equal terms and weeks become one object, so that a large deck stays small. */
export class RowReader {
  readonly #index: Partial<Record<Column, number>> = {};
  readonly #currency: string;
  readonly #terms = new Map<string, Terms>();
  readonly #weeks = new Map<string, Week>();

  constructor(header: readonly Column[], currency: string) {
    header.forEach((column, index) => {
      this.#index[column] = index;
    });
    this.#currency = currency;
  }

  /** @throws {CellError} at the first cell that is wrong. */
  read(line: number, cells: readonly string[]): { prefix: string; row: Row } {
    const cell = (column: Column): string => cells[this.#index[column] ?? -1] ?? '';
    const prefix = this.#prefix(cell('prefix'));
    const currency = cell('currency');
    if (currency !== '' && currency !== this.#currency) {
      throw new CellError('currency', `"${currency}" is not the deck's currency ${this.#currency}`);
    }
    const week = this.#week(cell('days'), cell('hours'));
    const fromDay = parseDay('valid_from', cell('valid_from'));
    const toDay = parseDay('valid_to', cell('valid_to'));
    if (fromDay !== undefined && toDay !== undefined && fromDay >= toDay) {
      throw new CellError('valid_to', 'ends before it begins (the last day is not included)');
    }
    const always = week === undefined && fromDay === undefined && toDay === undefined;
    const priority = this.#priority(cell('priority'), always);
    return {
      prefix,
      row: { line, destination: cell('destination'), terms: this.#termsOf(cell), week, fromDay, toDay, priority },
    };
  }

  #prefix(text: string): string {
    if (text === '*') return '';
    const digits = text.startsWith('+') ? text.slice(1) : text;
    if (digits.startsWith('0'))
      throw new CellError('prefix', `"${text}" begins with 0: prefixes are international, without 00`);
    if (!/^\d{1,15}$/.test(digits))
      throw new CellError('prefix', `"${text}" is not 1 to 15 digits (or * for every number)`);
    return digits;
  }

  #week(days: string, hours: string): Week | undefined {
    if (days === '' && hours === '') return undefined;
    const text = `${days} ${hours}`.trim();
    let week = this.#weeks.get(text);
    if (!week) {
      const onDays = parseDays(days === '' ? 'mon-sun' : days);
      if (!onDays) throw new CellError('days', `"${days}" is not days like mon-fri or sat,sun`);
      const atHours = hours === '' ? ([[0, DAY_SECONDS]] as const) : parseHours(hours);
      if (!atHours) throw new CellError('hours', `"${hours}" is not hours like 08:00-18:00`);
      week = weekOf(text, onDays, atHours);
      this.#weeks.set(text, week);
    }
    return week;
  }

  #priority(text: string, always: boolean): number {
    if (text === '') return always ? 0 : 1;
    if (!/^-?\d{1,4}$/.test(text)) throw new CellError('priority', `"${text}" is not a whole number`);
    return Number(text);
  }

  #termsOf(cell: (column: Column) => string): Terms {
    const key = TERM_COLUMNS.map(cell).join('\n');
    let terms = this.#terms.get(key);
    if (!terms) {
      terms = readTerms(cell);
      this.#terms.set(key, terms);
    }
    return terms;
  }
}

function readTerms(cell: (column: Column) => string): Terms {
  const blocked = parseYes('blocked', cell('blocked'));
  const [price, steps, increment] = [cell('price'), cell('steps'), cell('increment')];
  if (steps !== '' && price !== '') throw new CellError('steps', 'a row has either steps or a price');
  if (steps !== '' && increment !== '')
    throw new CellError('increment', 'increments stand within steps where there are steps');
  if (price === '' && steps === '' && !blocked) throw new CellError('price', 'is empty');
  const optionalPrice = (column: Column): bigint | undefined =>
    cell(column) === '' ? undefined : parsePrice(column, cell(column));
  const seconds = (column: Column): number => (cell(column) === '' ? 0 : parseSeconds(column, cell(column)));
  const percent = (column: Column): bigint => (cell(column) === '' ? 0n : parsePercent(column, cell(column)));
  const terms: Terms = {
    blocked,
    steps: steps !== '' ? parseSteps(steps) : price !== '' ? parseSingleStep(price, increment) : [],
    connectFee: optionalPrice('connect_fee') ?? 0n,
    minCost: optionalPrice('min_cost'),
    maxCost: optionalPrice('max_cost'),
    freeMs: seconds('free_seconds'),
    graceMs: seconds('grace_seconds'),
    surcharge: percent('surcharge_percent'),
    tax: percent('tax_percent'),
  };
  if (terms.minCost !== undefined && terms.maxCost !== undefined && terms.minCost > terms.maxCost) {
    throw new CellError('max_cost', 'is less than min_cost');
  }
  return terms;
}
