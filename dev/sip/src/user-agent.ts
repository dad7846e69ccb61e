import { EventEmitter } from 'node:events';
import type {
  Call,
  Endpoint,
  InviteOptions,
  OutboundCall,
  UserAgentCounters,
  UserAgentEvents,
  UserAgentOptions,
} from './api.ts';
import type { SipResponse } from './message.ts';

/** One SIP endpoint on one address and port. */
export abstract class UserAgent extends EventEmitter<UserAgentEvents> {
  /** Throws what `bind` throws (EADDRINUSE, EADDRNOTAVAIL). */
  static create: (options: UserAgentOptions) => Promise<UserAgent>;
  /** Where it is bound. */
  abstract readonly address: Endpoint;
  abstract readonly calls: ReadonlySet<Call>;
  abstract readonly counters: Readonly<UserAgentCounters>;
  /** Sends the INVITE in the next microtask, so that listeners can be attached. Throws when a URI cannot be read. */
  abstract invite(options: InviteOptions): OutboundCall;
  /** OPTIONS to a URI; resolves with the final response (408 or 503 of our own making when there was none). */
  abstract options(uri: string, route?: string): Promise<SipResponse>;
  /** Ends all calls (BYE, CANCEL, 480), waits for them at most `graceMs` (default 1000), closes the socket. Idempotent. */
  abstract close(graceMs?: number): Promise<void>;
}
