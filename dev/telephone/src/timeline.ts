export interface TimelineEntry {
  /** Monotonic ms (performance.now). */
  atMs: number;
  /** `A`, `B`… or `caller +48601000001`: whose event it is. */
  who: string;
  what: string;
}

/** What happened when, over all calls of a telephone. */
export class Timeline {
  readonly entries: TimelineEntry[] = [];
  onEntry: ((entry: TimelineEntry) => void) | undefined;

  add(who: string, what: string, atMs = performance.now()): void {
    const entry = { atMs, who, what };
    this.entries.push(entry);
    this.onEntry?.(entry);
  }

  /** One line an entry, seconds since the first. */
  text(): string {
    const sorted = this.entries.toSorted((a, b) => a.atMs - b.atMs);
    const start = sorted[0]?.atMs ?? 0;
    const width = Math.max(0, ...sorted.map(({ who }) => who.length));
    return sorted
      .map(
        ({ atMs, who, what }) => `${((atMs - start) / 1000).toFixed(3).padStart(9)} s  ${who.padEnd(width)}  ${what}`,
      )
      .join('\n');
  }
}
