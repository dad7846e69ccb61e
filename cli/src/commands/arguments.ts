import { type Money, parseMoney } from '@ringback/money';
import { UsageError } from '../platform.ts';

/** An ISO 8601 time as epoch µs; 0 when none was given. */
export function moment(name: string, text: string | undefined): bigint {
  if (text === undefined) return 0n;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw new UsageError(`--${name} wants a time like 2026-07-07T17:59:30Z, got "${text}"`);
  return BigInt(ms) * 1000n;
}

/** An amount like "10.00 EUR". */
export function amountOf(text: string): Money {
  try {
    return parseMoney(text);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** All rows of a list that comes in pages. */
export async function pages<T>(
  read: (pageToken: string) => Promise<{ rows: readonly T[]; next: string }>,
): Promise<T[]> {
  const all: T[] = [];
  for (let token = ''; ; ) {
    const { rows, next } = await read(token);
    all.push(...rows);
    if (next === '') return all;
    token = next;
  }
}
