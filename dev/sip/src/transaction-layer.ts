import type { Endpoint } from './api.ts';
import { type ClientHandlers, ClientTransaction, type TransactionTiming } from './client-transaction.ts';
import type { SipMessage, SipRequest, SipResponse } from './message.ts';
import { ServerTransaction } from './server-transaction.ts';
import { formatVia, parseCSeq, parseNameAddr, parseVia } from './values.ts';

export const MAGIC_COOKIE = 'z9hG4bK';

export interface TransactionUser {
  /** A request that starts a transaction, or an ACK of a 2xx (`transaction` undefined). */
  request(request: SipRequest, source: Endpoint, transaction: ServerTransaction | undefined): void;
  /** A CANCEL and the INVITE that it is for, if we have it. */
  cancel(request: SipRequest, transaction: ServerTransaction, invite: ServerTransaction | undefined): void;
  /** A response to no transaction of ours. */
  strayResponse(response: SipResponse): void;
}

/** Matches messages to transactions (RFC 3261 sections 17.1.3 and 17.2.3) and puts responses on their way back (18.2.2, RFC 3581). */
export class TransactionLayer {
  readonly #timing: TransactionTiming;
  readonly #send: (message: SipMessage, target: Endpoint, again: boolean, failed: () => void) => void;
  readonly #user: TransactionUser;
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #servers = new Map<string, ServerTransaction>();

  constructor(
    timing: TransactionTiming,
    send: (message: SipMessage, target: Endpoint, again: boolean, failed: () => void) => void,
    user: TransactionUser,
  ) {
    this.#timing = timing;
    this.#send = send;
    this.#user = user;
  }

  /** How many transactions are remembered. */
  get size(): number {
    return this.#clients.size + this.#servers.size;
  }

  /** Sends a request (with a Via of ours on top) as a new transaction. */
  start(request: SipRequest, target: Endpoint, handlers: ClientHandlers): ClientTransaction {
    const key = clientKey(request.headers.get('Via') ?? '', request.method);
    const transaction = new ClientTransaction(request, {
      ...this.#timing,
      handlers,
      send: (message, again) => this.#send(message, target, again, () => this.#clients.get(key)?.transportFailed()),
      terminated: () => this.#clients.delete(key),
    });
    this.#clients.set(key, transaction);
    return transaction;
  }

  receive(message: SipMessage, source: Endpoint): void {
    if (message.kind === 'request') this.#request(message, source);
    else this.#response(message);
  }

  /** Answers without a transaction (malformed requests, RFC 3261 section 8.2.7). */
  respondStateless(response: SipResponse, source: Endpoint): void {
    this.#send(response, responseTarget(response, source), false, () => undefined);
  }

  destroy(): void {
    for (const client of this.#clients.values()) client.destroy();
    for (const server of this.#servers.values()) server.destroy();
  }

  #response(response: SipResponse): void {
    const via = response.headers.values('Via')[0] ?? '';
    const method = parseCSeq(response.headers.get('CSeq') ?? '')?.method ?? '';
    const transaction = this.#clients.get(clientKey(via, method));
    if (transaction) transaction.receive(response);
    else this.#user.strayResponse(response);
  }

  #request(request: SipRequest, source: Endpoint): void {
    stampVia(request, source);
    const known = this.#servers.get(serverKey(request, request.method === 'ACK' ? 'INVITE' : request.method));
    if (request.method === 'ACK') {
      if (known && known.state !== 'accepted') known.acknowledged();
      else this.#user.request(request, source, undefined);
      return;
    }
    if (known) {
      known.retransmission();
      return;
    }
    const key = serverKey(request, request.method);
    const transaction = new ServerTransaction(request, {
      ...this.#timing,
      send: (response, again) => this.#send(response, responseTarget(response, source), again, () => undefined),
      terminated: () => this.#servers.delete(key),
    });
    this.#servers.set(key, transaction);
    if (request.method === 'CANCEL')
      this.#user.cancel(request, transaction, this.#servers.get(serverKey(request, 'INVITE')));
    else this.#user.request(request, source, transaction);
  }
}

function clientKey(via: string, method: string): string {
  return `${parseVia(via)?.params.get('branch') ?? ''}|${method}`;
}

function serverKey(request: SipRequest, method: string): string {
  const via = parseVia(request.headers.values('Via')[0] ?? '');
  const branch = via?.params.get('branch') ?? '';
  const sentBy = `${via?.host}:${via?.port ?? 5060}`;
  if (branch.startsWith(MAGIC_COOKIE)) return `${branch}|${sentBy}|${method}`;
  // RFC 2543: the same Request-URI, From tag, Call-ID, CSeq number and Via.
  const from = parseNameAddr(request.headers.get('From') ?? '')?.params.get('tag') ?? '';
  const sequence = parseCSeq(request.headers.get('CSeq') ?? '')?.sequence ?? 0;
  return ['2543', request.uri, from, request.headers.get('Call-ID') ?? '', sequence, sentBy, branch, method].join('|');
}

/** Notes in the top Via where the request really came from (RFC 3261 section 18.2.1, RFC 3581 section 4). */
export function stampVia(request: SipRequest, source: Endpoint): void {
  const all = request.headers.values('Via');
  const via = parseVia(all[0] ?? '');
  if (!via) return;
  const wantsPort = via.params.has('rport');
  if (!wantsPort && via.host === source.host) return;
  via.params.set('received', source.host);
  if (wantsPort) via.params.set('rport', String(source.port));
  const rest = all.slice(1);
  request.headers.set('Via', [formatVia(via), ...rest].join(', '));
}

function responseTarget(response: SipResponse, source: Endpoint): Endpoint {
  const via = parseVia(response.headers.values('Via')[0] ?? '');
  if (!via) return source;
  const rport = Number(via.params.get('rport') ?? '');
  const host = (via.params.get('received') || via.host).replace(/^\[|\]$/g, '');
  return { host, port: rport > 0 && rport < 65_536 ? rport : (via.port ?? 5060) };
}
