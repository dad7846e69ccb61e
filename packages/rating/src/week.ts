export const DAY_SECONDS = 86_400;
export const WEEK_SECONDS = 7 * DAY_SECONDS;
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

/** Times of a week: half-open intervals of seconds since Monday 00:00 local time, ascending, not touching. */
export interface Week {
  readonly text: string;
  readonly intervals: readonly (readonly [from: number, to: number])[];
}

/** Second of the week of a local epoch second. 1970-01-01 was a Thursday. */
export const secondOfWeek = (local: number): number => {
  const second = (local + 3 * DAY_SECONDS) % WEEK_SECONDS;
  return second < 0 ? second + WEEK_SECONDS : second;
};

export const inWeek = (week: Week, second: number): boolean =>
  week.intervals.some(([from, to]) => from <= second && second < to);

/** Seconds from `second` to the next border of the week's intervals (at most to the end of the week). */
export function toNextBorder(week: Week, second: number): number {
  for (const [from, to] of week.intervals) {
    if (from > second) return from - second;
    if (to > second) return to - second;
  }
  return WEEK_SECONDS - second;
}

/** First second that both weeks have, if any. Undefined stands for the whole week. */
export function firstCommon(a: Week | undefined, b: Week | undefined): number | undefined {
  if (!a || !b) return (a ?? b)?.intervals[0]?.[0] ?? 0;
  for (const [from, to] of a.intervals) {
    const hit = b.intervals.find((other) => other[0] < to && from < other[1]);
    if (hit) return Math.max(from, hit[0]);
  }
  return undefined;
}

/** "Tue 08:30" of a second of the week. */
export function nameOfSecond(second: number): string {
  const name = DAYS[Math.floor(second / DAY_SECONDS)] ?? '';
  return `${name[0]?.toUpperCase()}${name.slice(1)} ${clock(second % DAY_SECONDS)}`;
}

const clock = (second: number): string => {
  const [h, m, s] = [Math.floor(second / 3600), Math.floor(second / 60) % 60, second % 60];
  return [h, m, ...(s ? [s] : [])].map((part) => String(part).padStart(2, '0')).join(':');
};

/** "mon-fri", "sat,sun", "fri-mon": the set of days (0 is Monday). Undefined when it is none of that. */
export function parseDays(text: string): readonly number[] | undefined {
  const days = new Set<number>();
  for (const item of text.toLowerCase().split(/[\s,;|]+/)) {
    const [first, last, ...more] = item.split('-').map((name) => DAYS.indexOf(name));
    if (first === undefined || first < 0 || last === -1 || more.length > 0) return undefined;
    for (let day = first; ; day = (day + 1) % 7) {
      days.add(day);
      if (day === (last ?? first)) break;
    }
  }
  return [...days].sort((a, b) => a - b);
}

/** "08:00-18:00", "22:00-06:00" (past midnight), several separated by `;`: pairs of seconds of the day. */
export function parseHours(text: string): readonly (readonly [number, number])[] | undefined {
  const ranges: [number, number][] = [];
  for (const item of text.trim().split(/[\s,;|]+/)) {
    const match = /^(\d\d):(\d\d)(?::(\d\d))?-(\d\d):(\d\d)(?::(\d\d))?$/.exec(item);
    if (!match) return undefined;
    const [h1, m1, s1, h2, m2, s2] = match.slice(1).map((part) => Number(part ?? 0));
    const from = h1! * 3600 + m1! * 60 + s1!;
    const to = h2! * 3600 + m2! * 60 + s2!;
    if (m1! > 59 || m2! > 59 || s1! > 59 || s2! > 59 || from >= DAY_SECONDS || to > DAY_SECONDS || from === to)
      return undefined;
    ranges.push([from, to]);
  }
  return ranges;
}

/** The times of a week on given days and hours. Hours past midnight belong to the day on which they begin. */
export function weekOf(text: string, days: readonly number[], hours: readonly (readonly [number, number])[]): Week {
  const raw: [number, number][] = [];
  for (const day of days) {
    for (const [from, to] of hours) {
      const begin = day * DAY_SECONDS + from;
      const end = day * DAY_SECONDS + (to > from ? to : to + DAY_SECONDS);
      if (end <= WEEK_SECONDS) raw.push([begin, end]);
      else raw.push([begin, WEEK_SECONDS], [0, end - WEEK_SECONDS]);
    }
  }
  raw.sort((a, b) => a[0] - b[0]);
  const merged: [number, number][] = [];
  for (const [from, to] of raw) {
    const last = merged.at(-1);
    if (last && from <= last[1]) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return { text, intervals: merged };
}
