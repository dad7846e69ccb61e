import { addHeaders, type Agent, localResponse } from './agent.ts';
import type { Endpoint, Failed, HangupOptions, InviteOptions, OutboundCall } from './api.ts';
import { BaseCall, readReason } from './base-call.ts';
import type { ClientTransaction } from './client-transaction.ts';
import { Dialog, endpointOf, tagOf, withTag } from './dialog.ts';
import { authorization, parseChallenge } from './digest.ts';
import { HeaderList } from './headers.ts';
import { phraseOf, type SipRequest, type SipResponse, sdpOf } from './message.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { formatSessionExpires, readMinSe } from './session-timer.ts';
import { parseCSeq, parseNameAddr, parseUri } from './values.ts';

/** RFC 3261 sections 22.2 and 22.3. */
const CHALLENGES = new Map([
  [401, { challenge: 'WWW-Authenticate', answer: 'Authorization' }],
  [407, { challenge: 'Proxy-Authenticate', answer: 'Proxy-Authorization' }],
]);

/** A call that we place. */
export class PlacedCall extends BaseCall implements OutboundCall {
  readonly direction = 'outbound';
  readonly #options: InviteOptions;
  #transaction: ClientTransaction | undefined;
  #cancelling: { options: HangupOptions; sent: boolean } | undefined;
  /** Early dialogs by To tag: an INVITE may have forked. */
  readonly #early = new Map<string, Dialog>();
  /** ACKs to repeat for repeated 2xx, by To tag. */
  readonly #acks = new Map<string, () => void>();
  #lastRseq = 0;
  #stopProbe: () => void = () => undefined;
  #minSe: number;

  /** Throws TypeError when a URI cannot be read. */
  constructor(agent: Agent, options: InviteOptions) {
    const { request, target } = buildInvite(agent, options);
    super({
      agent,
      request,
      callId: request.headers.get('Call-ID') ?? '',
      localTag: tagOf(request.headers.get('From') ?? ''),
      remote: target,
      state: 'calling',
      sessionOptions: options.sessionTimers === false ? undefined : (options.sessionTimers ?? agent.sessionTimers),
    });
    this.#options = options;
    this.#minSe = this.sessionOptions?.minSe ?? 90;
    this.localSdp = options.sdp;
  }

  override get remoteTag(): string {
    return this.dialog?.remoteTag ?? '';
  }

  /** Is this tag one of the far ends of this call? */
  knows(remoteTag: string): boolean {
    return this.dialog?.remoteTag === remoteTag || this.#early.has(remoteTag);
  }

