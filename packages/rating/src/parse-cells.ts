import { parseDecimal } from '@ringback/money';
import { PERCENT_DECIMALS, PRICE_DECIMALS, type Step } from './model.ts';

/** A cell that is not what its column holds. */
export class CellError extends Error {
  override readonly name = 'CellError';
  readonly column: string;

  constructor(column: string, message: string) {
    super(message);
    this.column = column;
  }
}

const LONGEST_MS = 86_400_000;
const HIGHEST_PRICE = 10n ** 13n; // 1,000,000 a minute

/** A price or fee: not negative, at most 7 decimals; 10^-7 of the currency. */
export function parsePrice(column: string, text: string): bigint {
  const value = parseDecimal(text, PRICE_DECIMALS);
  if (value === undefined)
    throw new CellError(column, `"${text}" is not a decimal number with at most ${PRICE_DECIMALS} decimals`);
  if (value < 0n) throw new CellError(column, `"${text}" is negative`);
  if (value > HIGHEST_PRICE) throw new CellError(column, `"${text}" is more than 1000000`);
  return value;
}

/** Seconds with at most 3 decimals, as milliseconds. */
export function parseSeconds(column: string, text: string): number {
  const value = parseDecimal(text, 3);
  if (value === undefined) throw new CellError(column, `"${text}" is not a number of seconds with at most 3 decimals`);
  if (value < 0n || value > LONGEST_MS) throw new CellError(column, `"${text}" is not between 0 and 86400 seconds`);
  return Number(value);
}

/** Per cent, at most 4 decimals; 10^-4 %. */
export function parsePercent(column: string, text: string): bigint {
  const value = parseDecimal(text, PERCENT_DECIMALS);
  if (value === undefined)
    throw new CellError(column, `"${text}" is not a percentage with at most ${PERCENT_DECIMALS} decimals`);
  if (value < 0n || value > 10_000_000n) throw new CellError(column, `"${text}" is not between 0 and 1000`);
  return value;
}

/** "60" or "30/6" (a first step of 30 s, then 6 s), as milliseconds. */
function parseIncrement(column: string, text: string): { first: number; rest: number } {
  const [first = '', rest = first, ...more] = text.split('/');
  if (more.length > 0) throw new CellError(column, `"${text}" is not an increment like 60 or 30/6`);
  const increment = { first: parseSeconds(column, first.trim()), rest: parseSeconds(column, rest.trim()) };
  if (increment.first === 0 || increment.rest === 0)
    throw new CellError(column, `"${text}": an increment of 0 s never ends`);
  return increment;
}

function pushStep(steps: Step[], column: string, fromMs: number, price: string, increment: string): void {
  const { first, rest } = parseIncrement(column === 'steps' ? 'steps' : 'increment', increment);
  const step = { fromMs, price: Number(parsePrice(column, price)) };
  steps.push({ ...step, incrementMs: first });
  if (rest !== first) steps.push({ ...step, fromMs: fromMs + first, incrementMs: rest });
}

/** The columns `price` and `increment`: one price from the first second on. */
export function parseSingleStep(price: string, increment: string): Step[] {
  const steps: Step[] = [];
  pushStep(steps, 'price', 0, price, increment === '' ? '1' : increment);
  return steps;
}

/** The column `steps`: "0:0.10:60/1; 600:0.05:1" = from second : price per minute : increment. */
export function parseSteps(text: string): Step[] {
  const steps: Step[] = [];
  let writtenFromMs = -1;
  for (const item of text.split(/[;|]/)) {
    const [from, price, increment, ...more] = item.split(':').map((part) => part.trim());
    if (from === undefined || price === undefined || increment === undefined || more.length > 0) {
      throw new CellError(
        'steps',
        `"${item.trim()}" is not a step like 0:0.10:60 (from second, price per minute, increment)`,
      );
    }
    const fromMs = parseSeconds('steps', from);
    if (steps.length === 0 && fromMs !== 0) throw new CellError('steps', 'the first step must begin at second 0');
    if (fromMs <= writtenFromMs) {
      throw new CellError('steps', `the step from second ${from} does not come after the one before it`);
    }
    // The second half of "x/y" begins x seconds later: a step written for that second or before it takes its place.
    if (steps.length > 0 && steps.at(-1)!.fromMs >= fromMs) steps.pop();
    writtenFromMs = fromMs;
    pushStep(steps, 'steps', fromMs, price, increment);
  }
  return steps;
}

export function parseYes(column: string, text: string): boolean {
  const word = text.toLowerCase();
  if (['yes', 'true', '1'].includes(word)) return true;
  if (['', 'no', 'false', '0'].includes(word)) return false;
  throw new CellError(column, `"${text}" is neither yes nor no`);
}

/** "2026-07-01" as local days since 1970-01-01. */
export function parseDay(column: string, text: string): number | undefined {
  if (text === '') return undefined;
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  const ms = match ? Date.UTC(Number(match[1]), Number(match[2]) - 1, Number(match[3])) : Number.NaN;
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== text) {
    throw new CellError(column, `"${text}" is not a date like 2026-07-01`);
  }
  return ms / 86_400_000;
}
