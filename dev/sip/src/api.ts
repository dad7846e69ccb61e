import type { EventEmitter } from 'node:events';
import type { TimerSource } from './clock.ts';
import type { Credentials } from './digest.ts';
import type { HeaderList } from './headers.ts';
import type { SipRequest, SipResponse } from './message.ts';
import type { Transport } from './transport.ts';

export interface Endpoint {
  host: string;
  port: number;
}

/** Extra headers of a request or response, in order: `[['X-Traceparent', '00-…'], ['P-Asserted-Identity', '<sip:…>']]`. */
export type ExtraHeaders = readonly (readonly [name: string, value: string])[];

export interface SessionTimerOptions {
  /** Session-Expires to ask for, in seconds (RFC 4028). */
  expires: number;
  /** Min-SE, in seconds; a smaller wish of the peer is answered 422. Default 90. */
  minSe?: number;
  /** Who refreshes when we are asked to choose. Default: the caller (`uac`). */
  refresher?: 'uac' | 'uas';
}

export interface UserAgentOptions {
  /** Local address; port 0 takes a free one (see `UserAgent.address`). */
  host: string;
  port: number;
  /** User part of the Contact, e.g. `mod_sofia`. Default: none. */
  contactUser?: string;
  /** User-Agent of requests and Server of responses. */
  userAgent?: string;
  /** Allow header. Default: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK. */
  allow?: readonly string[];
  /** RFC 4028; off when absent (an inbound Session-Expires is then accepted with the peer as refresher). */
  sessionTimers?: SessionTimerOptions;
  /** RFC 3261 T1, T2, T4 in ms. Default 500, 4000, 5000. */
  t1?: number;
  t2?: number;
  t4?: number;
  /** Milliseconds without any reply to an INVITE after which a probe finds out whether anybody listens there (ICMP port
   * unreachable), failing the call as `transport` at once; `false` waits for Timer B. Default 15. */
  probeAfterMs?: number | false;
  /** Answer 100 Trying at once to each INVITE. Default true. */
  autoTrying?: boolean;
  /** May refuse a datagram's source (FreeSWITCH's apply-inbound-acl): return a status, e.g. 403, to refuse an initial request. */
  admit?: (request: SipRequest, source: Endpoint) => number | undefined;
  /** Initial INVITEs have to prove these (407); undefined: this one need not. */
  authenticate?: (request: SipRequest) => Credentials | undefined;
  timers?: TimerSource;
  /** Random hex of that many bytes: tags, branches, Call-IDs. */
  randomHex?: (bytes: number) => string;
  /** Instead of a UDP socket bound to host:port. */
  transport?: Transport;
}

export interface UserAgentCounters {
  received: number;
  sent: number;
  /** Datagrams that were no SIP message, or one that lacks what RFC 3261 section 8.1.1 demands. */
  malformed: number;
  /** Requests within no known dialog, answered 481; responses to no transaction, dropped. */
  stray: number;
  retransmitted: number;
}

export interface InviteOptions {
  /** Request-URI, e.g. `sip:+48601000001@127.0.0.10:5060`. */
  uri: string;
  /** From: a URI or a whole name-addr (`"Anonymous" <sip:anonymous@anonymous.invalid>`), without tag. */
  from: string;
  /** To, default `<uri>`. */
  to?: string;
  /** SDP offer; without one the INVITE has no body and the 2xx carries the offer (`answered.sdp`; give the answer to `ack`). */
  sdp?: string;
  callId?: string;
  /** Send to this next hop with a Route header `<…;lr>` (FreeSWITCH's fs_path): a URI, or `host:port`. */
  route?: string;
  headers?: ExtraHeaders;
  /** Overrides the agent's; `false` sends none. */
  sessionTimers?: SessionTimerOptions | false;
  /** For a 401 or 407; without them it fails the call. */
  credentials?: Credentials;
  /** Ask for reliable provisional responses (RFC 3262): adds `Supported: 100rel`. Default false. */
  reliable?: boolean;
}

export interface ResponseOptions {
  /** Reason phrase; the standard one by default. */
  phrase?: string;
  headers?: ExtraHeaders;
}

export interface RejectOptions extends ResponseOptions {
  /** Value of the Reason header (RFC 3326), e.g. `Q.850;cause=17;text="USER_BUSY"`. */
  reason?: string;
  /** Contact of a 3xx: a URI. */
  contact?: string;
}

export interface HangupOptions {
  /** Value of the Reason header of BYE, CANCEL or the final failure. */
  reason?: string;
  headers?: ExtraHeaders;
  /** Status used when an unanswered inbound call is hung up. Default 480. */
  status?: number;
}

/** A `Reason` header (RFC 3326), read leniently. */
export interface ReasonHeader {
  /** The header as received. */
  value: string;
  protocol: string;
  cause: number | undefined;
  text: string | undefined;
}

export const CallStates = ['calling', 'proceeding', 'early', 'answered', 'established', 'terminated'] as const;
/**
 * `calling` before any reply; `proceeding` after 100 (inbound: nothing but 100 sent); `early` after 180/183; `answered`:
 * 2xx sent, no ACK yet (inbound only); `established`; `terminated`.
 */
export type CallState = (typeof CallStates)[number];

export interface Provisional {
  status: number;
  phrase: string;
  sdp: string | undefined;
  response: SipResponse;
}

export interface Answered {
  sdp: string | undefined;
  response: SipResponse;
}

