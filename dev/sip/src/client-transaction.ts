import type { Timer, TimerSource } from './clock.ts';
import type { SipRequest, SipResponse } from './message.ts';

export interface TransactionTiming {
  timers: TimerSource;
  t1: number;
  t2: number;
  t4: number;
}

export interface ClientHandlers {
  /** Provisional and final responses; of an INVITE every 2xx, repetitions and those of other branches too (RFC 6026 section 7.2). */
  response(response: SipResponse): void;
  /** Timer B or F, or the network refused the request; no further `response` follows. */
  failed(why: 'timeout' | 'transport'): void;
}

type ClientState = 'trying' | 'proceeding' | 'completed' | 'accepted' | 'terminated';

interface Wiring extends TransactionTiming {
  /** Hands a message to the network, to where the request goes. */
  send(message: SipRequest, again: boolean): void;
  handlers: ClientHandlers;
  /** Called once, when the transaction can be forgotten. */
  terminated(): void;
}

/** The client transactions over UDP of RFC 3261 sections 17.1.1 (INVITE, with RFC 6026's Accepted) and 17.1.2. */
export class ClientTransaction {
  readonly request: SipRequest;
  readonly #wiring: Wiring;
  readonly #invite: boolean;
  #state: ClientState = 'trying';
  #retransmit: Timer | undefined;
  #limit: Timer | undefined;
  #interval: number;
  #ack: SipRequest | undefined;

  constructor(request: SipRequest, wiring: Wiring) {
    this.request = request;
    this.#wiring = wiring;
    this.#invite = request.method === 'INVITE';
    this.#interval = wiring.t1;
    wiring.send(request, false);
    // Timers A and E; B and F.
    this.#armRetransmit();
    this.#limit = wiring.timers.after(64 * wiring.t1, () => this.#fail('timeout'));
  }

  get state(): ClientState {
    return this.#state;
  }

  receive(response: SipResponse): void {
    if (response.status < 200) this.#provisional(response);
    else if (this.#invite) this.#inviteFinal(response);
    else if (this.#state === 'trying' || this.#state === 'proceeding') {
      // Timer K.
      this.#enter('completed', this.#wiring.t4);
      this.#wiring.handlers.response(response);
    }
  }

  /** The network said that the request cannot arrive. */
  transportFailed(): void {
    if (this.#state === 'trying' || this.#state === 'proceeding') this.#fail('transport');
  }

  /** Forgets everything without a word to the handlers. */
  destroy(): void {
    if (this.#state === 'terminated') return;
    this.#enter('terminated');
  }

  #provisional(response: SipResponse): void {
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    if (this.#state === 'trying') {
      this.#state = 'proceeding';
      if (this.#invite) {
        this.#retransmit?.cancel();
        this.#limit?.cancel();
      } else {
        this.#interval = this.#wiring.t2;
        this.#retransmit?.cancel();
        this.#armRetransmit();
      }
    }
    this.#wiring.handlers.response(response);
  }

  #inviteFinal(response: SipResponse): void {
    if (response.status < 300) {
      if (this.#state === 'completed' || this.#state === 'terminated') return;
      // Timer M.
      if (this.#state !== 'accepted') this.#enter('accepted', 64 * this.#wiring.t1);
      this.#wiring.handlers.response(response);
      return;
    }
    if (this.#state === 'completed' && this.#ack) {
      this.#wiring.send(this.#ack, true);
      return;
    }
    if (this.#state !== 'trying' && this.#state !== 'proceeding') return;
    this.#ack = ackOfFailure(this.request, response);
    this.#wiring.send(this.#ack, false);
    // Timer D: at least 32 s over UDP.
    this.#enter('completed', 64 * this.#wiring.t1);
    this.#wiring.handlers.response(response);
  }

  #fail(why: 'timeout' | 'transport'): void {
    this.#enter('terminated');
    this.#wiring.handlers.failed(why);
  }

  #enter(state: ClientState, forMs?: number): void {
    this.#state = state;
    this.#retransmit?.cancel();
    this.#limit?.cancel();
    if (state === 'terminated') this.#wiring.terminated();
    else if (forMs !== undefined) this.#limit = this.#wiring.timers.after(forMs, () => this.#enter('terminated'));
  }

  #armRetransmit(): void {
    const { timers, t2 } = this.#wiring;
    this.#retransmit = timers.after(this.#interval, () => {
      this.#wiring.send(this.request, true);
      this.#interval = this.#invite ? this.#interval * 2 : Math.min(this.#interval * 2, t2);
      this.#armRetransmit();
    });
  }
}

/** The ACK of a final response above 2xx (RFC 3261 section 17.1.1.3): same branch, Request-URI and route, the response's To. */
function ackOfFailure(invite: SipRequest, response: SipResponse): SipRequest {
  const headers = invite.headers.clone();
  const keep = new Set(['via', 'from', 'call-id', 'route', 'max-forwards']);
  for (const { name } of invite.headers) if (!keep.has(name.toLowerCase())) headers.delete(name);
  headers.set('To', response.headers.get('To') ?? invite.headers.get('To') ?? '');
  headers.set('CSeq', (invite.headers.get('CSeq') ?? '').replace(/\S+\s*$/, 'ACK'));
  return { kind: 'request', method: 'ACK', uri: invite.uri, headers, body: '' };
}
