/** Number ranges by prefix; a look-up costs at most as many steps as a number has digits. */
export interface PrefixSet {
  /** A prefix of `e164` (with +) is in the set. */
  has(e164: string): boolean;
  /** The longest one, or undefined. */
  match(e164: string): string | undefined;
  readonly size: number;
}

export function prefixSet(prefixes: Iterable<string>): PrefixSet {
  const all = new Set(prefixes);
  const longest = Math.max(0, ...[...all].map(({ length }) => length));
  const match = (e164: string): string | undefined => {
    for (let length = Math.min(longest, e164.length); length > 0; length -= 1) {
      const prefix = e164.slice(0, length);
      if (all.has(prefix)) return prefix;
    }
    return undefined;
  };
  return { has: (e164) => match(e164) !== undefined, match, size: all.size };
}
