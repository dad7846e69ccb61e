import { localResponse } from './agent.ts';
import type { ExtraHeaders, RejectOptions, Reoffer, ResponseOptions } from './api.ts';
import type { BaseCall } from './base-call.ts';
import type { Timer } from './clock.ts';
import { type SipRequest, type SipResponse, sdpOf } from './message.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { formatSessionExpires, readMinSe } from './session-timer.ts';
import { UntilAcked } from './until-acked.ts';
import { parseCSeq } from './values.ts';

/** Offers within a call, ours and the peer's: one at a time (RFC 3261 section 14, RFC 3311, RFC 3264 section 4). */
export class OfferExchange {
  readonly #call: BaseCall;
  /** Our offers, one after the other. */
  #ours: Promise<unknown> = Promise.resolve();
  #offering: 'INVITE' | 'UPDATE' | undefined;
  #theirs: 'INVITE' | 'UPDATE' | undefined;
  #theirsDone: (() => void)[] = [];
  #backOff: { timer: Timer; resume: () => void } | undefined;
  /** Answers what is open when the call ends. */
  #refuseTheirs: (() => void) | undefined;

  constructor(call: BaseCall) {
    this.#call = call;
  }

  reinvite(sdp: string, headers: ExtraHeaders = []): Promise<SipResponse> {
    return this.#inTurn(() => this.#offer('INVITE', sdp, headers));
  }

  update(sdp: string | undefined, headers: ExtraHeaders = []): Promise<SipResponse> {
    return this.#inTurn(() => this.#offer('UPDATE', sdp, headers));
  }

  /** Refreshes the session (RFC 4028 section 10): UPDATE where the peer allows it, else a re-INVITE with the last SDP. */
  async refresh(): Promise<void> {
    const byUpdate = this.#call.peerAllows?.has('UPDATE') ?? false;
    const { localSdp } = this.#call;
    if (byUpdate || localSdp === undefined) await this.update(undefined);
    else await this.reinvite(localSdp);
  }

