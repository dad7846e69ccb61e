import type { common } from '@ringback/contracts';
import { formatMoney } from '@ringback/money';
import Table from 'cli-table3';

/** Where a command writes: tables for people, JSON for programs. */
export class Output {
  readonly #json: boolean;
  readonly #write: (text: string) => void;

  constructor(json: boolean, write: (text: string) => void) {
    this.#json = json;
    this.#write = write;
  }

  /** One table (or the same rows as JSON objects). Columns: title → how a row says it. */
  table<T>(rows: readonly T[], columns: Record<string, (row: T) => string | number>): void {
    if (this.#json) return this.value(rows);
    if (rows.length === 0) return this.line('none');
    const plain = { top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '' };
    const none = {
      ...plain,
      'bottom-left': '',
      'bottom-right': '',
      left: '',
      'left-mid': '',
      mid: '',
      'mid-mid': '',
      right: '',
      'right-mid': '',
      middle: '  ',
    };
    const table = new Table({
      head: Object.keys(columns),
      chars: none,
      style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    });
    for (const row of rows) table.push(Object.values(columns).map((say) => String(say(row))));
    this.line(table.toString().replace(/[ ]+$/gm, ''));
  }

  /** JSON; bigint as decimal strings, so that no digit is lost. */
  value(value: unknown): void {
    this.line(JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? each.toString() : each), 2));
  }

  /** A sentence for people; programs get `value`. */
  say(sentence: string, value: unknown = {}): void {
    if (this.#json) this.value(value);
    else this.line(sentence);
  }

  line(text: string): void {
    this.#write(`${text}\n`);
  }

  /** As it is: a file for other programs. */
  text(text: string): void {
    this.#write(text);
  }

  get json(): boolean {
    return this.#json;
  }
}

export const money = (amount: common.Money | undefined): string => (amount ? formatMoney(amount) : '');

/** Epoch µs as local time to the millisecond; empty for 0. */
export function time(us: bigint): string {
  if (us === 0n) return '';
  return new Date(Number(us / 1000n)).toISOString().replace('T', ' ').replace('Z', '');
}

/** Seconds between two moments; empty when either did not happen. */
export const seconds = (from: bigint, to: bigint): string =>
  from === 0n || to === 0n ? '' : (Number(to - from) / 1e6).toFixed(3);
