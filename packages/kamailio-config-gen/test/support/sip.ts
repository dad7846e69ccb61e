import { randomBytes } from 'node:crypto';

/** Just enough SIP for tests, written apart from everything under test. */
export interface Message {
  readonly text: string;
  readonly startLine: string;
  /** Empty for replies. */
  readonly method: string;
  /** Request URI, empty for replies. */
  readonly uri: string;
  /** 0 for requests. */
  readonly status: number;
  /** First value, '' when absent. */
  header(name: string): string;
  headers(name: string): string[];
  has(name: string): boolean;
}

export function parse(text: string): Message {
  const [head = ''] = text.split('\r\n\r\n');
  const [startLine = '', ...lines] = head.split('\r\n');
  const all = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  const headers = (name: string): string[] => all.filter(([n]) => n === name.toLowerCase()).map(([, value]) => value);
  const reply = /^SIP\/2\.0 ([0-9]{3})/.exec(startLine);
  const [method = '', uri = ''] = reply === null ? startLine.split(' ') : [];
  return {
    text,
    startLine,
    method,
    uri,
    status: Number(reply?.[1] ?? 0),
    headers,
    header: (name) => headers(name)[0] ?? '',
    has: (name) => headers(name).length > 0,
  };
}

export const token = (): string => randomBytes(6).toString('hex');

export interface RequestOptions {
  readonly method?: string;
  readonly uri: string;
  /** host:port of the sender: Via and Contact. */
  readonly from: string;
  readonly callId?: string;
  readonly branch?: string;
  readonly cseq?: number;
  readonly fromHeader?: string;
  readonly fromTag?: string;
  /** Without tag; the Request-URI unless given. */
  readonly toHeader?: string;
  readonly toTag?: string;
  readonly maxForwards?: number;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export function request(o: RequestOptions): string {
  const method = o.method ?? 'INVITE';
  const body = o.body ?? '';
  const lines = [
    `${method} ${o.uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${o.from};branch=${o.branch ?? `z9hG4bK${token()}`}`,
    `Max-Forwards: ${o.maxForwards ?? 70}`,
    `From: ${o.fromHeader ?? '<sip:+48601000001@carrier.example>'};tag=${o.fromTag ?? token()}`,
    `To: ${o.toHeader ?? `<${o.uri}>`}${o.toTag === undefined ? '' : `;tag=${o.toTag}`}`,
    `Call-ID: ${o.callId ?? token()}`,
    `CSeq: ${o.cseq ?? 1} ${method}`,
    `Contact: <sip:peer@${o.from}>`,
    ...(o.headers ?? []),
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Reply to a request as its receiver would make it. */
export function reply(
  to: Message,
  status: number,
  reason: string,
  extra: readonly string[] = [],
  tag = 'remote',
): string {
  const toHeader = to.header('To');
  const lines = [
    `SIP/2.0 ${status} ${reason}`,
    ...to.headers('Via').map((v) => `Via: ${v}`),
    ...to.headers('Record-Route').map((v) => `Record-Route: ${v}`),
    `From: ${to.header('From')}`,
    `To: ${status === 100 || toHeader.includes(';tag=') ? toHeader : `${toHeader};tag=${tag}`}`,
    `Call-ID: ${to.header('Call-ID')}`,
    `CSeq: ${to.header('CSeq')}`,
    ...extra,
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** ACK or CANCEL of a non-2xx INVITE: same branch (RFC 3261 9.1, 17.1.1.3). */
export function sameTransaction(method: 'ACK' | 'CANCEL', invite: string, finalReply?: Message): string {
  const sent = parse(invite);
  const lines = [
    `${method} ${sent.uri} SIP/2.0`,
    `Via: ${sent.header('Via')}`,
    'Max-Forwards: 70',
    `From: ${sent.header('From')}`,
    `To: ${finalReply === undefined ? sent.header('To') : finalReply.header('To')}`,
    `Call-ID: ${sent.header('Call-ID')}`,
    `CSeq: ${sent.header('CSeq').split(' ')[0]} ${method}`,
    'Content-Length: 0',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}
