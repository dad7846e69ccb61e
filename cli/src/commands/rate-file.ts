import { formatDecimal, formatMicros, parseDecimal } from '@ringback/money';
import {
  admissionCost,
  type CostCurve,
  CsvError,
  csvLine,
  csvRecords,
  type Deck,
  explain,
  longestCall,
  type NoRate,
  rate,
} from '@ringback/rating';
import type { Output } from '../output.ts';
import { UsageError } from '../platform.ts';
import { Failure } from '../run.ts';
import { moment } from './arguments.ts';
import { readDeck, readText } from './decks.ts';

const MICROS = 6;
const WHY_NOT: Record<NoRate, string> = {
  no_prefix: 'no prefix of the deck matches it',
  not_valid_now: 'no row of its prefix is valid at that time',
  blocked: 'it is blocked',
};

export interface FileOptions {
  deck: string;
  to?: string;
  from?: string;
  start?: string;
  seconds?: string;
  elapsed: string;
  balance?: string;
  cap: string;
  calls?: string;
}

/** What a deck file makes of a call, of the longest one, or of many; without a platform. */
export function rateByFile(out: Output, options: FileOptions): void {
  const deck = readDeck(out, options.deck, readText(options.deck));
  if (options.calls !== undefined) rateCalls(out, deck, options.calls);
  else if (options.balance !== undefined) quote(out, deck, options);
  else rateCall(out, deck, options);
}

const missing = (option: string): never => {
  throw new UsageError(`--${option} is missing`);
};

function numberOf(what: string, text: string): string {
  if (!/^\+?\d{1,15}$/.test(text)) throw new UsageError(`${what} wants a number like +442079460000, got "${text}"`);
  return text.startsWith('+') ? text : `+${text}`;
}

/** An ISO 8601 time with its zone as epoch µs. @throws {UsageError} */
export function startOf(what: string, text: string): bigint {
  // Without a zone it would be read by the clock of whoever asks.
  const [, year, month, day] = /^(\d{4})-(\d\d)-(\d\d)T.*(?:Z|[+-]\d\d:?\d\d)$/.exec(text) ?? [];
  // A day that the month has not would be one of the next.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day);
  if (!isDay || Number.isNaN(Date.parse(text))) {
    throw new UsageError(`${what} wants a time with its zone like 2026-07-07T17:59:30Z, got "${text}"`);
  }
  return moment('start', text);
}

/** Seconds with at most 6 decimals as µs. @throws {UsageError} */
export function microseconds(what: string, text: string): bigint {
  const us = parseDecimal(text, MICROS);
  if (us === undefined || us < 0n || us > 10n ** 14n) {
    throw new UsageError(`${what} wants seconds with at most 6 decimals, got "${text}"`);
  }
  return us;
}

const seconds = (us: bigint): string => formatDecimal(us, MICROS);
const isoTime = (us: bigint): string => new Date(Number(us / 1000n)).toISOString();

/** @throws Failure that says why the number has no price. */
function curveOf(deck: Deck, number: string, startUs: bigint): CostCurve {
  const { curve, reason } = rate(deck, number, startUs);
  if (!curve) throw new Failure(`${number} has no price: ${WHY_NOT[reason]} (${reason})`);
  return curve;
}

function rateCall(out: Output, deck: Deck, options: FileOptions): void {
  const number = numberOf('--to', options.to ?? missing('to'));
  const startUs = startOf('--start', options.start ?? missing('start'));
  const durationUs = microseconds('--seconds', options.seconds ?? missing('seconds'));
  const curve = curveOf(deck, number, startUs);
  const micros = curve.cost(Number(durationUs));
  const { currency } = deck.settings;
  const steps = explain(curve, durationUs);
  if (!out.json) {
    out.line(`${number}, ${seconds(durationUs)} s from ${isoTime(startUs)}`);
    for (const step of steps) out.line(step);
    return;
  }
  const { prefix, row } = curve;
  out.value({
    number,
    start: isoTime(startUs),
    seconds: seconds(durationUs),
    billedSeconds: formatDecimal(BigInt(curve.billedMs(Number(durationUs))), 3),
    prefix,
    destination: row.destination,
    cost: formatMicros(micros, currency),
    micros,
    currency,
    steps,
  });
}

