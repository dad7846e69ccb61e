import { addHeaders, type Agent } from './agent.ts';
import type { Endpoint, HangupOptions, InboundCall, RejectOptions, ResponseOptions } from './api.ts';
import { BaseCall, readReason } from './base-call.ts';
import type { Timer } from './clock.ts';
import { Dialog, withTag } from './dialog.ts';
import type { HeaderList } from './headers.ts';
import { type SipRequest, type SipResponse, sdpOf } from './message.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { UntilAcked } from './until-acked.ts';
import { parseCSeq, userOf } from './values.ts';

/** A call that came in. Methods that its state no longer allows (the caller has just cancelled) do nothing. */
export class ReceivedCall extends BaseCall implements InboundCall {
  readonly direction = 'inbound';
  readonly #transaction: ServerTransaction;
  readonly #reliable: boolean;
  /** A provisional response that waits for its PRACK, and what is to be sent after it (RFC 3262 section 3). */
  #unconfirmed: { rseq: number; again: Timer; limit: Timer } | undefined;
  #afterConfirmation: (() => void)[] = [];
  #rseq: number;
  #byeWhenAcked: HangupOptions | undefined;

  constructor(agent: Agent, transaction: ServerTransaction, source: Endpoint) {
    const { request } = transaction;
    const localTag = agent.random(8);
    super({
      agent,
      request,
      callId: request.headers.get('Call-ID') ?? '',
      localTag,
      remote: source,
      state: 'proceeding',
      sessionOptions: agent.sessionTimers,
    });
    this.#transaction = transaction;
    this.dialog = Dialog.ofRequest(request, localTag, Number.parseInt(agent.random(2), 16) + 1);
    this.remoteSdp = sdpOf(request);
    this.noteAllow(request);
    this.#reliable = request.headers.lists('Require', '100rel');
    this.#rseq = Number.parseInt(agent.random(2), 16) + 1;
  }

  get headers(): HeaderList {
    return this.request.headers;
  }

  get calledUser(): string {
    return userOf(this.request.uri);
  }

  get callerUser(): string {
    return userOf(this.request.headers.get('From') ?? '');
  }

  get transaction(): ServerTransaction {
    return this.#transaction;
  }

  ring(options: ResponseOptions & { status?: number } = {}): void {
    this.#provisional(options.status ?? 180, undefined, options);
  }

  progress(sdp: string, options: ResponseOptions & { status?: number } = {}): void {
    this.#provisional(options.status ?? 183, sdp, options);
  }

