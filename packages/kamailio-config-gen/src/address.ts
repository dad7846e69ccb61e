import type { HostPort } from './model.ts';

/** A block of IPv4 addresses; `port` 0 is any port. */
export interface Ipv4Range {
  readonly address: string;
  /** First address, as an unsigned 32-bit number. */
  readonly first: number;
  readonly prefix: number;
  readonly port: number;
}

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** Unsigned 32-bit value of a dotted quad without leading zeros; undefined when it is none. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0;
  for (const part of parts) {
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

/** `host:port`, host a name or an IPv4 address; undefined when it is none. */
export function parseHostPort(text: string): HostPort | undefined {
  const match = /^([^:]+):([1-9][0-9]{0,4})$/.exec(text);
  if (match?.[1] === undefined || Number(match[2]) > 65_535) return undefined;
  const host = match[1];
  const numeric = /^[0-9.]+$/.test(host);
  if (numeric ? parseIpv4(host) === undefined : !HOST_NAME.test(host)) return undefined;
  return { host, port: Number(match[2]) };
}

/** `192.0.2.1`, `192.0.2.0/24` or `192.0.2.1:5060`; undefined when it is none. A CIDR has no bits beyond its mask. */
export function parseSource(text: string): Ipv4Range | undefined {
  const match = /^([0-9.]+)(?:\/([0-9]{1,2})|:([1-9][0-9]{0,4}))?$/.exec(text);
  const address = match?.[1] ?? '';
  const first = parseIpv4(address);
  const prefix = match?.[2] === undefined ? 32 : Number(match[2]);
  const port = match?.[3] === undefined ? 0 : Number(match[3]);
  if (first === undefined || prefix > 32 || port > 65_535) return undefined;
  if (first % 2 ** (32 - prefix) !== 0) return undefined;
  return { address, first, prefix, port };
}

/** Whether some address and port is in both. */
export function overlaps(a: Ipv4Range, b: Ipv4Range): boolean {
  if (a.port !== 0 && b.port !== 0 && a.port !== b.port) return false;
  const size = 2 ** (32 - Math.min(a.prefix, b.prefix));
  return Math.floor(a.first / size) === Math.floor(b.first / size);
}
