import { HeaderList } from './headers.ts';
import { parseCSeq, parseNameAddr, parseVia } from './values.ts';

export interface SipRequest {
  readonly kind: 'request';
  method: string;
  uri: string;
  headers: HeaderList;
  body: string;
}

export interface SipResponse {
  readonly kind: 'response';
  status: number;
  phrase: string;
  headers: HeaderList;
  body: string;
}

export type SipMessage = SipRequest | SipResponse;

/** `keepalive`: CRLFs only (RFC 5626). `malformed`: `partial` has what could be read of a request, enough to answer it 400 when it has
 * Via, From, To, Call-ID and CSeq. */
export type Parsed =
  | { kind: 'message'; message: SipMessage }
  | { kind: 'keepalive' }
  | { kind: 'malformed'; why: string; partial: SipRequest | undefined };

/**
 * Reads one datagram (RFC 3261 sections 7 and 18.3): compact names, folded lines, bare LF line ends, white space around colons, any
 * header order. A body longer than Content-Length is cut; a shorter one is malformed.
 */
export function parseMessage(data: Uint8Array): Parsed {
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
  const start = /^(?:\r?\n)*/.exec(text)?.[0].length ?? 0;
  if (start === text.length) return { kind: 'keepalive' };
  const end = /\r?\n\r?\n/.exec(text.slice(start));
  // Without an empty line the header section is taken to end with the datagram.
  const head = end ? text.slice(start, start + end.index) : text.slice(start).replace(/\r?\n$/, '');
  let body = end ? text.slice(start + end.index + end[0].length) : '';
  const lines = head.replace(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  const first = lines.shift() ?? '';

  const problems: string[] = [];
  const headers = new HeaderList();
  for (const line of lines) {
    const match = /^([A-Za-z0-9.!%*_+`'~-]+)[ \t]*:(.*)$/s.exec(line);
    if (match?.[1]) headers.add(match[1], match[2] ?? '');
    else problems.push('a header line without a name');
  }
  const length = headers.get('Content-Length');
  if (length !== undefined) {
    if (!/^\d{1,9}$/.test(length)) problems.push('Content-Length is no number');
    else {
      const bytes = Buffer.from(body, 'utf8');
      if (Number(length) > bytes.length) problems.push('the body is shorter than Content-Length');
      else if (Number(length) < bytes.length) body = bytes.subarray(0, Number(length)).toString('utf8');
    }
  }

  const status = /^SIP\/2\.0[ \t]+(\d{3})(?:[ \t]+(.*))?$/i.exec(first);
  if (status?.[1]) {
    const code = Number(status[1]);
    if (code < 100 || code > 699) problems.push('the status is out of range');
    problems.push(...missing(headers));
    if (problems[0] !== undefined) return { kind: 'malformed', why: problems[0], partial: undefined };
    return { kind: 'message', message: { kind: 'response', status: code, phrase: status[2] ?? '', headers, body } };
  }
  const request = /^([A-Za-z0-9.!%*_+`'~-]+)[ \t]+(\S+)[ \t]+SIP\/(\d+\.\d+)[ \t]*$/i.exec(first);
  if (!request?.[1] || !request[2]) {
    const method = /^[A-Za-z0-9.!%*_+`'~-]+/.exec(first)?.[0];
    const partial =
      method !== undefined && /SIP\/\d/i.test(first)
        ? ({ kind: 'request', method, uri: '', headers, body } as const)
        : undefined;
    return { kind: 'malformed', why: 'the start line is neither a request nor a status', partial };
  }
  const message: SipRequest = { kind: 'request', method: request[1], uri: request[2], headers, body };
  if (request[3] !== '2.0') return { kind: 'malformed', why: 'the SIP version is not 2.0', partial: message };
  if (/[<>"]/.test(message.uri)) problems.push('the Request-URI is not bare');
  problems.push(...missing(headers));
  const cseq = parseCSeq(headers.get('CSeq') ?? '');
  if (cseq && cseq.method !== message.method) problems.push("the CSeq's method is not the request's");
  if (problems[0] !== undefined) return { kind: 'malformed', why: problems[0], partial: message };
  return { kind: 'message', message };
}

/** What RFC 3261 section 8.1.1 demands of every message (Max-Forwards excepted: RFC 2543 peers leave it out). */
function missing(headers: HeaderList): string[] {
  const problems: string[] = [];
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq'] as const) {
    const all = headers.all(name);
    if (all.length === 0) problems.push(`${name} is missing`);
    else if (name !== 'Via' && all.length > 1) problems.push(`${name} is there twice`);
  }
  if (problems.length > 0) return problems;
  if (!parseVia(headers.values('Via')[0] ?? '')) problems.push('the top Via cannot be read');
  if (!parseNameAddr(headers.get('From') ?? '')) problems.push('From cannot be read');
  if (!parseNameAddr(headers.get('To') ?? '')) problems.push('To cannot be read');
  if (!/^\S+$/.test(headers.get('Call-ID') ?? '')) problems.push('Call-ID cannot be read');
  if (!parseCSeq(headers.get('CSeq') ?? '')) problems.push('CSeq cannot be read');
  return problems;
}

/** The datagram of a message; Content-Length is computed. */
export function formatMessage(message: SipMessage): Buffer {
  const body = Buffer.from(message.body, 'utf8');
  let head =
    message.kind === 'request'
      ? `${message.method} ${message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.phrase}\r\n`;
  for (const { name, value } of message.headers) {
    if (name.toLowerCase() !== 'content-length' && name.toLowerCase() !== 'l') head += `${name}: ${value}\r\n`;
  }
  head += `Content-Length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'utf8'), body]);
}

const PHRASES: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  199: 'Early Dialog Terminated',
  200: 'OK',
  202: 'Accepted',
  300: 'Multiple Choices',
  301: 'Moved Permanently',
  302: 'Moved Temporarily',
  305: 'Use Proxy',
  380: 'Alternative Service',
  400: 'Bad Request',
  401: 'Unauthorized',
  402: 'Payment Required',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  407: 'Proxy Authentication Required',
  408: 'Request Timeout',
  410: 'Gone',
  413: 'Request Entity Too Large',
  414: 'Request-URI Too Long',
  415: 'Unsupported Media Type',
  416: 'Unsupported URI Scheme',
  420: 'Bad Extension',
  421: 'Extension Required',
  422: 'Session Interval Too Small',
  423: 'Interval Too Brief',
  480: 'Temporarily Unavailable',
  481: 'Call/Transaction Does Not Exist',
  482: 'Loop Detected',
  483: 'Too Many Hops',
  484: 'Address Incomplete',
  485: 'Ambiguous',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  489: 'Bad Event',
  491: 'Request Pending',
  500: 'Server Internal Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Server Time-out',
  505: 'Version Not Supported',
  513: 'Message Too Large',
  580: 'Precondition Failure',
  600: 'Busy Everywhere',
  603: 'Decline',
  604: 'Does Not Exist Anywhere',
  606: 'Not Acceptable',
  607: 'Unwanted',
  608: 'Rejected',
};

/** The standard reason phrase of a status. */
export function phraseOf(status: number): string {
  return (
    PHRASES[status] ??
    ['', 'Progress', 'OK', 'Redirection', 'Client Error', 'Server Error', 'Global Failure'][Math.floor(status / 100)] ??
    'Unknown'
  );
}

/** Content-Type without parameters, in lower case. */
export function contentType(message: SipMessage): string {
  return (message.headers.get('Content-Type') ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** The SDP of a message, also as a part of a multipart body. */
export function sdpOf(message: SipMessage): string | undefined {
  if (message.body.trim() === '') return undefined;
  const type = contentType(message);
  if (type === 'application/sdp') return message.body;
  if (!type.startsWith('multipart/')) return undefined;
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))/i.exec(message.headers.get('Content-Type') ?? '');
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return undefined;
  for (const part of message.body.split(`--${mark}`)) {
    const split = /\r?\n\r?\n/.exec(part);
    if (split && /content-type\s*:\s*application\/sdp/i.test(part.slice(0, split.index)))
      return part.slice(split.index + split[0].length);
  }
  return undefined;
}