  close(): void {
    this.#backOff?.timer.cancel();
    this.#backOff?.resume();
    this.#refuseTheirs?.();
    for (const done of this.#theirsDone.splice(0)) done();
  }

  #inTurn(run: () => Promise<SipResponse>): Promise<SipResponse> {
    const turn = this.#ours.then(async () => {
      while (this.#theirs !== undefined && this.#call.state !== 'terminated') {
        await new Promise<void>((resolve) => this.#theirsDone.push(resolve));
      }
      return run();
    });
    this.#ours = turn.catch(() => undefined);
    return turn;
  }

  async #offer(method: 'INVITE' | 'UPDATE', sdp: string | undefined, headers: ExtraHeaders): Promise<SipResponse> {
    let minSe = this.#call.sessionOptions?.minSe ?? 90;
    for (;;) {
      const response = await this.#once(method, sdp, headers, minSe);
      if (response.status === 422 && readMinSe(response.headers) > minSe) minSe = readMinSe(response.headers);
      else if (response.status === 491 && this.#call.state !== 'terminated') await this.#waitAfterGlare();
      else return response;
    }
  }

  #once(
    method: 'INVITE' | 'UPDATE',
    sdp: string | undefined,
    extra: ExtraHeaders,
    minSe: number,
  ): Promise<SipResponse> {
    const call = this.#call;
    const { dialog } = call;
    const usable = call.state === 'established' || (method === 'UPDATE' && call.state !== 'terminated');
    if (!dialog || !usable) return Promise.resolve(localResponse(481, 'the call is not established'));
    const headers: (readonly [string, string])[] = [
      ['Contact', call.agent.contact],
      ['Allow', call.agent.allow],
      ['Supported', 'timer'],
      ...extra,
    ];
    const agreed = call.sessionTimer.agreed;
    if (agreed) {
      const expires = Math.max(agreed.expires, minSe);
      headers.push(
        ['Session-Expires', formatSessionExpires({ expires, refresher: agreed.weRefresh ? 'uac' : 'uas' })],
        ['Min-SE', String(minSe)],
      );
    }
    const { request, target } = dialog.request(method);
    call.fill(request, { headers, body: sdp });
    const sequence = dialog.localSequence;
    if (method === 'INVITE' || sdp !== undefined) this.#offering = method;
    return new Promise((resolve) => {
      let ack: (() => void) | undefined;
      const final = (response: SipResponse): void => {
        if (response.status < 200) return;
        if (ack) {
          if (response.status < 300) ack();
          return;
        }
        this.#offering = undefined;
        if (response.status < 300) {
          dialog.refreshTarget(response);
          if (method === 'INVITE') {
            ack = () => {
              const made = dialog.request('ACK', sequence);
              call.agent.sendAck(call.agent.complete(made.request), made.target);
            };
            ack();
          }
          if (sdp !== undefined) call.localSdp = sdp;
          call.remoteSdp = sdpOf(response) ?? call.remoteSdp;
          call.noteAllow(response);
          if (call.state !== 'terminated') call.sessionAgreed(response);
        } else if (response.status === 481 || response.status === 408) call.lost();
        resolve(response);
      };
      call.agent.start(call.agent.complete(request), target, {
        response: final,
        failed: (why) =>
          final(why === 'timeout' ? localResponse(408, 'no response') : localResponse(503, 'nobody listens there')),
      });
    });
  }

  /** RFC 3261 section 14.1: the owner of the Call-ID waits 2.1–4 s, the other 0–2 s, in steps of 10 ms. */
  #waitAfterGlare(): Promise<void> {
    const share = Number.parseInt(this.#call.agent.random(2), 16) / 0xffff;
    const ms = this.#call.direction === 'outbound' ? 2100 + share * 1900 : share * 2000;
    return new Promise((resolve) => {
      const resume = (): void => {
        this.#backOff = undefined;
        resolve();
      };
      this.#backOff = { timer: this.#call.agent.timing.timers.after(Math.round(ms / 10) * 10, resume), resume };
    });
  }

  /** The peer's re-INVITE or UPDATE. */
  receive(request: SipRequest, transaction: ServerTransaction): void {
    const call = this.#call;
    const { agent } = call;
    const method = request.method === 'INVITE' ? 'INVITE' : 'UPDATE';
    const sdp = sdpOf(request);
    const offers = method === 'INVITE' || sdp !== undefined;
    const refuse = (status: number, headers: ExtraHeaders = []): void =>
      transaction.respond(agent.response(request, status, undefined, headers));
    // A re-INVITE proves that our 2xx has arrived, whatever became of its ACK.
    if (method === 'INVITE' && call.state === 'answered') call.acknowledged({ ...request, body: '' });
    if (method === 'INVITE' && call.state !== 'established') return refuse(491);
    if (offers && this.#offering !== undefined) return refuse(491);
    if (offers && (this.#theirs !== undefined || call.unacked)) return refuse(500, [['Retry-After', '1']]);
    const session = call.sessionAnswer(request);
    if (session.tooSmall !== undefined) return refuse(422, [['Min-SE', String(session.tooSmall)]]);

    if (offers) this.#theirs = method;
    call.dialog?.refreshTarget(request);
    call.noteAllow(request);
    let open = true;
    let deferred = false;
    const done = (): void => {
      open = false;
      this.#refuseTheirs = undefined;
      if (!offers) return;
      this.#theirs = undefined;
      for (const resume of this.#theirsDone.splice(0)) resume();
    };
    const accept = (answer?: string, options: ResponseOptions = {}): void => {
      if (!open) return;
      done();
      const body = offers ? (answer ?? call.localSdp) : undefined;
      const response = agent.response(request, 200, options.phrase, [
        ['Contact', agent.contact],
        ['Allow', agent.allow],
        ['Supported', 'timer'],
        ...session.headers,
      ]);
      call.fill(response, { headers: options.headers, body });
      if (sdp !== undefined) call.remoteSdp = sdp;
      if (body !== undefined) call.localSdp = body;
      session.apply();
      if (method === 'UPDATE') transaction.respond(response);
      else {
        const sequence = parseCSeq(request.headers.get('CSeq') ?? '')?.sequence ?? 0;
        call.unacked = new UntilAcked(
          agent.timing,
          sequence,
          () => transaction.respond(response),
          () => call.bye('no-ack'),
        );
      }
    };
    const reject = (status: number, options: RejectOptions = {}): void => {
      if (!open) return;
      done();
      const headers: (readonly [string, string])[] = [...(options.headers ?? [])];
      if (options.reason !== undefined) headers.push(['Reason', options.reason]);
      transaction.respond(agent.response(request, status, options.phrase, headers));
    };
    this.#refuseTheirs = () => reject(487);
    const reoffer: Reoffer = {
      method,
      sdp,
      request,
      accept,
      reject,
      defer: () => {
        deferred = true;
      },
    };
    call.emit('reoffer', reoffer);
    if (!deferred) accept();
  }
}
