/** The rules of charging, second by second, on plain rows: slow, obvious, and sharing nothing with the code it checks. */
import { Fraction } from './fraction.ts';

export interface RefStep {
  /** Seconds, as text. */
  from: string;
  price: string;
  increment: string;
}

export interface RefRow {
  prefix: string;
  steps: RefStep[];
  connectFee: string;
  free: string;
  grace: string;
  min: string;
  max: string;
  surcharge: string;
  tax: string;
  /** 0 is Monday; empty: all. */
  days: number[];
  /** "08:00-18:00", half-open, not past midnight; empty: all day. */
  hours: string;
  validFrom: string;
  validTo: string;
  priority: number;
  blocked: boolean;
}

export interface RefDeck {
  timeZone: string;
  rounding: string;
  decimals: number;
  duration: string;
  rows: RefRow[];
}

export const plainRow = (prefix: string, price: string, increment = '1', more: Partial<RefRow> = {}): RefRow => ({
  prefix,
  steps: [{ from: '0', price, increment }],
  connectFee: '',
  free: '',
  grace: '',
  min: '',
  max: '',
  surcharge: '',
  tax: '',
  days: [],
  hours: '',
  validFrom: '',
  validTo: '',
  priority: 1,
  blocked: false,
  ...more,
});

export const refDeck = (rows: RefRow[], more: Partial<RefDeck> = {}): RefDeck => ({
  timeZone: 'UTC',
  rounding: 'half_up',
  decimals: 6,
  duration: 'up',
  rows,
  ...more,
});

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];

export function toCsv(deck: RefDeck): string {
  const header =
    'prefix,steps,connect_fee,free_seconds,grace_seconds,min_cost,max_cost,surcharge_percent,tax_percent,days,hours,valid_from,valid_to,priority,blocked';
  const rows = deck.rows.map((row) =>
    [
      row.prefix,
      row.steps.map((step) => `${step.from}:${step.price}:${step.increment}`).join(';'),
      [row.connectFee, row.free, row.grace, row.min, row.max, row.surcharge, row.tax].join(','),
      row.days.map((day) => DAYS[day]).join(' '),
      [row.hours, row.validFrom, row.validTo, row.priority, row.blocked ? 'yes' : ''].join(','),
    ].join(','),
  );
  const settings = [`time_zone,${deck.timeZone}`, `rounding,${deck.rounding}`, `decimals,${deck.decimals}`];
  return [`@currency,EUR`, ...settings.map((each) => `@${each}`), `@duration,${deck.duration}`, header, ...rows].join(
    '\n',
  );
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Weekday (0 is Monday), "HH:MM:SS" and date on the wall of a time zone. */
function wallClock(timeZone: string, us: bigint): { day: number; time: string; date: string } {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      weekday: 'short',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    });
    formats.set(timeZone, format);
  }
  const parts = Object.fromEntries(format.formatToParts(Number(us / 1000n)).map(({ type, value }) => [type, value]));
  return {
    day: DAYS.indexOf(parts.weekday!.toLowerCase()),
    time: `${parts.hour}:${parts.minute}:${parts.second}`,
    date: `${parts.year}-${parts.month}-${parts.day}`,
  };
}

export function refRowAt(deck: RefDeck, number: string, us: bigint): RefRow | undefined {
  const matching = deck.rows.filter((row) => number.startsWith(row.prefix));
  const longest = Math.max(...matching.map((row) => row.prefix.length));
  const now = wallClock(deck.timeZone, us);
  const valid = matching.filter((row) => {
    if (row.prefix.length !== longest) return false;
    if (row.days.length > 0 && !row.days.includes(now.day)) return false;
    const [from, to] = row.hours.split('-');
    if (from && to && !(`${from}:00` <= now.time && now.time < `${to}:00`)) return false;
    if (row.validFrom !== '' && now.date < row.validFrom) return false;
    return row.validTo === '' || now.date < row.validTo;
  });
  return valid.sort((a, b) => b.priority - a.priority)[0];
}

const ms = (text: string): number => Math.round(Number(text) * 1000);

/** Micro-units, or undefined when the number has no price at the start. */
export function refCost(deck: RefDeck, number: string, startUs: bigint, durationUs: bigint): bigint | undefined {
  const first = refRowAt(deck, number, startUs);
  if (!first || first.blocked) return undefined;
  const unit = deck.duration === 'milliseconds' ? 1_000n : 1_000_000n;
  let billed = durationUs / unit;
  const over = durationUs % unit;
  if (deck.duration === 'half_up' ? 2n * over >= unit : over > 0n) billed += 1n;
  const billedMs = Number((billed * unit) / 1000n);
  if (first.grace !== '' && ms(first.grace) > 0 && billedMs <= ms(first.grace)) return 0n;
  let sum = Fraction.of(first.connectFee || '0');
  let next = ms(first.free || '0');
  let row = first;
  const tick = deck.duration === 'milliseconds' ? 100 : 1000;
  for (let t = 0; t < billedMs; t += tick) {
    if (t !== next) continue;
    const now = refRowAt(deck, number, startUs + BigInt(t) * 1000n);
    if (now && !now.blocked) row = now;
    const step = row.steps.findLast((each) => ms(each.from) <= t)!;
    const share = new Fraction(BigInt(ms(step.increment)), 60_000n);
    sum = sum.plus(Fraction.of(step.price).times(share));
    next = t + ms(step.increment);
  }
  if (first.min !== '' && sum.isLess(Fraction.of(first.min))) sum = Fraction.of(first.min);
  if (first.max !== '' && Fraction.of(first.max).isLess(sum)) sum = Fraction.of(first.max);
  for (const percent of [first.surcharge, first.tax]) {
    sum = sum.times(new Fraction(1n).plus(Fraction.of(percent || '0').times(new Fraction(1n, 100n))));
  }
  return sum.micros(deck.decimals, deck.rounding);
}
