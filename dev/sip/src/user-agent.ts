import { randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { type Agent, addHeaders, localResponse } from './agent.ts';
import type {
  Call,
  Endpoint,
  ExtraHeaders,
  InviteOptions,
  OutboundCall,
  SessionTimerOptions,
  UserAgentCounters,
  UserAgentEvents,
  UserAgentOptions,
} from './api.ts';
import type { ClientHandlers, ClientTransaction, TransactionTiming } from './client-transaction.ts';
import { systemTimers, type Timer } from './clock.ts';
import { endpointOf, tagOf, withTag } from './dialog.ts';
import { type Challenge, type Credentials, formatChallenge, isAuthorised } from './digest.ts';
import { HeaderList } from './headers.ts';
import { ReceivedCall } from './inbound-call.ts';
import {
  formatMessage,
  parseMessage,
  phraseOf,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message.ts';
import { PlacedCall } from './outbound-call.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { MAGIC_COOKIE, stampVia, TransactionLayer } from './transaction-layer.ts';
import { type Transport, UdpTransport } from './transport.ts';
import { parseCSeq, parseVia } from './values.ts';

const METHODS = ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'INFO', 'UPDATE', 'PRACK'] as const;

/** One SIP endpoint on one address and port. */
export class UserAgent extends EventEmitter<UserAgentEvents> {
  readonly counters: UserAgentCounters = { received: 0, sent: 0, malformed: 0, stray: 0, retransmitted: 0 };
  readonly #options: UserAgentOptions;
  readonly #transport: Transport;
  readonly #layer: TransactionLayer;
  readonly #agent: Agent;
  readonly #calls = new Set<ReceivedCall | PlacedCall>();
  /** By Call-ID and local tag. */
  readonly #byDialog = new Map<string, ReceivedCall | PlacedCall>();
  readonly #byInvite = new Map<ServerTransaction, ReceivedCall>();
  /** INVITEs lately received, to tell merged requests (RFC 3261 section 8.2.2.2). */
  readonly #merged = new Set<string>();
  readonly #forgetting = new Set<Timer>();
  readonly #challenges = new Map<string, Challenge>();
  readonly #tracked = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  private constructor(options: UserAgentOptions, transport: Transport) {
    super();
    this.#options = options;
    this.#transport = transport;
    const timing: TransactionTiming = {
      timers: options.timers ?? systemTimers,
      t1: options.t1 ?? 500,
      t2: options.t2 ?? 4000,
      t4: options.t4 ?? 5000,
    };
    this.#layer = new TransactionLayer(
      timing,
      (message, target, again, failed) => this.#send(message, target, again, failed),
      {
        request: (request, source, transaction) => this.#request(request, source, transaction),
        cancel: (request, transaction, invite) => this.#cancel(request, transaction, invite),
        strayResponse: () => {
          this.counters.stray += 1;
        },
      },
    );
    this.#agent = this.#agentFor(timing);
    transport.onData = (data, source) => this.#data(data, source);
  }

  /** Throws what `bind` throws (EADDRINUSE, EADDRNOTAVAIL). */
  static async create(options: UserAgentOptions): Promise<UserAgent> {
    return new UserAgent(options, options.transport ?? (await UdpTransport.bind(options.host, options.port)));
  }

  /** Where it is bound. */
  get address(): Endpoint {
    return this.#transport.address;
  }

  /** Calls not yet terminated. */
  get calls(): ReadonlySet<Call> {
    return this.#calls;
  }

  /** Sends the INVITE in the next microtask, so that listeners can be attached. Throws TypeError when a URI cannot be read. */
  invite(options: InviteOptions): OutboundCall {
    const call = new PlacedCall(this.#agent, options);
    this.#remember(call);
    queueMicrotask(() => call.send());
    return call;
  }

  /** OPTIONS to a URI; resolves with the final response (408 or 503 of our own making when there was none). */
  options(uri: string, route?: string): Promise<SipResponse> {
    const routeUri = route === undefined || /^sips?:/i.test(route) ? route : `sip:${route}`;
    const target = endpointOf(routeUri ?? uri);
    if (!target) throw new TypeError('the URI cannot be read');
    const { host, port } = this.address;
    const headers = new HeaderList();
    if (routeUri !== undefined) headers.add('Route', `<${routeUri};lr>`);
    headers
      .add('From', `<sip:${host}:${port}>;tag=${this.#agent.random(8)}`)
      .add('To', `<${uri}>`)
      .add('Call-ID', `${this.#agent.random(16)}@${host}`)
      .add('CSeq', '1 OPTIONS')
      .add('Contact', this.#agent.contact)
      .add('Accept', 'application/sdp');
    const request: SipRequest = { kind: 'request', method: 'OPTIONS', uri, headers, body: '' };
    return new Promise((resolve) => {
      const transaction = this.#agent.start(this.#agent.complete(request), target, {
        response: (response) => response.status >= 200 && resolve(response),
        failed: (why) =>
          resolve(why === 'timeout' ? localResponse(408, 'no response') : localResponse(503, 'nobody listens there')),
      });
      const { probeAfterMs, timing } = this.#agent;
      if (probeAfterMs === false) return;
      timing.timers.after(probeAfterMs, () => {
        if (transaction.state === 'trying') this.#agent.probe(target, () => transaction.transportFailed());
      });
    });
  }

  /** Ends all calls (BYE, CANCEL, 480), waits for their replies at most `graceMs`, closes the socket. Idempotent. */
  close(graceMs = 1000): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    const ended = [...this.#calls].map(
      (call) =>
        new Promise<void>((resolve) => {
          call.once('terminated', resolve);
          call.hangup();
        }),
    );
    await new Promise<void>((resolve) => {
      const limit = this.#agent.timing.timers.after(graceMs, resolve);
      void Promise.all(ended)
        .then(() => Promise.all(this.#tracked))
        .then(() => {
          limit.cancel();
          resolve();
        });
    });
    for (const call of this.#calls)
      call.finish(() => call.emit('ended', { by: 'lost', reason: undefined, request: undefined }));
    for (const timer of this.#forgetting) timer.cancel();
    this.#layer.destroy();
    await this.#transport.close();
  }

  #agentFor(timing: TransactionTiming): Agent {
    const { contactUser, allow = METHODS, probeAfterMs = 15, sessionTimers } = this.#options;
    const { host, port } = this.address;
    const written = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    const random = this.#options.randomHex ?? ((bytes: number) => randomBytes(bytes).toString('hex'));
    return {
      address: this.address,
      timing,
      contact: `<sip:${contactUser === undefined ? '' : `${contactUser}@`}${written}>`,
      allow: allow.join(', '),
      sessionTimers: sessionTimers as SessionTimerOptions | undefined,
      probeAfterMs,
      random,
      complete: (request) => {
        const { headers } = request;
        if (!headers.has('Max-Forwards')) headers.prepend('Max-Forwards', '70');
        if (!headers.has('Via')) {
          headers.prepend('Via', `SIP/2.0/UDP ${written};rport;branch=${MAGIC_COOKIE}${random(12)}`);
        }
        if (this.#options.userAgent !== undefined && !headers.has('User-Agent'))
          headers.add('User-Agent', this.#options.userAgent);
        return request;
      },
      start: (request: SipRequest, target: Endpoint, handlers: ClientHandlers): ClientTransaction =>
        this.#layer.start(request, target, handlers),
      sendAck: (request, target) => this.#send(request, target, false, () => undefined),
      probe: (target, refused) => this.#transport.probe(target, refused),
      response: (request, status, phrase, headers) => this.#response(request, status, phrase, headers),
      track: (work) => {
        this.#tracked.add(work);
        void work.then(() => this.#tracked.delete(work));
      },
      forget: (call) => {
        this.#calls.delete(call as ReceivedCall | PlacedCall);
        this.#byDialog.delete(`${call.callId}|${call.localTag}`);
        if (call instanceof ReceivedCall) this.#byInvite.delete(call.transaction);
      },
    };
  }

  #response(request: SipRequest, status: number, phrase = phraseOf(status), extra: ExtraHeaders = []): SipResponse {
    const headers = new HeaderList();
    for (const value of request.headers.all('Via')) headers.add('Via', value);
    const to = request.headers.get('To') ?? '';
    headers
      .add('From', request.headers.get('From') ?? '')
      .add('To', status > 100 ? withTag(to, this.#agent.random(8)) : to)
      .add('Call-ID', request.headers.get('Call-ID') ?? '')
      .add('CSeq', request.headers.get('CSeq') ?? '');
    if (this.#options.userAgent !== undefined) headers.add('Server', this.#options.userAgent);
    addHeaders(headers, extra);
    return { kind: 'response', status, phrase: phrase.replace(/[\r\n]+/g, ' '), headers, body: '' };
  }

  #remember(call: ReceivedCall | PlacedCall): void {
    this.#calls.add(call);
    this.#byDialog.set(`${call.callId}|${call.localTag}`, call);
  }

  #send(message: SipMessage, target: Endpoint, again: boolean, failed: () => void): void {
    this.counters.sent += 1;
    if (again) this.counters.retransmitted += 1;
    this.emit('message', 'out', message, target);
    if (target.port === 0) failed();
    else this.#transport.send(formatMessage(message), target, failed);
  }

  #data(data: Buffer, source: Endpoint): void {
    const parsed = parseMessage(data);
    if (parsed.kind === 'keepalive') return;
    this.counters.received += 1;
    if (parsed.kind === 'message') {
      this.emit('message', 'in', parsed.message, source);
      this.#layer.receive(parsed.message, source);
      return;
    }
    this.counters.malformed += 1;
    this.emit('malformed', data, source, parsed.why);
    const { partial } = parsed;
    if (!partial || partial.method === 'ACK' || !parseVia(partial.headers.values('Via')[0] ?? '')) return;
    if (!['From', 'To', 'Call-ID', 'CSeq'].every((name) => partial.headers.has(name))) return;
    stampVia(partial, source);
    const version = parsed.why.includes('version');
    this.#layer.respondStateless(
      this.#response(partial, version ? 505 : 400, version ? undefined : `Bad Request (${parsed.why})`),
      source,
    );
  }

  #request(request: SipRequest, source: Endpoint, transaction: ServerTransaction | undefined): void {
    const toTag = tagOf(request.headers.get('To') ?? '');
    if (toTag !== '') {
      const call = this.#byDialog.get(`${request.headers.get('Call-ID')}|${toTag}`);
      const fromTag = tagOf(request.headers.get('From') ?? '');
      // Both tags have to fit: a stranger who saw one of them ends no call.
      const known = call instanceof PlacedCall ? call.knows(fromTag) : call?.remoteTag === fromTag;
      if (call && known) call.receive(request, source, transaction);
      else if (transaction) {
        this.counters.stray += 1;
        transaction.respond(this.#response(request, 481));
      }
      return;
    }
    if (!transaction) {
      this.counters.stray += 1;
      return;
    }
    const refused = this.#options.admit?.(request, source);
    if (refused !== undefined) {
      transaction.respond(this.#response(request, refused));
      return;
    }
    if (request.method === 'INVITE') this.#invite(request, source, transaction);
    else if (request.method === 'OPTIONS') {
      const allow = this.#agent.allow;
      transaction.respond(
        this.#response(request, this.#closed ? 503 : 200, undefined, [
          ['Contact', this.#agent.contact],
          ['Allow', allow],
          ['Accept', 'application/sdp'],
          ['Supported', 'timer'],
        ]),
      );
    } else if (METHODS.some((method) => method === request.method)) {
      this.counters.stray += 1;
      transaction.respond(this.#response(request, 481));
    } else {
      let answered = false;
      this.emit('request', request, source, (status, options) => {
        answered = true;
        const response = this.#response(request, status, options?.phrase, options?.headers);
        transaction.respond(response);
      });
      if (!answered) transaction.respond(this.#response(request, 501, undefined, [['Allow', this.#agent.allow]]));
    }
  }

  #invite(request: SipRequest, source: Endpoint, transaction: ServerTransaction): void {
    const { headers } = request;
    const identity = `${tagOf(headers.get('From') ?? '')}|${headers.get('Call-ID')}|${parseCSeq(headers.get('CSeq') ?? '')?.sequence}`;
    if (this.#merged.has(identity)) {
      transaction.respond(this.#response(request, 482));
      return;
    }
    if (this.#closed) {
      transaction.respond(this.#response(request, 503));
      return;
    }
    if (!/^(sips?|tel):/i.test(request.uri)) {
      transaction.respond(this.#response(request, 416));
      return;
    }
    const wanted = this.#options.authenticate?.(request);
    if (wanted && !this.#proves(request, wanted)) {
      const challenge = {
        realm: 'ringback',
        nonce: this.#agent.random(16),
        algorithm: 'MD5',
        opaque: undefined,
        qop: true,
      } as const;
      this.#challenges.set(challenge.nonce, challenge);
      transaction.respond(
        this.#response(request, 407, undefined, [['Proxy-Authenticate', formatChallenge(challenge)]]),
      );
      return;
    }
    this.#merged.add(identity);
    const { timers, t1 } = this.#agent.timing;
    if (this.#options.autoTrying ?? true) transaction.respond(this.#response(request, 100));
    const call = new ReceivedCall(this.#agent, transaction, source);
    // As long as a branch of the same request may still be under way.
    call.once('terminated', () => {
      const forget = timers.after(64 * t1, () => {
        this.#merged.delete(identity);
        this.#forgetting.delete(forget);
      });
      this.#forgetting.add(forget);
    });
    if (!call.admissible()) return;
    this.#remember(call);
    this.#byInvite.set(transaction, call);
    if (!this.emit('invite', call)) call.reject(480);
  }

  /** Each nonce serves one request. */
  #proves(request: SipRequest, credentials: Credentials): boolean {
    const header = request.headers.get('Proxy-Authorization') ?? '';
    const nonce = /nonce="([^"]*)"/.exec(header)?.[1] ?? '';
    const challenge = this.#challenges.get(nonce);
    this.#challenges.delete(nonce);
    return challenge !== undefined && isAuthorised(header, challenge, credentials, request.method);
  }

  #cancel(request: SipRequest, transaction: ServerTransaction, invite: ServerTransaction | undefined): void {
    if (!invite) {
      this.counters.stray += 1;
      transaction.respond(this.#response(request, 481));
      return;
    }
    const call = this.#byInvite.get(invite);
    const response = this.#response(request, 200);
    if (call) response.headers.set('To', withTag(request.headers.get('To') ?? '', call.localTag));
    transaction.respond(response);
    call?.cancelledBy(request);
  }
}
