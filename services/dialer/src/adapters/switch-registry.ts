import { ALL_SWITCH_STATUS, sw } from '@ringback/contracts';
import type { Logger, NatsConnection, Pool } from '@ringback/service-kit';

export interface KnownSwitch {
  status: sw.SwitchStatus;
  /** Local monotonic ms of the last status. */
  heardAt: number;
}

export type SwitchState = 'active' | 'draining' | 'disconnected' | 'unknown';

/** What the switches say of themselves, once a second. A silent switch gets no new session; it is not taken for dead. */
export class SwitchRegistry {
  readonly #switches = new Map<string, KnownSwitch>();
  readonly #drained = new Set<string>();
  readonly #silenceMs: number;
  readonly #pool: Pool;
  readonly #sessionsOn: (switchId: string) => number;

  constructor(pool: Pool, silenceMs: number, sessionsOn: (switchId: string) => number) {
    this.#pool = pool;
    this.#silenceMs = silenceMs;
    this.#sessionsOn = sessionsOn;
  }

  async start(connection: NatsConnection, log: Logger): Promise<void> {
    const { rows } = await this.#pool.query<{ switch_id: string }>('SELECT switch_id FROM dialer.drained_switch');
    for (const { switch_id } of rows) this.#drained.add(switch_id);
    connection.subscribe(ALL_SWITCH_STATUS, {
      callback: (error, message) => {
        if (error) return log.warn({ err: error.message }, 'switch status subscription');
        try {
          const status = sw.SwitchStatus.decode(message.data);
          this.#switches.set(status.switchId, { status, heardAt: performance.now() });
        } catch (problem) {
          log.warn({ err: (problem as Error).message, subject: message.subject }, 'a switch status could not be read');
        }
      },
    });
  }

  stateOf({ status, heardAt }: KnownSwitch): SwitchState {
    if (performance.now() - heardAt > this.#silenceMs) return 'unknown';
    if (status.state === sw.SwitchStatus_State.DISCONNECTED) return 'disconnected';
    if (status.state === sw.SwitchStatus_State.DRAINING || this.#drained.has(status.switchId)) return 'draining';
    return 'active';
  }

  list(): KnownSwitch[] {
    return [...this.#switches.values()].sort((one, two) => (one.status.switchId < two.status.switchId ? -1 : 1));
  }

  has(switchId: string): boolean {
    return this.#switches.has(switchId);
  }

  /** The active switch with the largest share of free sessions. */
  pick(): string | undefined {
    let best: { id: string; free: number } | undefined;
    for (const known of this.list()) {
      const { switchId, sessions, maxSessions } = known.status;
      if (this.stateOf(known) !== 'active' || maxSessions === 0) continue;
      const free = 1 - Math.max(sessions, this.#sessionsOn(switchId)) / maxSessions;
      if (free > (best?.free ?? 0)) best = { id: switchId, free };
    }
    return best?.id;
  }

  get ready(): boolean {
    return this.list().some((known) => this.stateOf(known) === 'active');
  }

  /** Remembers that an operator drains it (or no longer). */
  async drain(switchId: string, draining: boolean): Promise<void> {
    if (draining) {
      await this.#pool.query('INSERT INTO dialer.drained_switch (switch_id) VALUES ($1) ON CONFLICT DO NOTHING', [
        switchId,
      ]);
      this.#drained.add(switchId);
    } else {
      await this.#pool.query('DELETE FROM dialer.drained_switch WHERE switch_id = $1', [switchId]);
      this.#drained.delete(switchId);
    }
  }
}
