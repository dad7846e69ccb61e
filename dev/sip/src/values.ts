import { splitList } from './headers.ts';

/** Header or URI parameters, names in lower case, in order; `''` for a flag. Quotes are removed. */
export type Params = Map<string, string>;

export interface SipUri {
  scheme: string;
  /** Without password, escapes left as they are. */
  user: string | undefined;
  host: string;
  port: number | undefined;
  params: Params;
  /** The part behind `?`, raw. */
  headers: string | undefined;
}

/** Takes `name=value;flag` apart (RFC 3261 section 25.1 generic-param). */
export function parseParams(text: string): Params {
  const params: Params = new Map();
  for (const part of splitList(text, ';')) {
    const at = part.indexOf('=');
    const name = (at < 0 ? part : part.slice(0, at)).trim().toLowerCase();
    if (name === '' || params.has(name)) continue;
    params.set(name, at < 0 ? '' : unquote(part.slice(at + 1).trim()));
  }
  return params;
}

/** `;name=value;flag`, quoting what is no token. */
export function formatParams(params: Params): string {
  let text = '';
  for (const [name, value] of params) text += value === '' ? `;${name}` : `;${name}=${tokenOrQuoted(value)}`;
  return text;
}

function tokenOrQuoted(value: string): string {
  return /^[\w.!%*+`'~:[\]@/-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

export function unquote(text: string): string {
  if (text.length < 2 || !text.startsWith('"') || !text.endsWith('"')) return text;
  return text.slice(1, -1).replace(/\\(.)/g, '$1');
}

/** Reads a sip:, sips: or tel: URI; undefined when it is none. */
export function parseUri(text: string): SipUri | undefined {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1];
  if (scheme === undefined || /[\s<>"]/.test(text)) return undefined;
  const rest = text.slice(scheme.length + 1);
  const kind = scheme.toLowerCase();
  if (kind === 'tel') {
    const [number = '', ...params] = rest.split(';');
    if (!/^\+?[0-9A-Fa-f*#().-]+$/.test(number)) return undefined;
    return {
      scheme: kind,
      user: number,
      host: '',
      port: undefined,
      params: parseParams(params.join(';')),
      headers: undefined,
    };
  }
  if (kind !== 'sip' && kind !== 'sips') return undefined;
  // The last @ before the parameters of the host ends the userinfo: user parts may hold ; and ? of their own.
  const at = rest.lastIndexOf('@');
  const userinfo = at < 0 ? undefined : rest.slice(0, at);
  const hostpart = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?(;[^?]*)?(?:\?(.*))?$/.exec(rest.slice(at + 1));
  if (!hostpart?.[1]) return undefined;
  const port = hostpart[2] === undefined ? undefined : Number(hostpart[2]);
  if (port !== undefined && port > 65535) return undefined;
  return {
    scheme: kind,
    user: userinfo?.replace(/:.*$/, ''),
    host: hostpart[1],
    port,
    params: parseParams(hostpart[3]?.slice(1) ?? ''),
    headers: hostpart[4],
  };
}

export function formatUri(uri: SipUri): string {
  if (uri.scheme === 'tel') return `tel:${uri.user ?? ''}${formatParams(uri.params)}`;
  const user = uri.user === undefined ? '' : `${uri.user}@`;
  const port = uri.port === undefined ? '' : `:${uri.port}`;
  const headers = uri.headers === undefined ? '' : `?${uri.headers}`;
  return `${uri.scheme}:${user}${uri.host}${port}${formatParams(uri.params)}${headers}`;
}

export interface NameAddr {
  display: string | undefined;
  /** The URI as written. */
  uri: string;
  /** Header parameters (tag, expires, q…), not the URI's. */
  params: Params;
}

/** Reads `"Name" <sip:u@h>;tag=x`, `Name <sip:…>` or `sip:u@h;tag=x` (where the parameters are the header's, RFC 3261 section 20). */
export function parseNameAddr(text: string): NameAddr | undefined {
  const value = text.trim();
  const open = openBracket(value);
  if (open >= 0) {
    const close = value.indexOf('>', open);
    if (close < 0) return undefined;
    const display = unquote(value.slice(0, open).trim());
    const tail = value.slice(close + 1).trim();
    if (tail !== '' && !tail.startsWith(';')) return undefined;
    return {
      display: display === '' ? undefined : display,
      uri: value.slice(open + 1, close).trim(),
      params: parseParams(tail),
    };
  }
  const semicolon = value.indexOf(';');
  const uri = semicolon < 0 ? value : value.slice(0, semicolon);
  if (uri === '' || !/^[A-Za-z][A-Za-z0-9+.-]*:/.test(uri)) return undefined;
  return { display: undefined, uri: uri.trim(), params: parseParams(semicolon < 0 ? '' : value.slice(semicolon)) };
}

function openBracket(value: string): number {
  let quoted = false;
  for (let i = 0; i < value.length; i += 1) {
    if (quoted && value[i] === '\\') i += 1;
    else if (value[i] === '"') quoted = !quoted;
    else if (value[i] === '<' && !quoted) return i;
  }
  return -1;
}

export function formatNameAddr(address: NameAddr): string {
  const display = address.display === undefined ? '' : `"${address.display.replace(/["\\]/g, '\\$&')}" `;
  return `${display}<${address.uri}>${formatParams(address.params)}`;
}

/** The decoded user part of a From, To or Request-URI value, without URI-user parameters (`;phone-context=`); `''` when it has none. */
export function userOf(value: string): string {
  const uri = parseUri(parseNameAddr(value)?.uri ?? value);
  const user = uri?.user?.split(';')[0] ?? '';
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

export interface Via {
  transport: string;
  host: string;
  port: number | undefined;
  params: Params;
}

export function parseVia(text: string): Via | undefined {
  const match =
    /^SIP\s*\/\s*2\.0\s*\/\s*([A-Za-z0-9-]+)\s+(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)\s*(?::\s*(\d{1,5}))?\s*(;.*)?$/i.exec(
      text.trim(),
    );
  if (!match?.[1] || !match[2]) return undefined;
  const port = match[3] === undefined ? undefined : Number(match[3]);
  if (port !== undefined && port > 65535) return undefined;
  return { transport: match[1].toUpperCase(), host: match[2], port, params: parseParams(match[4] ?? '') };
}

export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${via.host}${port}${formatParams(via.params)}`;
}

export function parseCSeq(text: string): { sequence: number; method: string } | undefined {
  const match = /^(\d{1,10})\s+([A-Za-z0-9.!%*_+`'~-]+)$/.exec(text.trim());
  if (!match?.[1] || !match[2]) return undefined;
  const sequence = Number(match[1]);
  return sequence > 0xffff_ffff ? undefined : { sequence, method: match[2] };
}

/** Reads a Reason header (RFC 3326): the value with Q.850 when several are given. */
export function parseReason(
  values: readonly string[],
): { value: string; protocol: string; cause: number | undefined; text: string | undefined } | undefined {
  const reasons = values.map((value) => {
    const semicolon = value.indexOf(';');
    const protocol = (semicolon < 0 ? value : value.slice(0, semicolon)).trim();
    const params = parseParams(semicolon < 0 ? '' : value.slice(semicolon));
    const cause = Number.parseInt(params.get('cause') ?? '', 10);
    return { value, protocol, cause: Number.isNaN(cause) ? undefined : cause, text: params.get('text') };
  });
  return reasons.find((reason) => reason.protocol.toUpperCase() === 'Q.850') ?? reasons[0];
}
