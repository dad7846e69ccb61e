import type { PrefixRows, Row } from './model.ts';
import { DAY_SECONDS, inWeek, secondOfWeek, toNextBorder } from './week.ts';
import type { Zone } from './zone.ts';

export interface InForce {
  /** Undefined: no row of the prefix is valid then. */
  readonly row: Row | undefined;
  /** Epoch second at which this has to be asked again; Infinity: never. */
  readonly until: number;
}

/** The row of a prefix that is valid at an epoch second, by the wall clock of `zone`. */
export function inForce({ rows }: PrefixRows, zone: Zone, second: number): InForce {
  const only = rows[0]!;
  if (rows.length === 1 && isAlways(only)) return { row: only, until: Infinity };
  const { offset, until: offsetUntil } = zone.at(second);
  const local = second + offset;
  const ofWeek = secondOfWeek(local);
  const day = Math.floor(local / DAY_SECONDS);
  // Within one offset local time runs evenly: the next border of any row is that many seconds away.
  let next = offsetUntil - second;
  let found: Row | undefined;
  for (const row of rows) {
    if (row.fromDay !== undefined && day < row.fromDay) next = Math.min(next, row.fromDay * DAY_SECONDS - local);
    else if (row.toDay !== undefined && day < row.toDay) next = Math.min(next, row.toDay * DAY_SECONDS - local);
    if (row.week) next = Math.min(next, toNextBorder(row.week, ofWeek));
    found ??= isValid(row, day, ofWeek) ? row : undefined;
  }
  return { row: found, until: second + next };
}

const isAlways = (row: Row): boolean => !row.week && row.fromDay === undefined && row.toDay === undefined;

const isValid = (row: Row, day: number, ofWeek: number): boolean =>
  day >= (row.fromDay ?? -Infinity) && day < (row.toDay ?? Infinity) && (!row.week || inWeek(row.week, ofWeek));