  send(): void {
    if (this.state === 'terminated') return;
    if (this.#cancelling) {
      this.finish(() => this.emit('cancelled', { by: 'local', reason: undefined, crossed: false, message: undefined }));
      return;
    }
    this.#addSessionTimer(this.request);
    const { probeAfterMs, timing } = this.agent;
    this.#transaction = this.agent.start(this.agent.complete(this.request), this.remote, {
      response: (response) => this.#response(response),
      failed: (why) => this.#unanswered(why),
    });
    if (probeAfterMs === false) return;
    const transaction = this.#transaction;
    const later = timing.timers.after(probeAfterMs, () => {
      if (transaction.state === 'trying')
        this.#stopProbe = this.agent.probe(this.remote, () => transaction.transportFailed());
    });
    this.#stopProbe = () => later.cancel();
  }

  cancel(options: HangupOptions = {}): void {
    if (this.state !== 'calling' && this.state !== 'proceeding' && this.state !== 'early') return;
    if (this.#cancelling) return;
    this.#cancelling = { options, sent: false };
    // RFC 3261 section 9.1: not before a provisional response has come.
    if (this.state !== 'calling') this.#sendCancel();
  }

  hangup(options: HangupOptions = {}): void {
    if (this.state === 'established') this.bye('local', options);
    else this.cancel(options);
  }

  ack(sdp: string): void {
    const { dialog } = this;
    if (!dialog || this.#acks.has(dialog.remoteTag) || this.state !== 'established') return;
    this.localSdp = sdp;
    this.#acknowledge(dialog, sdp);
  }

  override receiveBye(request: SipRequest, transaction: ServerTransaction): void {
    // The called side may not end an early dialog by BYE (RFC 3261 section 15).
    if (this.state === 'established') super.receiveBye(request, transaction);
    else transaction.respond(this.agent.response(request, 481));
  }

  #response(response: SipResponse): void {
    this.#stopProbe();
    if (response.status < 200) this.#provisional(response);
    else if (response.status < 300) this.#success(response);
    else this.#failure(response);
  }

  #provisional(response: SipResponse): void {
    if (this.state === 'terminated') return;
    if (this.state === 'calling') this.state = 'proceeding';
    if (this.#cancelling) {
      this.#sendCancel();
      return;
    }
    if (response.status === 100) return;
    const tag = tagOf(response.headers.get('To') ?? '');
    if (tag !== '') {
      this.dialog = this.#early.get(tag) ?? Dialog.ofResponse(this.request, response);
      this.dialog.refreshTarget(response);
      this.#early.set(tag, this.dialog);
    }
    const rseq = Number(response.headers.get('RSeq') ?? '');
    if (rseq > 0 && tag !== '' && response.headers.lists('Require', '100rel')) {
      const invite = parseCSeq(this.request.headers.get('CSeq') ?? '')?.sequence ?? 1;
      if (this.#lastRseq !== 0 && rseq !== this.#lastRseq + 1) return;
      this.#lastRseq = rseq;
      void this.sendInDialog('PRACK', { headers: [['RAck', `${rseq} ${invite} INVITE`]] });
    }
    this.state = 'early';
    this.noteAllow(response);
    const sdp = sdpOf(response);
    this.remoteSdp = sdp ?? this.remoteSdp;
    this.emit('provisional', { status: response.status, phrase: response.phrase, sdp, response });
  }

  #success(response: SipResponse): void {
    const tag = tagOf(response.headers.get('To') ?? '');
    const repeat = this.#acks.get(tag);
    if (repeat) {
      repeat();
      return;
    }
    // The 2xx of a delayed offer, again before the answer to it is known.
    if (this.dialog?.remoteTag === tag && this.state === 'established') return;
    const early = this.#early.get(tag);
    const dialog = Dialog.ofResponse(this.request, response);
    dialog.localSequence = Math.max(dialog.localSequence, early?.localSequence ?? 0);
    dialog.remoteSequence = early?.remoteSequence;
    if (this.state === 'terminated' || this.state === 'established' || this.#cancelling) {
      // Answered twice by a fork, or after we had cancelled or given up: end that one (RFC 3261 section 13.2.2.4).
      const { options } = this.#cancelling ?? { options: {} };
      this.#acknowledge(dialog);
      this.#endFork(dialog, options);
      if (this.#cancelling) {
        this.finish(() =>
          this.emit('cancelled', { by: 'local', reason: readReason(response), crossed: true, message: response }),
        );
      }
      return;
    }
    this.dialog = dialog;
    this.state = 'established';
    this.noteAllow(response);
    const sdp = sdpOf(response);
    this.remoteSdp = sdp ?? this.remoteSdp;
    if (this.#options.sdp !== undefined || sdp === undefined) this.#acknowledge(dialog);
    this.sessionAgreed(response);
    this.emit('answered', { sdp, response });
  }

  #failure(response: SipResponse): void {
    if (this.state === 'terminated') return;
    if (response.status === 422 && !this.#cancelling && readMinSe(response.headers) > this.#minSe) {
      this.#minSe = readMinSe(response.headers);
      this.request = againWith(this.request, this.agent.random(8));
      this.state = 'calling';
      this.send();
      return;
    }
    if (!this.#cancelling && this.#authorise(response)) return;
    if (this.#cancelling) {
      this.finish(() =>
        this.emit('cancelled', { by: 'local', reason: readReason(response), crossed: false, message: response }),
      );
    } else this.#fail('response', response);
  }

  /** Meets a challenge, once: a second one says that the credentials are wrong. */
  #authorise(response: SipResponse): boolean {
    const names = CHALLENGES.get(response.status);
    const { credentials } = this.#options;
    if (!names || !credentials || this.request.headers.has(names.answer)) return false;
    const challenge = response.headers.all(names.challenge).map(parseChallenge).find(Boolean);
    if (!challenge) return false;
    const { random } = this.agent;
    this.request = againWith(this.request, random(8));
    const answer = authorization(challenge, credentials, { method: 'INVITE', uri: this.request.uri }, random(8));
    this.request.headers.set(names.answer, answer);
    this.state = 'calling';
    this.send();
    return true;
  }

  #unanswered(why: 'timeout' | 'transport'): void {
    this.#stopProbe();
    if (this.#cancelling)
      this.finish(() => this.emit('cancelled', { by: 'local', reason: undefined, crossed: false, message: undefined }));
    else this.#fail(why, undefined);
  }

  #fail(by: Failed['by'], response: SipResponse | undefined): void {
    const status = response?.status ?? (by === 'timeout' ? 408 : 503);
    this.finish(() =>
      this.emit('failed', {
        by,
        status,
        phrase: response?.phrase ?? phraseOf(status),
        reason: response && readReason(response),
        response,
      }),
    );
  }

  #sendCancel(): void {
    if (!this.#cancelling || this.#cancelling.sent) return;
    this.#cancelling.sent = true;
    const { options } = this.#cancelling;
    const headers = new HeaderList();
    for (const { name, value } of this.request.headers) {
      if (
        ['via', 'route', 'max-forwards', 'from', 'to', 'call-id', 'cseq', 'user-agent'].includes(name.toLowerCase())
      ) {
        headers.add(name, name.toLowerCase() === 'cseq' ? value.replace(/\S+$/, 'CANCEL') : value);
      }
    }
    addHeaders(headers, options.headers);
    if (options.reason !== undefined) headers.add('Reason', options.reason);
    const request: SipRequest = { kind: 'request', method: 'CANCEL', uri: this.request.uri, headers, body: '' };
    this.agent.start(request, this.remote, { response: () => undefined, failed: () => undefined });
    // RFC 3261 section 9.1: without a final response in 64·T1 the INVITE is over.
    const { timers, t1 } = this.agent.timing;
    const limit = timers.after(64 * t1, () => {
      this.#transaction?.destroy();
      this.finish(() => this.emit('cancelled', { by: 'local', reason: undefined, crossed: false, message: undefined }));
    });
    this.once('terminated', () => limit.cancel());
  }

  #acknowledge(dialog: Dialog, sdp?: string): void {
    const sequence = parseCSeq(this.request.headers.get('CSeq') ?? '')?.sequence ?? 1;
    const { request, target } = dialog.request('ACK', sequence);
    this.fill(request, { body: sdp });
    // RFC 3261 section 22.1: an ACK has the credentials of its INVITE.
    for (const { answer } of CHALLENGES.values()) {
      const proof = this.request.headers.get(answer);
      if (proof !== undefined) request.headers.set(answer, proof);
    }
    const complete = this.agent.complete(request);
    const send = (): void => this.agent.sendAck(complete, target);
    this.#acks.set(dialog.remoteTag, send);
    send();
  }

  #endFork(dialog: Dialog, options: HangupOptions): void {
    const { request, target } = dialog.request('BYE');
    this.fill(request, { headers: options.headers });
    if (options.reason !== undefined) request.headers.add('Reason', options.reason);
    this.agent.track(
      new Promise<SipResponse>((resolve) => {
        this.agent.start(this.agent.complete(request), target, {
          response: (response) => response.status >= 200 && resolve(response),
          failed: () => resolve(localResponse(408, 'no response')),
        });
      }),
    );
  }

  #addSessionTimer(request: SipRequest): void {
    if (!this.sessionOptions) return;
    const expires = Math.max(this.sessionOptions.expires, this.#minSe);
    request.headers
      .set('Session-Expires', formatSessionExpires({ expires, refresher: this.sessionOptions.refresher }))
      .set('Min-SE', String(this.#minSe));
  }
}

function buildInvite(agent: Agent, options: InviteOptions): { request: SipRequest; target: Endpoint } {
  if (!parseUri(options.uri)) throw new TypeError('the Request-URI cannot be read');
  const from = parseNameAddr(options.from);
  if (!from) throw new TypeError('From cannot be read');
  const routeUri =
    options.route === undefined ? undefined : /^sips?:/i.test(options.route) ? options.route : `sip:${options.route}`;
  const target = endpointOf(routeUri ?? options.uri);
  if (!target) throw new TypeError('there is no next hop in the Request-URI or route');
  const headers = new HeaderList();
  if (routeUri !== undefined) headers.add('Route', `<${routeUri}${/;lr\b/.test(routeUri) ? '' : ';lr'}>`);
  const bare = options.from.includes('<') ? options.from : `<${options.from}>`;
  headers
    .add('From', withTag(bare, agent.random(8)))
    .add('To', options.to ?? `<${options.uri}>`)
    .add('Call-ID', options.callId ?? `${agent.random(16)}@${agent.address.host}`)
    .add('CSeq', `${Number.parseInt(agent.random(3), 16) + 1} INVITE`)
    .add('Contact', agent.contact)
    .add('Allow', agent.allow)
    .add('Supported', options.reliable ? 'timer, 100rel' : 'timer');
  addHeaders(headers, options.headers);
  const request: SipRequest = { kind: 'request', method: 'INVITE', uri: options.uri, headers, body: options.sdp ?? '' };
  if (options.sdp !== undefined) headers.add('Content-Type', 'application/sdp');
  return { request, target };
}

/** The same INVITE as a new transaction (RFC 3261 section 8.1.3.5). */
function againWith(request: SipRequest, branch: string): SipRequest {
  const headers = request.headers.clone();
  const sequence = (parseCSeq(headers.get('CSeq') ?? '')?.sequence ?? 1) + 1;
  headers.set('CSeq', `${sequence} INVITE`);
  headers.set('Via', (headers.get('Via') ?? '').replace(/branch=[^;]+/, `branch=z9hG4bK${branch}`));
  return { ...request, headers };
}
