import { jetstream } from '@nats-io/jetstream';
import { sessionFactSubject } from '@ringback/contracts';
import { type Logger, type NatsConnection, type Pool, sending } from '@ringback/service-kit';

const IDLE_MS = 1_000;
const BATCH = 500;

/** Publishes the facts of committed batches, in order, at least once, and deletes them when the stream has them. */
export class OutboxRelay {
  readonly #pool: Pool;
  readonly #connection: NatsConnection;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #busy = false;
  #again = false;
  #stopped = false;

  constructor(pool: Pool, connection: NatsConnection, log: Logger) {
    this.#pool = pool;
    this.#connection = connection;
    this.#log = log;
  }

  /** Something was committed: looks at once. Also called by itself now and then, for what another process left. */
  poke(): void {
    if (this.#stopped) return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    clearTimeout(this.#timer);
    this.#relay()
      .catch((error: Error) =>
        this.#log.warn({ err: error.message }, 'facts could not be published; they stay in the outbox'),
      )
      .finally(() => {
        this.#busy = false;
        const again = this.#again;
        this.#again = false;
        if (this.#stopped) return;
        if (again) this.poke();
        else this.#timer = setTimeout(() => this.poke(), IDLE_MS);
      });
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #relay(): Promise<void> {
    for (;;) {
      const { rows } = await this.#pool.query<{ id: bigint; shard: number; body: string }>(
        'SELECT id, shard, body FROM dialer.outbox ORDER BY id LIMIT $1',
        [BATCH],
      );
      if (rows.length === 0) return;
      const stream = jetstream(this.#connection);
      for (const { id, shard, body } of rows) {
        const subject = sessionFactSubject(shard);
        const traceparent = traceOfFact(body);
        await sending({ subject, template: 'fact.session.{shard}', operation: 'publish', traceparent }, (headers) =>
          stream.publish(subject, body, { msgID: `fact-${id}`, headers }),
        );
      }
      await this.#pool.query('DELETE FROM dialer.outbox WHERE id = ANY($1)', [rows.map(({ id }) => id)]);
      if (rows.length < BATCH) return;
    }
  }
}

/** A fact names the span that it is a part of. */
function traceOfFact(body: string): string {
  const { traceparent } = JSON.parse(body) as { traceparent?: unknown };
  return typeof traceparent === 'string' ? traceparent : '';
}