export interface Failed {
  /** What ended it: a final response, Timer B, nobody listening (ICMP or send error). */
  by: 'response' | 'timeout' | 'transport';
  /** Status as received; 408 for `timeout`, 503 for `transport`. */
  status: number;
  phrase: string;
  reason: ReasonHeader | undefined;
  response: SipResponse | undefined;
}

export interface Cancelled {
  /** Who cancelled. Inbound calls: `remote`; outbound: `local`. */
  by: 'local' | 'remote';
  reason: ReasonHeader | undefined;
  /** Outbound: a 2xx crossed the CANCEL and was ended by ACK and BYE. */
  crossed: boolean;
  /** The CANCEL received (inbound), or the final response (outbound). */
  message: SipRequest | SipResponse | undefined;
}

export interface Ended {
  /** `remote`: BYE received. `local`: we sent BYE. `expired`: session timer. `no-ack`: our 2xx was never acknowledged.
   * `lost`: an in-dialog request got 481 or 408 (RFC 3261 section 12.2.1.2), or the agent was closed. */
  by: 'remote' | 'local' | 'expired' | 'no-ack' | 'lost';
  reason: ReasonHeader | undefined;
  request: SipRequest | undefined;
}

export interface Info {
  contentType: string;
  body: string;
  /** Read from application/dtmf-relay or application/dtmf. */
  dtmf: { digit: string; durationMs: number } | undefined;
  request: SipRequest;
}

/** A re-INVITE or UPDATE of the peer. Unless one of the methods is called within the event's listeners, or `defer` is, it is answered
 * 200 with the last local SDP (a pure refresh). */
export interface Reoffer {
  method: 'INVITE' | 'UPDATE';
  sdp: string | undefined;
  request: SipRequest;
  /** Answer later: exactly one of accept and reject must then follow. */
  defer(): void;
  accept(sdp?: string, options?: ResponseOptions): void;
  reject(status: number, options?: RejectOptions): void;
}

export interface CallEvents {
  /** Outbound: 1xx but 100, with SDP when it carried one. */
  provisional: [Provisional];
  /** Outbound: 2xx (it has been acknowledged unless the offer was delayed). */
  answered: [Answered];
  /** Outbound, before answer. */
  failed: [Failed];
  /** Before answer. */
  cancelled: [Cancelled];
  /** Inbound: our 2xx was acknowledged; `sdp` when the ACK carried the answer to a delayed offer. */
  acknowledged: [{ sdp: string | undefined; request: SipRequest }];
  info: [Info];
  /** re-INVITE or UPDATE of the peer. */
  reoffer: [Reoffer];
  /** After answer. */
  ended: [Ended];
  /** Always, exactly once, after failed, cancelled, ended or a rejection by us. */
  terminated: [];
}

export interface Call extends EventEmitter<CallEvents> {
  readonly direction: 'inbound' | 'outbound';
  readonly callId: string;
  readonly localTag: string;
  /** Empty before the first tagged response. */
  readonly remoteTag: string;
  readonly state: CallState;
  /** The initial INVITE as received or sent. */
  readonly request: SipRequest;
  /** Where the peer's last message came from (inbound), or where the INVITE was sent. */
  readonly remote: Endpoint;
  /** The last SDP each side sent. */
  readonly localSdp: string | undefined;
  readonly remoteSdp: string | undefined;
  /** The right way to end it in its state: CANCEL, a final failure, or BYE. Nothing when terminated. */
  hangup(options?: HangupOptions): void;
  /** In-dialog INFO (RFC 6086); resolves with the final response (408, 503 when there was none). */
  info(contentType: string, body: string, headers?: ExtraHeaders): Promise<SipResponse>;
  /** `info` with application/dtmf-relay. */
  infoDtmf(digit: string, durationMs?: number): Promise<SipResponse>;
  /** Re-INVITE with that SDP; after a 491 it is tried again as RFC 3261 section 14.1 says. */
  reinvite(sdp: string, headers?: ExtraHeaders): Promise<SipResponse>;
  /** UPDATE (RFC 3311), without SDP a refresh. */
  update(sdp?: string, headers?: ExtraHeaders): Promise<SipResponse>;
}

export interface InboundCall extends Call {
  readonly direction: 'inbound';
  readonly headers: HeaderList;
  /** User part of the Request-URI. */
  readonly calledUser: string;
  /** User part of From. */
  readonly callerUser: string;
  /** 180 Ringing, or another 1xx without SDP. */
  ring(options?: ResponseOptions & { status?: number }): void;
  /** 183 Session Progress with SDP. */
  progress(sdp: string, options?: ResponseOptions & { status?: number }): void;
  /** 200 OK with SDP, sent again until the ACK comes (Timer H: `ended` by `no-ack`). */
  answer(sdp: string, options?: ResponseOptions): void;
  reject(status: number, options?: RejectOptions): void;
}

export interface OutboundCall extends Call {
  readonly direction: 'outbound';
  /** CANCEL; sent once the first provisional response has come. */
  cancel(options?: HangupOptions): void;
  /** The answer to the offer of a 2xx, for an INVITE that had none. */
  ack(sdp: string): void;
}

export interface UserAgentEvents {
  invite: [InboundCall];
  /** Any out-of-dialog request but INVITE, OPTIONS, CANCEL, ACK: answer it by `respond`, else it gets 501. */
  request: [SipRequest, Endpoint, (status: number, options?: ResponseOptions) => void];
  /** Each message as received and sent (for logs of tests; never log in production roles). */
  message: [direction: 'in' | 'out', message: SipRequest | SipResponse, peer: Endpoint];
  malformed: [data: Buffer, source: Endpoint, why: string];
}
