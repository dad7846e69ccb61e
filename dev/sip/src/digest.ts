import { createHash } from 'node:crypto';

/** Digest authentication of SIP (RFC 3261 section 22, RFC 8760) by RFC 7616: MD5 and SHA-256, with `qop=auth` or, as RFC 2069, none. */

export interface Credentials {
  username: string;
  password: string;
}

/** What a `WWW-Authenticate` or `Proxy-Authenticate` header asks for. */
export interface Challenge {
  realm: string;
  nonce: string;
  algorithm: 'MD5' | 'SHA-256';
  opaque: string | undefined;
  /** `auth` was offered. */
  qop: boolean;
}

const HASHES = { MD5: 'md5', 'SHA-256': 'sha256' } as const;

/** Parameters of a `Digest …` header, names in lower case; undefined for another scheme. */
function digestParameters(header: string): Map<string, string> | undefined {
  const rest = /^\s*Digest\s+(.*)$/is.exec(header)?.[1];
  if (rest === undefined) return undefined;
  const pairs = rest.matchAll(/([a-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/gi);
  return new Map(
    [...pairs].map(([, name = '', quoted, token = '']) => [
      name.toLowerCase(),
      quoted === undefined ? token : quoted.replace(/\\(.)/g, '$1'),
    ]),
  );
}

/** Undefined for a challenge that we cannot meet. */
export function parseChallenge(header: string): Challenge | undefined {
  const parameters = digestParameters(header);
  const realm = parameters?.get('realm');
  const nonce = parameters?.get('nonce');
  const algorithm = (parameters?.get('algorithm') ?? 'MD5').toUpperCase();
  if (realm === undefined || nonce === undefined || (algorithm !== 'MD5' && algorithm !== 'SHA-256')) return undefined;
  const offered = parameters?.get('qop')?.split(',');
  const qop = offered?.some((each) => each.trim().toLowerCase() === 'auth') ?? false;
  // Only auth-int, which nobody offers alone.
  if (offered && !qop) return undefined;
  return { realm, nonce, algorithm, opaque: parameters?.get('opaque'), qop };
}

interface Request {
  method: string;
  /** The Request-URI, as in the header. */
  uri: string;
}

/** RFC 7616 section 3.4.1. */
function responseOf(
  { realm, nonce, algorithm, qop }: Challenge,
  { username, password }: Credentials,
  { method, uri }: Request,
  { nc, cnonce }: { nc: string; cnonce: string },
): string {
  const hash = (...parts: string[]): string => createHash(HASHES[algorithm]).update(parts.join(':')).digest('hex');
  const a1 = hash(username, realm, password);
  const a2 = hash(method, uri);
  return qop ? hash(a1, nonce, nc, cnonce, 'auth', a2) : hash(a1, nonce, a2);
}

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** Value of `Authorization` or `Proxy-Authorization`; each challenge is met once, so that its nonce count is 1. */
export function authorization(
  challenge: Challenge,
  credentials: Credentials,
  request: Request,
  cnonce: string,
): string {
  const nc = '00000001';
  const { realm, nonce, algorithm, opaque, qop } = challenge;
  const parts = [
    `username=${quoted(credentials.username)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(request.uri)}`,
    `response="${responseOf(challenge, credentials, request, { nc, cnonce })}"`,
    `algorithm=${algorithm}`,
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
    ...(qop ? ['qop=auth', `nc=${nc}`, `cnonce=${quoted(cnonce)}`] : []),
  ];
  return `Digest ${parts.join(', ')}`;
}

/** Value of `WWW-Authenticate` or `Proxy-Authenticate`. */
export const formatChallenge = ({ realm, nonce, algorithm, qop }: Challenge): string =>
  `Digest realm=${quoted(realm)}, nonce=${quoted(nonce)}, algorithm=${algorithm}${qop ? ', qop="auth"' : ''}`;

/** Whether an `Authorization` value meets the challenge with these credentials, for a request of that method. */
export function isAuthorised(header: string, challenge: Challenge, credentials: Credentials, method: string): boolean {
  const given = digestParameters(header);
  if (given?.get('nonce') !== challenge.nonce || given.get('username') !== credentials.username) return false;
  if (given.get('realm') !== challenge.realm) return false;
  const request = { method, uri: given.get('uri') ?? '' };
  // Who answers without qop, to a challenge that offered it, speaks RFC 2069.
  const met = { ...challenge, qop: given.has('qop') };
  const count = { nc: given.get('nc') ?? '', cnonce: given.get('cnonce') ?? '' };
  return given.get('response') === responseOf(met, credentials, request, count);
}
