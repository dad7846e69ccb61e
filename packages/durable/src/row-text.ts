import type { HistoryEntry, Live, Machine } from './machine.ts';

/**
 * The text of a session's row: a line of JSON that the loop reads, and below it the machine's own text. Rows are written at every
 * step, and PostgreSQL keeps those above 2 KB apart from their table: so what was heard at many steps is written short.
 */

/**
 * µs since the entry before (the first: epoch µs), event, state after it, index of the leg or −1, state before it. What repeats
 * the entry before, or is −1 at the end, is left out.
 */
type ShortEntry = [number, string, string, number?, string?];

interface Head<X> {
  owed: Live<unknown, X>['owed'];
  timers: Record<string, number>;
  next: number;
  closing: boolean;
  legs: string[];
  history: ShortEntry[];
}

function shorten(history: readonly HistoryEntry[]): Pick<Head<unknown>, 'legs' | 'history'> {
  const legs: string[] = [];
  let before = { atUs: 0, to: '' };
  const short = history.map((entry): ShortEntry => {
    const { atUs, event, from, to, legId } = entry;
    let leg = legId === undefined ? -1 : legs.indexOf(legId);
    if (legId !== undefined && leg < 0) leg = legs.push(legId) - 1;
    const out: ShortEntry = [atUs - before.atUs, event, to];
    if (from !== before.to) out.push(leg, from);
    else if (leg >= 0) out.push(leg);
    before = entry;
    return out;
  });
  return { legs, history: short };
}

function lengthen({ legs, history }: Pick<Head<unknown>, 'legs' | 'history'>): HistoryEntry[] {
  let before = { atUs: 0, to: '' };
  return history.map(([sinceUs, event, to, leg = -1, from]) => {
    const legId = legs[leg];
    const entry = { atUs: before.atUs + sinceUs, event, from: from ?? before.to, to, ...(legId ? { legId } : {}) };
    before = entry;
    return entry;
  });
}

export function encodeLive<S, E, X>(machine: Machine<S, E, X>, live: Live<S, X>): string {
  const { owed, timers, history, next, closing } = live;
  const head: Head<X> = { owed, timers, next, closing, ...shorten(history) };
  return `${JSON.stringify(head)}\n${machine.encode(live.state)}`;
}

/** @throws Error when the text or its version cannot be read. */
export function decodeLive<S, E, X>(
  machine: Machine<S, E, X>,
  row: { id: string; shard: number; key: string; version: number; body: string; createdAtUs: number },
): Live<S, X> {
  const { id, shard, key, createdAtUs, version, body } = row;
  const end = body.indexOf('\n');
  if (end < 0) {
    // As the release before wrote it.
    const { state, ...rest } = JSON.parse(body);
    return { id, shard, key, createdAtUs, state: machine.decode(version, state), ...rest };
  }
  const { owed, timers, next, closing, ...short } = JSON.parse(body.slice(0, end)) as Head<X>;
  const state = machine.decode(version, body.slice(end + 1));
  return { id, shard, key, createdAtUs, state, owed, timers, next, closing, history: lengthen(short) };
}
