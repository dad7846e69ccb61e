import type { TransactionTiming } from './client-transaction.ts';
import type { Timer } from './clock.ts';
import type { SipRequest, SipResponse } from './message.ts';

type ServerState = 'proceeding' | 'completed' | 'confirmed' | 'accepted' | 'terminated';

interface Wiring extends TransactionTiming {
  send(response: SipResponse, again: boolean): void;
  /** Called once, when the transaction can be forgotten. */
  terminated(): void;
}

/** The server transactions over UDP of RFC 3261 sections 17.2.1 (INVITE, with RFC 6026's Accepted) and 17.2.2. */
export class ServerTransaction {
  readonly request: SipRequest;
  readonly #wiring: Wiring;
  readonly #invite: boolean;
  #state: ServerState = 'proceeding';
  #last: SipResponse | undefined;
  #retransmit: Timer | undefined;
  #limit: Timer | undefined;

  constructor(request: SipRequest, wiring: Wiring) {
    this.request = request;
    this.#wiring = wiring;
    this.#invite = request.method === 'INVITE';
  }

  get state(): ServerState {
    return this.#state;
  }

  /** True once a final response was given. */
  get answered(): boolean {
    return this.#state !== 'proceeding';
  }

  /** A 2xx to an INVITE may be sent again and again by its call (RFC 3261 section 13.3.1.4); other responses after a final one are dropped. */
  respond(response: SipResponse): void {
    const { timers, t1 } = this.#wiring;
    if (this.#state === 'accepted' && response.status >= 200 && response.status < 300) {
      this.#wiring.send(response, true);
      return;
    }
    if (this.#state !== 'proceeding') return;
    this.#last = response;
    this.#wiring.send(response, false);
    if (response.status < 200) return;
    if (this.#invite && response.status < 300) {
      // Timer L.
      this.#enter('accepted', 64 * t1);
    } else if (this.#invite) {
      // Timers H and G.
      this.#enter('completed', 64 * t1);
      this.#armRetransmit(response, t1);
    } else {
      this.#state = 'completed';
      // Timer J.
      this.#limit = timers.after(64 * t1, () => this.#enter('terminated'));
    }
  }

  /** The same request again. */
  retransmission(): void {
    if ((this.#state === 'proceeding' || this.#state === 'completed') && this.#last)
      this.#wiring.send(this.#last, true);
  }

  /** The ACK of our failure response. */
  acknowledged(): void {
    // Timer I.
    if (this.#state === 'completed') this.#enter('confirmed', this.#wiring.t4);
  }

  destroy(): void {
    if (this.#state !== 'terminated') this.#enter('terminated');
  }

  #enter(state: ServerState, forMs?: number): void {
    this.#state = state;
    this.#retransmit?.cancel();
    this.#limit?.cancel();
    if (state === 'terminated') this.#wiring.terminated();
    else if (forMs !== undefined) this.#limit = this.#wiring.timers.after(forMs, () => this.#enter('terminated'));
  }

  #armRetransmit(response: SipResponse, interval: number): void {
    this.#retransmit = this.#wiring.timers.after(interval, () => {
      this.#wiring.send(response, true);
      this.#armRetransmit(response, Math.min(interval * 2, this.#wiring.t2));
    });
  }
}
