import { shardOf, sw } from '@ringback/contracts';
import { normaliseCallerId } from '@ringback/numbering';

/** What the edge wrote about a call, as FreeSWITCH's variables `sip_h_X-Ringback-…` give it. */
export function readOffer(header: (name: string) => string): sw.LegOffered {
  const of = (name: string): string => decodeOnce(header(`X-Ringback-${name}`));
  const yes = (name: string): boolean => /^(1|yes|true)$/i.test(of(name));
  const callerRaw = of('Caller');
  const country = of('Country').toUpperCase();
  const caller = normaliseCallerId(callerRaw, country);
  const hidden = yes('Hidden') || caller.is === 'hidden';
  return sw.LegOffered.fromPartial({
    accessNumber: of('Access-Number'),
    callerRaw,
    callerE164: caller.is === 'number' && !hidden ? caller.e164 : '',
    hidden,
    diverted: yes('Diverted'),
    trunkId: of('Trunk'),
    trusted: yes('Trusted'),
    verstat: of('Verstat'),
    mode: of('Mode'),
    country,
  });
}

/** A leg without a number has a shard of its own. */
export const shardOfOffer = (offer: sw.LegOffered, legId: string): number => shardOf(offer.callerE164 || legId);

/** Values come url-encoded once more in some places (`%2B48…`). */
export function decodeOnce(text: string): string {
  if (!/%[0-9a-fA-F]{2}/.test(text)) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
