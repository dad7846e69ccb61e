/** An offset from UTC and how long it stays. Seconds. */
export interface Offset {
  readonly offset: number;
  /** Epoch second at which it has to be asked again (the zone's next change, or the end of the year). */
  readonly until: number;
}

interface Change {
  readonly at: number;
  readonly offset: number;
}

const DAY = 86_400;

/** Offsets of one IANA time zone, looked up once a year and zone in the platform's tz database and kept. */
export class Zone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #years = new Map<number, readonly Change[]>();

  /** @throws {RangeError} when there is no such zone. */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** The offset in force at an epoch second. */
  at(second: number): Offset {
    const year = new Date(second * 1000).getUTCFullYear();
    let changes = this.#years.get(year);
    if (!changes) {
      changes = this.#changesOf(year);
      this.#years.set(year, changes);
    }
    let index = changes.length - 1;
    while (changes[index]!.at > second) index--;
    return { offset: changes[index]!.offset, until: changes[index + 1]?.at ?? Date.UTC(year + 1, 0) / 1000 };
  }

  /** First of January (UTC) and each change after it. Changes of offset are at least a day apart in the tz database. */
  #changesOf(year: number): readonly Change[] {
    const end = Date.UTC(year + 1, 0) / 1000;
    let at = Date.UTC(year, 0) / 1000;
    let offset = this.#offset(at);
    const changes: Change[] = [{ at, offset }];
    for (let next = at + DAY; next <= end; next += DAY) {
      const later = this.#offset(next);
      if (later !== offset) {
        let before = at;
        let after = next;
        while (after - before > 1) {
          const middle = Math.floor((before + after) / 2);
          if (this.#offset(middle) === offset) before = middle;
          else after = middle;
        }
        if (after < end) changes.push({ at: after, offset: later });
        offset = later;
      }
      at = next;
    }
    return changes;
  }

  #offset(second: number): number {
    const part = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of this.#format.formatToParts(second * 1000)) {
      if (type in part) part[type as keyof typeof part] = Number(value);
    }
    return Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second) / 1000 - second;
  }
}

const zones = new Map<string, Zone>();

/**
 * The shared {@link Zone} of a name.
 * @throws {RangeError} when there is no such zone.
 */
export function zoneOf(name: string): Zone {
  let zone = zones.get(name);
  if (!zone) {
    zone = new Zone(name);
    zones.set(name, zone);
  }
  return zone;
}
