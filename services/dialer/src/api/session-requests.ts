import { ALL_SESSION_ENDS, dialer, endSessionSubject } from '@ringback/contracts';
import type { Loop } from '@ringback/durable';
import { GrpcError, type Logger, type NatsConnection } from '@ringback/service-kit';
import type { SessionEvent } from '../domain/events.ts';
import type { Effect, Session } from '../domain/model.ts';

type SessionLoop = Loop<Session, SessionEvent, Effect>;

const REPLY_MS = 5_000;
const WISH: SessionEvent = { type: 'end_requested', by: 'operator' };

/** Brings what an operator wants of a session to the dialer that has it, whichever of them was asked. */
export class SessionRequests {
  readonly #connection: NatsConnection;
  readonly #loop: SessionLoop;
  readonly #log: Logger;

  constructor(connection: NatsConnection, loop: SessionLoop, log: Logger) {
    this.#connection = connection;
    this.#loop = loop;
    this.#log = log;
  }

  /** Answers for the sessions of this process; of others nothing is said. */
  listen(): void {
    this.#connection.subscribe(ALL_SESSION_ENDS, {
      callback: (error, message) => {
        if (error) return this.#log.warn({ err: error.message }, 'subscription for the ends of sessions');
        let id: string;
        try {
          ({ id } = dialer.EndSessionRequest.decode(message.data));
        } catch (problem) {
          return this.#log.warn({ err: (problem as Error).message }, 'a request to end a session could not be read');
        }
        if (!this.#loop.session(id)) return;
        this.#loop.request(id, WISH).then(
          () => message.respond(dialer.EndSessionResponse.encode({}).finish()),
          // It ended of itself, or moved on: who asked is told by the time-out.
          (problem: Error) => this.#log.warn({ err: problem.message, session_id: id }, 'a session could not be ended'),
        );
      },
    });
  }

  /**
   * Resolves when the wish is committed. The session is known to be open, here or elsewhere.
   * @throws {GrpcError} UNAVAILABLE when its dialer does not answer (its shard may be moving: worth another try).
   */
  async end(id: string): Promise<void> {
    if (this.#loop.session(id)) return this.#loop.request(id, WISH);
    const data = dialer.EndSessionRequest.encode({ id }).finish();
    await this.#connection.request(endSessionSubject(id), data, { timeout: REPLY_MS }).catch((error: Error) => {
      throw GrpcError.unavailable(`the dialer of this session does not answer: ${error.message}`);
    });
  }
}
