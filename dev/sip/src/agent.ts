import type { Call, Endpoint, ExtraHeaders, SessionTimerOptions } from './api.ts';
import type { ClientHandlers, ClientTransaction, TransactionTiming } from './client-transaction.ts';
import { HeaderList } from './headers.ts';
import { phraseOf, type SipRequest, type SipResponse } from './message.ts';

/** What a call needs of its user agent. */
export interface Agent {
  readonly address: Endpoint;
  readonly timing: TransactionTiming;
  /** Our Contact, a name-addr. */
  readonly contact: string;
  readonly allow: string;
  readonly sessionTimers: SessionTimerOptions | undefined;
  readonly probeAfterMs: number | false;
  random(bytes: number): string;
  /** Puts Via (with a new branch unless there is one), Max-Forwards and User-Agent into a request. */
  complete(request: SipRequest): SipRequest;
  start(request: SipRequest, target: Endpoint, handlers: ClientHandlers): ClientTransaction;
  /** Sends outside of any transaction: the ACK of a 2xx. */
  sendAck(request: SipRequest, target: Endpoint): void;
  /** Runs `refused` when nobody listens there; returns the cancellation. */
  probe(target: Endpoint, refused: () => void): () => void;
  /** A response with the request's Via, From, To, Call-ID and CSeq, and our Server. */
  response(request: SipRequest, status: number, phrase?: string, headers?: ExtraHeaders): SipResponse;
  /** `close` waits for it. */
  track(work: Promise<unknown>): void;
  forget(call: Call): void;
}

/** A final response of our own making, for what got none: its status is 408 (time-out), 503 (network), 481 (no such dialog any more). */
export function localResponse(status: number, why: string): SipResponse {
  return {
    kind: 'response',
    status,
    phrase: phraseOf(status),
    headers: new HeaderList([['Warning', `399 - "${why}"`]]),
    body: '',
  };
}

export function addHeaders(headers: HeaderList, extra: ExtraHeaders | undefined): void {
  for (const [name, value] of extra ?? []) headers.add(name, value);
}
