import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';

/** SIP as somebody without a SIP stack sends it: text over UDP, right or wrong. Written apart from all parsers under test. */
export class RawPeer {
  readonly #socket: Socket;
  readonly #received: string[] = [];
  readonly #to: { host: string; port: number };
  readonly address: string;

  private constructor(socket: Socket, to: string) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = `${address}:${port}`;
    const [host = '', toPort = ''] = to.split(':');
    this.#to = { host, port: Number(toPort) };
    socket.on('message', (data) => this.#received.push(data.toString('latin1')));
    // Nobody listens there (ICMP): that is an answer to some tests, and no error.
    socket.on('error', () => {});
  }

  /** A socket of that address that talks to `to` (host:port). */
  static async open(host: string, to: string): Promise<RawPeer> {
    const socket = createSocket('udp4');
    socket.bind(0, host);
    await once(socket, 'listening');
    return new RawPeer(socket, to);
  }

  send(text: string | Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.send(text, this.#to.port, this.#to.host, () => resolve());
    });
  }

  /** Everything received, or what belongs to one Call-ID. */
  received(callId = ''): string[] {
    return this.#received.filter((text) => text.includes(callId));
  }

  /** Status of the first final reply to this Call-ID. @throws Error when there is none in time. */
  async final(callId: string, timeoutMs = 10_000): Promise<number> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const statuses = this.received(callId).map((text) => Number(/^SIP\/2\.0 (\d{3})/.exec(text)?.[1]));
      const status = statuses.find((each) => each >= 200);
      if (status !== undefined) return status;
      if (performance.now() > end) throw new Error(`no final reply within ${timeoutMs} ms; there were ${statuses}`);
      await wait(10);
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

export const token = (): string => randomBytes(6).toString('hex');

export interface RequestParts {
  method?: string;
  uri: string;
  /** host:port of the sender. */
  from: string;
  fromHeader?: string;
  toHeader?: string;
  callId?: string;
  cseq?: number;
  headers?: readonly string[];
  body?: string;
}

export function request(parts: RequestParts): string {
  const { method = 'INVITE', uri, from, callId = token(), cseq = 1, headers = [], body = '' } = parts;
  return [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/UDP ${from};branch=z9hG4bK${token()};rport`,
    'Max-Forwards: 70',
    `From: ${parts.fromHeader ?? `<sip:+48609999999@${from}>;tag=${token()}`}`,
    `To: ${parts.toHeader ?? `<${uri}>`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:peer@${from}>`,
    ...headers,
    ...(body === '' ? [] : ['Content-Type: application/sdp']),
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n');
}

/** What is refused, and with which status; `good` is a whole INVITE that would be taken. */
export const MALFORMED: readonly [what: string, spoil: (good: string) => string, status: number][] = [
  ['a CSeq of another method', (good) => good.replace(/CSeq: 1 \w+/, 'CSeq: 1 BYE'), 400],
  ['a CSeq beyond 2^31', (good) => good.replace('CSeq: 1 ', 'CSeq: 99999999999999 '), 400],
  ['a Content-Length beyond the datagram', (good) => good.replace('Content-Length: 0', 'Content-Length: 900'), 400],
  ['a broken From', (good) => good.replace(/From: <sip:[^>]*>/, 'From: <sip:a@@:x>'), 400],
  ['a scheme nobody has', (good) => good.replace(/^INVITE sip:/, 'INVITE nosip:'), 400],
  ['Max-Forwards 0', (good) => good.replace('Max-Forwards: 70', 'Max-Forwards: 0'), 483],
  ['Proxy-Require of the unknown', (good) => good.replace('Contact:', 'Proxy-Require: magic\r\nContact:'), 420],
  ['more than 8 KB', (good) => good.replace('Contact:', `X-Padding: ${'x'.repeat(12_000)}\r\nContact:`), 513],
  ['REGISTER', (good) => good.replaceAll('INVITE', 'REGISTER'), 405],
  ['SUBSCRIBE', (good) => good.replaceAll('INVITE', 'SUBSCRIBE'), 405],
  ['a BYE of no call', (good) => good.replaceAll('INVITE', 'BYE'), 481],
];

/** What deserves no answer: survived in silence. */
export const GARBAGE: readonly (string | Buffer)[] = [
  '\r\n\r\n',
  'INVITE',
  'INVITE\r\nFrom: +48605918273\r\n\r\n',
  'INVITE sip:+48605918273@x SIP/2.0\r\n\r\n',
  'SIP/2.0 200 OK\r\n\r\n',
  'SIP/2.0 999 +48605918273\r\nVia: SIP/2.0/UDP 127.0.0.10, SIP/2.0/UDP 127.0.1.1\r\nCSeq: 1 INVITE\r\n\r\n',
  `INVITE sip:x@${'a'.repeat(400)}:99999999 SIP/2.0\r\nVia: x\r\nFrom: <<>>\r\nTo: ;;;\r\nCall-ID:\r\nCSeq: INVITE\r\n\r\n`,
  Buffer.from(Array.from({ length: 900 }, (_, at) => (at * 7919) % 256)),
  Buffer.alloc(1_400),
  `GET / HTTP/1.1\r\nHost: edge\r\n\r\n`,
  `OPTIONS ${'sip:'.repeat(2_000)} SIP/2.0\r\n\r\n`,
];
