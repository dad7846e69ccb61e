import { EventEmitter } from 'node:events';
import { addHeaders, type Agent, localResponse } from './agent.ts';
import type {
  Call,
  CallEvents,
  CallState,
  Ended,
  Endpoint,
  ExtraHeaders,
  HangupOptions,
  ReasonHeader,
  SessionTimerOptions,
} from './api.ts';
import type { Dialog } from './dialog.ts';
import { type SipMessage, type SipRequest, type SipResponse, sdpOf } from './message.ts';
import { OfferExchange } from './offer-exchange.ts';
import { readInfo } from './info.ts';
import type { ServerTransaction } from './server-transaction.ts';
import { formatSessionExpires, readMinSe, readSessionExpires, SessionTimer } from './session-timer.ts';
import type { UntilAcked } from './until-acked.ts';
import { parseCSeq, parseReason } from './values.ts';

export interface Outgoing {
  body?: string;
  contentType?: string;
  headers?: ExtraHeaders;
}

/** What inbound and outbound calls share: the dialog, requests within it, the session timer, the end. */
export abstract class BaseCall extends EventEmitter<CallEvents> implements Call {
  abstract readonly direction: 'inbound' | 'outbound';
  readonly agent: Agent;
  readonly callId: string;
  readonly localTag: string;
  request: SipRequest;
  state: CallState;
  remote: Endpoint;
  localSdp: string | undefined;
  remoteSdp: string | undefined;
  dialog: Dialog | undefined;
  /** Our last 2xx that waits for its ACK. */
  unacked: UntilAcked | undefined;
  readonly sessionTimer: SessionTimer;
  readonly sessionOptions: SessionTimerOptions | undefined;
  readonly offers: OfferExchange;
  /** Methods of the peer's last Allow; undefined: it did not say. */
  peerAllows: ReadonlySet<string> | undefined;

  constructor(fields: {
    agent: Agent;
    request: SipRequest;
    callId: string;
    localTag: string;
    remote: Endpoint;
    state: CallState;
    sessionOptions: SessionTimerOptions | undefined;
  }) {
    super();
    this.agent = fields.agent;
    this.request = fields.request;
    this.callId = fields.callId;
    this.localTag = fields.localTag;
    this.remote = fields.remote;
    this.state = fields.state;
    this.sessionOptions = fields.sessionOptions;
    this.offers = new OfferExchange(this);
    this.sessionTimer = new SessionTimer(
      this.agent.timing.timers,
      () => void this.offers.refresh(),
      () => this.bye('expired', { reason: 'SIP;cause=408;text="Session timer expired"' }),
    );
  }

  get remoteTag(): string {
    return this.dialog?.remoteTag ?? '';
  }

  abstract hangup(options?: HangupOptions): void;

  info(contentType: string, body: string, headers?: ExtraHeaders): Promise<SipResponse> {
    return this.sendInDialog('INFO', { contentType, body, headers });
  }

  infoDtmf(digit: string, durationMs = 160): Promise<SipResponse> {
    return this.info('application/dtmf-relay', `Signal=${digit}\r\nDuration=${durationMs}\r\n`);
  }

  reinvite(sdp: string, headers?: ExtraHeaders): Promise<SipResponse> {
    return this.offers.reinvite(sdp, headers);
  }

  update(sdp?: string, headers?: ExtraHeaders): Promise<SipResponse> {
    return this.offers.update(sdp, headers);
  }

  /** A request within the dialog other than INVITE; resolves with its final response. 481 and 408 end the call (RFC 3261 section 12.2.1.2). */
  sendInDialog(method: string, outgoing: Outgoing): Promise<SipResponse> {
    const { dialog } = this;
    if (!dialog || this.state === 'terminated') return Promise.resolve(localResponse(481, 'the call has no dialog'));
    const { request, target } = dialog.request(method);
    this.fill(request, outgoing);
    return new Promise((resolve) => {
      const final = (response: SipResponse): void => {
        if (response.status < 200) return;
        if (method !== 'BYE' && (response.status === 481 || response.status === 408)) this.lost();
        resolve(response);
      };
      this.agent.start(this.agent.complete(request), target, {
        response: final,
        failed: (why) =>
          final(why === 'timeout' ? localResponse(408, 'no response') : localResponse(503, 'nobody listens there')),
      });
    });
  }

  fill(message: SipMessage, outgoing: Outgoing): void {
    addHeaders(message.headers, outgoing.headers);
    if (outgoing.body === undefined) return;
    message.headers.set('Content-Type', outgoing.contentType ?? 'application/sdp');
    message.body = outgoing.body;
  }

  bye(by: Ended['by'], options: HangupOptions = {}): void {
    if (this.state === 'terminated') return;
    const headers: (readonly [string, string])[] = [...(options.headers ?? [])];
    if (options.reason !== undefined) headers.push(['Reason', options.reason]);
    this.agent.track(this.sendInDialog('BYE', { headers }));
    this.finish(() => this.emit('ended', { by, reason: readReason(headers), request: undefined }));
  }

