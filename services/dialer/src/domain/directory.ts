import type { dialer } from '@ringback/contracts';

/** What the platform is made of at this moment: read by the core, never changed by it. */
export interface Directory {
  accessNumber(e164: string): dialer.AccessNumber | undefined;
  trunk(id: string): dialer.Trunk | undefined;
  /** Outbound trunks that take a number: longest prefix first, then lowest priority. */
  trunksFor(e164: string): dialer.Trunk[];
  /** A prefix of the number is denied. */
  denied(e164: string): boolean;
  /** Ours: an access or service number. */
  own(e164: string): boolean;
  /** Prompt file of the warning that the credit ends, in this language or the one that stands in for it. */
  warningPrompt(language: string): string;
  /** The active switch with most room, or undefined. */
  pickSwitch(): string | undefined;
}

export function trunksFor(trunks: Iterable<dialer.Trunk>, e164: string): dialer.Trunk[] {
  return [...trunks]
    .filter(({ disabled, gateway }) => !disabled && gateway !== '')
    .map((trunk) => ({ trunk, length: matchLength(trunk, e164) }))
    .filter(({ length }) => length >= 0)
    .sort(
      (one, two) =>
        two.length - one.length || one.trunk.priority - two.trunk.priority || (one.trunk.id < two.trunk.id ? -1 : 1),
    )
    .map(({ trunk }) => trunk);
}

function matchLength(trunk: dialer.Trunk, e164: string): number {
  if (trunk.prefixes.length === 0) return 0;
  return Math.max(-1, ...trunk.prefixes.filter((prefix) => e164.startsWith(prefix)).map(({ length }) => length));
}