  answer(sdp: string, options: ResponseOptions = {}): void {
    if (this.state !== 'proceeding' && this.state !== 'early') return;
    if (this.#unconfirmed) {
      this.#afterConfirmation.push(() => this.answer(sdp, options));
      return;
    }
    const session = this.sessionAnswer(this.request);
    const response = this.#response(200, options);
    response.headers.add('Supported', 'timer');
    addHeaders(response.headers, session.headers);
    this.fill(response, { body: sdp });
    this.localSdp = sdp;
    this.state = 'answered';
    session.apply();
    const sequence = parseCSeq(this.request.headers.get('CSeq') ?? '')?.sequence ?? 0;
    this.unacked = new UntilAcked(
      this.agent.timing,
      sequence,
      () => this.#transaction.respond(response),
      () => this.bye('no-ack', this.#byeWhenAcked),
    );
  }

  reject(status: number, options: RejectOptions = {}): void {
    if (this.state !== 'proceeding' && this.state !== 'early') return;
    this.#refuse(status, options);
    this.finish();
  }

  hangup(options: HangupOptions = {}): void {
    if (this.state === 'established') this.bye('local', options);
    // RFC 3261 section 15: no BYE before the ACK.
    else if (this.state === 'answered') this.#byeWhenAcked = options;
    else this.reject(options.status ?? 480, { reason: options.reason, headers: options.headers });
  }

  override acknowledged(request: SipRequest): void {
    super.acknowledged(request);
    if (this.#byeWhenAcked) this.bye('local', this.#byeWhenAcked);
  }

  /** Answers 422 or 420 by itself; false then, and the call is no more. */
  admissible(): boolean {
    const unsupported = this.headers
      .values('Require')
      .filter((token) => !['timer', '100rel'].includes(token.toLowerCase()));
    const { tooSmall } = this.sessionAnswer(this.request);
    const type = this.headers.get('Content-Type')?.split(';')[0]?.trim().toLowerCase();
    const readable = this.request.body === '' || type === 'application/sdp' || type?.startsWith('multipart/');
    if (unsupported.length > 0) this.#refuse(420, { headers: [['Unsupported', unsupported.join(', ')]] });
    else if (!readable) this.#refuse(415, { headers: [['Accept', 'application/sdp']] });
    else if (tooSmall !== undefined) this.#refuse(422, { headers: [['Min-SE', String(tooSmall)]] });
    else return true;
    this.finish();
    return false;
  }

  /** The caller's CANCEL, or a BYE of it before the answer. */
  cancelledBy(message: SipRequest): void {
    if (this.state !== 'proceeding' && this.state !== 'early') return;
    this.#refuse(487, {});
    this.finish(() => this.emit('cancelled', { by: 'remote', reason: readReason(message), crossed: false, message }));
  }

  override receiveBye(request: SipRequest, transaction: ServerTransaction): void {
    if (this.state === 'answered' || this.state === 'established') super.receiveBye(request, transaction);
    else {
      transaction.respond(this.agent.response(request, 200));
      this.cancelledBy(request);
    }
  }

  override receivePrack(request: SipRequest, transaction: ServerTransaction): void {
    const rack = /^(\d+)\s+(\d+)\s+INVITE$/i.exec(request.headers.get('RAck') ?? '');
    if (!this.#unconfirmed || Number(rack?.[1]) !== this.#unconfirmed.rseq) {
      transaction.respond(this.agent.response(request, 481));
      return;
    }
    transaction.respond(this.agent.response(request, 200));
    this.#confirmed();
    for (const next of this.#afterConfirmation.splice(0)) next();
  }

  #provisional(status: number, sdp: string | undefined, options: ResponseOptions): void {
    if (this.state !== 'proceeding' && this.state !== 'early') return;
    if (this.#unconfirmed) {
      this.#afterConfirmation.push(() => this.#provisional(status, sdp, options));
      return;
    }
    const response = this.#response(status, options);
    this.fill(response, { body: sdp });
    if (sdp !== undefined) this.localSdp = sdp;
    if (status > 100) this.state = 'early';
    if (this.#reliable && status > 100) this.#sendReliably(response);
    else this.#transaction.respond(response);
  }

  #sendReliably(response: SipResponse): void {
    const { timers, t1 } = this.agent.timing;
    this.#rseq += 1;
    response.headers.add('Require', '100rel').add('RSeq', String(this.#rseq));
    const repeat = (interval: number): Timer =>
      timers.after(interval, () => {
        this.#transaction.respond(response);
        if (this.#unconfirmed) this.#unconfirmed.again = repeat(interval * 2);
      });
    this.#transaction.respond(response);
    this.#unconfirmed = { rseq: this.#rseq, again: repeat(t1), limit: timers.after(64 * t1, () => this.reject(504)) };
  }

  #confirmed(): void {
    this.#unconfirmed?.again.cancel();
    this.#unconfirmed?.limit.cancel();
    this.#unconfirmed = undefined;
  }

  #refuse(status: number, options: RejectOptions): void {
    this.#confirmed();
    this.#afterConfirmation = [];
    const response = this.#response(status, options);
    if (options.contact !== undefined) response.headers.set('Contact', `<${options.contact}>`);
    if (options.reason !== undefined) response.headers.add('Reason', options.reason);
    this.#transaction.respond(response);
  }

  #response(status: number, options: ResponseOptions): SipResponse {
    const response = this.agent.response(this.request, status, options.phrase);
    response.headers.set('To', withTag(this.request.headers.get('To') ?? '', this.localTag));
    if (status < 300) {
      for (const route of this.request.headers.all('Record-Route')) response.headers.add('Record-Route', route);
      response.headers.add('Contact', this.agent.contact).add('Allow', this.agent.allow);
    }
    addHeaders(response.headers, options.headers);
    return response;
  }
}
