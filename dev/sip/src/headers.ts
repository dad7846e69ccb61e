const COMPACT: Readonly<Record<string, string>> = {
  a: 'accept-contact',
  b: 'referred-by',
  c: 'content-type',
  d: 'request-disposition',
  e: 'content-encoding',
  f: 'from',
  i: 'call-id',
  j: 'reject-contact',
  k: 'supported',
  l: 'content-length',
  m: 'contact',
  n: 'identity-info',
  o: 'event',
  r: 'refer-to',
  s: 'subject',
  t: 'to',
  u: 'allow-events',
  v: 'via',
  x: 'session-expires',
  y: 'identity',
};

/** Lower case, compact forms written out (RFC 3261 section 7.3.3): the name under which headers are compared. */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase();
  return COMPACT[lower] ?? lower;
}

export interface Header {
  /** As received or as given. */
  readonly name: string;
  /** Unfolded, trimmed. */
  readonly value: string;
}

/** The headers of a message, in order, with their names as written; looked up without regard to case and compact form. */
export class HeaderList implements Iterable<Header> {
  #headers: (Header & { key: string })[] = [];

  constructor(headers: Iterable<readonly [string, string]> = []) {
    for (const [name, value] of headers) this.add(name, value);
  }

  /** The first value of that name, whole (not split at commas). */
  get(name: string): string | undefined {
    const key = canonicalName(name);
    return this.#headers.find((header) => header.key === key)?.value;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** Every header line of that name, in order. */
  all(name: string): string[] {
    const key = canonicalName(name);
    return this.#headers.filter((header) => header.key === key).map((header) => header.value);
  }

  /** Every value of that name, with comma-separated lines taken apart (outside quotes and angle brackets). */
  values(name: string): string[] {
    return this.all(name).flatMap((value) => splitList(value));
  }

  /** True when a comma-separated header of tokens (Supported, Require, Allow) names `token`. */
  lists(name: string, token: string): boolean {
    const wanted = token.toLowerCase();
    return this.values(name).some((value) => value.toLowerCase() === wanted);
  }

  add(name: string, value: string): this {
    // A CR or LF in a value would let its author write headers of his own.
    const clean = /[\r\n\0]/.test(value) ? value.replace(/[\r\n\0]+/g, ' ') : value;
    this.#headers.push({ name, value: clean.trim(), key: canonicalName(name) });
    return this;
  }

  /** Puts it before all others. */
  prepend(name: string, value: string): this {
    this.add(name, value);
    const last = this.#headers.pop();
    if (last) this.#headers.unshift(last);
    return this;
  }

  /** Replaces the first of that name and removes the others; adds it when there was none. */
  set(name: string, value: string): this {
    const key = canonicalName(name);
    const at = this.#headers.findIndex((header) => header.key === key);
    if (at < 0) return this.add(name, value);
    this.add(name, value);
    const header = this.#headers.pop();
    if (header) this.#headers[at] = header;
    this.#headers = this.#headers.filter((other, index) => index === at || other.key !== key);
    return this;
  }

  delete(name: string): this {
    const key = canonicalName(name);
    this.#headers = this.#headers.filter((header) => header.key !== key);
    return this;
  }

  *[Symbol.iterator](): IterableIterator<Header> {
    for (const { name, value } of this.#headers) yield { name, value };
  }

  get size(): number {
    return this.#headers.length;
  }

  clone(): HeaderList {
    const copy = new HeaderList();
    copy.#headers = [...this.#headers];
    return copy;
  }
}

/** Splits at commas outside of quoted strings and angle brackets; empty parts are dropped. */
export function splitList(value: string, separator = ','): string[] {
  const parts: string[] = [];
  let quoted = false;
  let depth = 0;
  let start = 0;
  for (let i = 0; i < value.length; i += 1) {
    const c = value[i];
    if (quoted) {
      if (c === '\\') i += 1;
      else if (c === '"') quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === '<') depth += 1;
    else if (c === '>') depth = Math.max(0, depth - 1);
    else if (c === separator && depth === 0) {
      parts.push(value.slice(start, i));
      start = i + 1;
    }
  }
  parts.push(value.slice(start));
  return parts.map((part) => part.trim()).filter((part) => part !== '');
}