  /** The peer does not know the call any more, or is gone: the BYE is for the proxies and in case it is only deaf. */
  lost(): void {
    if (this.state === 'established' || this.state === 'answered') this.bye('lost');
  }

  /** The end of a call: `last` emits the event that says why, before `terminated`. Only the first counts. */
  finish(last?: () => void): void {
    if (this.state === 'terminated') return;
    this.state = 'terminated';
    this.sessionTimer.stop();
    this.unacked?.stop();
    this.offers.close();
    this.agent.forget(this);
    last?.();
    this.emit('terminated');
  }

  /** A request of the peer within the dialog; `transaction` is undefined for the ACK of a 2xx. */
  receive(request: SipRequest, source: Endpoint, transaction: ServerTransaction | undefined): void {
    const sequence = parseCSeq(request.headers.get('CSeq') ?? '')?.sequence ?? 0;
    this.remote = source;
    if (!transaction) {
      if (this.unacked?.sequence === sequence) this.acknowledged(request);
      return;
    }
    const { dialog } = this;
    if (dialog) {
      if (dialog.remoteSequence !== undefined && sequence < dialog.remoteSequence) {
        transaction.respond(this.agent.response(request, 500, 'CSeq Out of Order'));
        return;
      }
      dialog.remoteSequence = sequence;
    }
    switch (request.method) {
      case 'BYE':
        this.receiveBye(request, transaction);
        return;
      case 'INFO': {
        transaction.respond(this.agent.response(request, 200));
        this.emit('info', readInfo(request));
        return;
      }
      case 'INVITE':
      case 'UPDATE':
        this.offers.receive(request, transaction);
        return;
      case 'OPTIONS':
        transaction.respond(this.agent.response(request, 200, undefined, [['Allow', this.agent.allow]]));
        return;
      case 'PRACK':
        this.receivePrack(request, transaction);
        return;
      default:
        transaction.respond(this.agent.response(request, 501, undefined, [['Allow', this.agent.allow]]));
    }
  }

  receiveBye(request: SipRequest, transaction: ServerTransaction): void {
    transaction.respond(this.agent.response(request, 200));
    this.finish(() => this.emit('ended', { by: 'remote', reason: readReason(request), request }));
  }

  receivePrack(request: SipRequest, transaction: ServerTransaction): void {
    transaction.respond(this.agent.response(request, 481));
  }

  acknowledged(request: SipRequest): void {
    this.unacked?.stop();
    this.unacked = undefined;
    const sdp = sdpOf(request);
    if (sdp !== undefined) this.remoteSdp = sdp;
    if (this.state === 'answered') {
      this.state = 'established';
      this.emit('acknowledged', { sdp, request });
    }
  }

  noteAllow(message: SipMessage): void {
    const allowed = message.headers.values('Allow');
    if (allowed.length > 0) this.peerAllows = new Set(allowed.map((method) => method.toUpperCase()));
  }

  /** After a 2xx to our INVITE or UPDATE (RFC 4028 section 7.2). */
  sessionAgreed(response: SipResponse): void {
    const agreed = readSessionExpires(response.headers);
    if (!agreed || agreed.expires === 0) {
      this.sessionTimer.stop();
      return;
    }
    this.sessionTimer.start(agreed.expires, agreed.refresher !== 'uas');
  }

  /**
   * Answers the peer's wish in its INVITE or UPDATE (RFC 4028 section 9): the headers of our 2xx, the timer started. With a wish below
   * our minimum, `tooSmall` is the Min-SE of the 422.
   */
  sessionAnswer(request: SipRequest): { headers: ExtraHeaders; tooSmall?: number; apply: () => void } {
    const peerSupports = request.headers.lists('Supported', 'timer');
    const wish = readSessionExpires(request.headers);
    const ours = this.sessionOptions;
    const minSe = ours?.minSe ?? 90;
    if (wish && peerSupports && wish.expires < minSe) return { headers: [], tooSmall: minSe, apply: () => undefined };
    const floor = Math.max(minSe, readMinSe(request.headers));
    const expires = wish?.expires ?? (ours ? Math.max(ours.expires, floor) : undefined);
    if (expires === undefined) return { headers: [], apply: () => this.sessionTimer.stop() };
    const shorter = wish && ours ? Math.max(floor, Math.min(wish.expires, ours.expires)) : expires;
    const refresher = peerSupports ? (wish?.refresher ?? ours?.refresher ?? 'uac') : 'uas';
    const headers: (readonly [string, string])[] = [
      ['Session-Expires', formatSessionExpires({ expires: shorter, refresher })],
    ];
    if (refresher === 'uac') headers.push(['Require', 'timer']);
    return { headers, apply: () => this.sessionTimer.start(shorter, refresher === 'uas') };
  }
}

export function readReason(from: SipMessage | ExtraHeaders): ReasonHeader | undefined {
  const values =
    'kind' in from
      ? from.headers.values('Reason')
      : from.filter(([name]) => name.toLowerCase() === 'reason').map(([, value]) => value);
  return parseReason(values);
}
