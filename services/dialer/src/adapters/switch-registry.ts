import { ALL_SWITCH_STATUS, sw } from '@ringback/contracts';
import type { Logger, NatsConnection, Pool } from '@ringback/service-kit';
import { SwitchBoard } from '../domain/switch-board.ts';

/** The switch board, kept up by what the switches tell on NATS, and by what operators have stored. */
export class SwitchRegistry extends SwitchBoard {
  readonly #pool: Pool;

  constructor(pool: Pool, silenceMs: number, sessionsOn: (switchId: string) => number) {
    super({ silenceMs, sessionsOn, monotonicMs: () => performance.now() });
    this.#pool = pool;
  }

  async start(connection: NatsConnection, log: Logger): Promise<void> {
    const { rows } = await this.#pool.query<{ switch_id: string }>('SELECT switch_id FROM dialer.drained_switch');
    for (const { switch_id } of rows) this.setDrained(switch_id, true);
    connection.subscribe(ALL_SWITCH_STATUS, {
      callback: (error, message) => {
        if (error) return log.warn({ err: error.message }, 'switch status subscription');
        try {
          this.heard(sw.SwitchStatus.decode(message.data));
        } catch (problem) {
          log.warn({ err: (problem as Error).message, subject: message.subject }, 'a switch status could not be read');
        }
      },
    });
  }

  /** Remembers that an operator drains it (or no longer). */
  async drain(switchId: string, draining: boolean): Promise<void> {
    if (draining) {
      await this.#pool.query('INSERT INTO dialer.drained_switch (switch_id) VALUES ($1) ON CONFLICT DO NOTHING', [
        switchId,
      ]);
    } else {
      await this.#pool.query('DELETE FROM dialer.drained_switch WHERE switch_id = $1', [switchId]);
    }
    this.setDrained(switchId, draining);
  }
}
