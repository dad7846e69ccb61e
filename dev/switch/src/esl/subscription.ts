import type { SwitchEvent } from '../events/event.ts';
import { EVENT_NAMES } from '../events/names.ts';

/** Which events a listener wants, and in which format. */
export class Subscription {
  format: 'plain' | 'json' = 'plain';
  readonly #names = new Set<string>();
  readonly #subclasses = new Set<string>();
  readonly #filters: [string, string][] = [];

  /** `event <format> <names…>`: adds; false when no keyword is known. */
  add(format: 'plain' | 'json', keywords: string[]): boolean {
    let custom = false;
    let known = false;
    for (const keyword of keywords) {
      if (custom) this.#subclasses.add(keyword);
      else {
        const name = keyword.toUpperCase();
        if (!EVENT_NAMES.has(name)) continue;
        this.#names.add(name);
        custom = name === 'CUSTOM';
      }
      known = true;
    }
    if (known) this.format = format;
    return known;
  }

  /** `nixevent`. */
  remove(keywords: string[]): void {
    let custom = false;
    for (const keyword of keywords) {
      if (custom) this.#subclasses.delete(keyword);
      else {
        const name = keyword.toUpperCase();
        if (name === 'ALL') {
          this.clear();
          continue;
        }
        custom = name === 'CUSTOM';
        // Taking one name from `ALL` leaves the others.
        if (this.#names.delete('ALL')) for (const other of EVENT_NAMES) if (other !== 'ALL') this.#names.add(other);
        this.#names.delete(name);
      }
    }
  }

  clear(): void {
    this.#names.clear();
    this.#subclasses.clear();
  }

  addFilter(header: string, value: string): void {
    this.#filters.push([header, value]);
  }

  /** Removes that filter, or all of the header; `all` removes every one. */
  deleteFilter(header: string, value: string | undefined): void {
    for (let i = this.#filters.length - 1; i >= 0; i -= 1) {
      const [name, wanted] = this.#filters[i] as [string, string];
      if (
        header === 'all' ||
        (name.toLowerCase() === header.toLowerCase() && (value === undefined || wanted === value))
      )
        this.#filters.splice(i, 1);
    }
  }

  wants(event: SwitchEvent): boolean {
    if (!this.#names.has('ALL')) {
      if (!this.#names.has(event.name)) return false;
      if (
        event.name === 'CUSTOM' &&
        this.#subclasses.size > 0 &&
        !this.#subclasses.has(event.get('Event-Subclass') ?? '')
      )
        return false;
    }
    return this.#passes(event);
  }

  /** Any positive filter lets an event through, a `-value` keeps it out (mod_event_socket, event_handler). */
  #passes(event: SwitchEvent): boolean {
    if (this.#filters.length === 0) return true;
    let send = false;
    for (const [header, wanted] of this.#filters) {
      const value = event.get(header);
      if (value === undefined) continue;
      const sign = /^[+\- ]*/.exec(wanted)?.[0] ?? '';
      const positive = !sign.includes('-');
      const target = wanted.slice(sign.length);
      if (send && positive) continue;
      const regexp = /^\/(.*)\/$/.exec(target);
      const matches =
        regexp === null ? value.toLowerCase() === target.toLowerCase() : new RegExp(regexp[1] ?? '').test(value);
      if (!matches) continue;
      if (!positive) return false;
      send = true;
    }
    return send;
  }
}
