/** A leg of a dial string: an endpoint (`sofia/internal/1001@host:port;fs_path=…`) with the variables that hold for it. */
export interface DialLeg {
  endpoint: string;
  variables: Map<string, string>;
}

export interface DialString {
  /** `{…}`: variables of all legs and of the originate itself. */
  variables: Map<string, string>;
  /** Groups are tried in order (`|`); the legs of one ring together (`,`). */
  groups: DialLeg[][];
}

/** Splits at `separator` outside single quotes and brackets; a backslash keeps the next character. */
export function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let part = '';
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charAt(i);
    if (c === '\\' && i + 1 < text.length) {
      part += c + text.charAt(i + 1);
      i += 1;
      continue;
    }
    if (c === "'") quoted = !quoted;
    else if (!quoted && '{['.includes(c)) depth += 1;
    else if (!quoted && '}]'.includes(c)) depth -= 1;
    if (c === separator && !quoted && depth === 0) {
      parts.push(part);
      part = '';
    } else part += c;
  }
  parts.push(part);
  return parts;
}

/** `a=b,c='d e'` as between braces; `^^:` at the start names another separator. */
export function parseVariables(text: string): Map<string, string> {
  let separator = ',';
  let list = text;
  if (list.startsWith('^^')) {
    separator = list.charAt(2);
    list = list.slice(3);
  }
  const out = new Map<string, string>();
  for (const part of splitOutside(list, separator)) {
    const at = part.indexOf('=');
    if (at < 1) continue;
    const raw = part.slice(at + 1);
    const unquoted = /^'.*'$/s.test(raw) ? raw.slice(1, -1) : raw;
    out.set(part.slice(0, at).trim(), unquoted.replace(/\\(.)/gs, '$1'));
  }
  return out;
}

/** Takes a leading `{…}` or `[…]`; undefined when it does not end. */
function takeBracketed(text: string, open: string, close: string): { inside: string; rest: string } | undefined {
  let quoted = false;
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charAt(i);
    if (c === '\\') i += 1;
    else if (c === "'") quoted = !quoted;
    else if (!quoted && c === open) depth += 1;
    else if (!quoted && c === close) {
      depth -= 1;
      if (depth === 0) return { inside: text.slice(1, i), rest: text.slice(i + 1) };
    }
  }
  return undefined;
}

/** Parses a dial string; undefined when its brackets do not balance. */
export function parseDialString(text: string): DialString | undefined {
  const variables = new Map<string, string>();
  let rest = text.trim();
  while (rest.startsWith('{')) {
    const taken = takeBracketed(rest, '{', '}');
    if (taken === undefined) return undefined;
    for (const [name, value] of parseVariables(taken.inside)) variables.set(name, value);
    rest = taken.rest.trimStart();
  }
  const groups: DialLeg[][] = [];
  for (const group of splitOutside(rest, '|')) {
    const legs: DialLeg[] = [];
    for (const leg of splitOutside(group, ',')) {
      let endpoint = leg.trim();
      const own = new Map<string, string>();
      while (endpoint.startsWith('[')) {
        const taken = takeBracketed(endpoint, '[', ']');
        if (taken === undefined) return undefined;
        for (const [name, value] of parseVariables(taken.inside)) own.set(name, value);
        endpoint = taken.rest.trimStart();
      }
      legs.push({ endpoint, variables: own });
    }
    groups.push(legs);
  }
  return { variables, groups };
}

export interface SofiaEndpoint {
  profile: string;
  user: string;
  /** host[:port] of the request URI. */
  host: string;
  /** host[:port] the request is sent to, when it is not the URI's. */
  path?: string;
}

/** `sofia/<profile>/<user>@<host>[:port][;fs_path=sip:<host>[:port]]`. */
export function parseSofia(endpoint: string): SofiaEndpoint | undefined {
  const match = /^sofia\/([^/]+)\/(?:sips?:)?(?:([^@;]+)@)?([^;]+)(;.*)?$/.exec(endpoint);
  if (match === null) return undefined;
  const [, profile = '', user = '', host = '', parameters = ''] = match;
  const fsPath = /;fs_path=([^;]+)/.exec(parameters)?.[1];
  if (fsPath === undefined) return { profile, user, host };
  const path = decodeURIComponent(fsPath)
    .replace(/^<|>$/g, '')
    .replace(/^sips?:/, '')
    .replace(/;.*$/, '');
  return { profile, user, host, path };
}