function quote(out: Output, deck: Deck, options: FileOptions): void {
  if (options.seconds !== undefined) throw new UsageError('--seconds and --balance exclude each other');
  const number = numberOf('--to', options.to ?? missing('to'));
  const startUs = startOf('--start', options.start ?? missing('start'));
  const available = parseDecimal(options.balance ?? '', MICROS);
  if (available === undefined) throw new UsageError(`--balance wants an amount like 5.00, got "${options.balance}"`);
  const elapsedUs = microseconds('--elapsed', options.elapsed);
  const capUs = microseconds('--cap', options.cap);
  const { currency } = deck.settings;
  const b = { curve: curveOf(deck, number, startUs), elapsedUs: 0n, leadUs: 0n };
  const legs = [b];
  let spent = 0n;
  if (options.from !== undefined) {
    const curve = curveOf(deck, numberOf('--from', options.from), startUs - elapsedUs);
    legs.push({ curve, elapsedUs, leadUs: 0n });
    spent = curve.cost(Number(elapsedUs));
  }
  const found = admissionCost(legs) > available + spent ? undefined : longestCall(legs, available + spent, capUs);
  if (!found) {
    const words = `${formatMicros(available, currency)} ${currency} do not pay for connect fees and first increments`;
    throw new Failure(words);
  }
  const { maxUs, capped, costs } = found;
  const cost = costs.reduce((sum, each) => sum + each, 0n) - spent;
  if (out.json) {
    const amounts = { cost: formatMicros(cost, currency), balance: formatMicros(available, currency), currency };
    return out.value({ number, start: isoTime(startUs), maxSeconds: seconds(maxUs), capped, ...amounts });
  }
  out.line(
    `${seconds(maxUs)} s${capped ? ' (the cap)' : ''} for ${formatMicros(cost, currency)} of ${formatMicros(available, currency)} ${currency}`,
  );
}

const NEEDED = ['to', 'start', 'seconds'] as const;
const RATED = ['prefix', 'rated_destination', 'billed_seconds', 'cost', 'currency', 'no_price'];

interface AskedCall {
  cells: readonly string[];
  number: string;
  startUs: bigint;
  durationUs: bigint;
}

/** Calls of a CSV file. @throws Failure when a line is wrong, all of which are told before. */
function readCalls(out: Output, path: string): { header: readonly string[]; calls: AskedCall[] } {
  let header: readonly string[] | undefined;
  const calls: AskedCall[] = [];
  const problems: { line: number; message: string }[] = [];
  try {
    for (const { line, cells } of csvRecords(readText(path))) {
      if (!header) {
        header = cells;
        const absent = NEEDED.filter((name) => !cells.includes(name));
        if (absent.length > 0) throw new UsageError(`${path}: there is no column ${absent.join(', ')} in the header`);
        continue;
      }
      try {
        calls.push(readCall(header, cells));
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        problems.push({ line, message: error.message });
      }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    problems.push({ line: error.line, message: error.message });
  }
  if (problems.length > 0) {
    out.table(problems, { LINE: ({ line }) => line, PROBLEM: ({ message }) => message });
    throw new Failure(`nothing was rated: ${problems.length} lines of ${path} are wrong`);
  }
  if (!header) throw new UsageError(`${path} is empty`);
  return { header, calls };
}

function readCall(header: readonly string[], cells: readonly string[]): AskedCall {
  if (cells.length !== header.length) {
    throw new UsageError(`has ${cells.length} cells, the header ${header.length}`);
  }
  const [to = '', start = '', length = ''] = NEEDED.map((name) => cells[header.indexOf(name)]);
  return {
    cells,
    number: numberOf('to', to),
    startUs: startOf('start', start),
    durationUs: microseconds('seconds', length),
  };
}

/** Each call of a CSV file with what it costs; one that has no price is told why not. */
function rateCalls(out: Output, deck: Deck, path: string): void {
  const { header, calls } = readCalls(out, path);
  const names = [...header, ...RATED];
  const rows = calls.map(({ cells, number, startUs, durationUs }) => [
    ...cells,
    ...ratedCells(deck, number, startUs, durationUs),
  ]);
  if (out.json) return out.value(rows.map((row) => Object.fromEntries(names.map((name, at) => [name, row[at]]))));
  out.text([names, ...rows].map(csvLine).join(''));
}

function ratedCells(deck: Deck, number: string, startUs: bigint, durationUs: bigint): string[] {
  const { curve, reason } = rate(deck, number, startUs);
  if (!curve) return ['', '', '', '', '', reason];
  const duration = Number(durationUs);
  const billed = formatDecimal(BigInt(curve.billedMs(duration)), 3);
  const { currency } = deck.settings;
  return [curve.prefix, curve.row.destination, billed, formatMicros(curve.cost(duration), currency), currency, ''];
}
