import { sw } from '@ringback/contracts';

export interface KnownSwitch {
  status: sw.SwitchStatus;
  /** Local monotonic ms of the last status. */
  heardAt: number;
}

export type SwitchState = 'active' | 'draining' | 'disconnected' | 'unknown';

export interface SwitchBoardOptions {
  /** After this long without a status a switch gets no new session, ms. */
  silenceMs: number;
  monotonicMs(): number;
  sessionsOn(switchId: string): number;
}

/** What the switches say of themselves. A silent switch gets no new session; it is not taken for dead. */
export class SwitchBoard {
  readonly #switches = new Map<string, KnownSwitch>();
  readonly #drained = new Set<string>();
  readonly #options: SwitchBoardOptions;

  constructor(options: SwitchBoardOptions) {
    this.#options = options;
  }

  heard(status: sw.SwitchStatus): void {
    this.#switches.set(status.switchId, { status, heardAt: this.#options.monotonicMs() });
  }

  stateOf({ status, heardAt }: KnownSwitch): SwitchState {
    if (this.#options.monotonicMs() - heardAt > this.#options.silenceMs) return 'unknown';
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
      const free = 1 - Math.max(sessions, this.#options.sessionsOn(switchId)) / maxSessions;
      if (free > (best?.free ?? 0)) best = { id: switchId, free };
    }
    return best?.id;
  }

  get ready(): boolean {
    return this.list().some((known) => this.stateOf(known) === 'active');
  }

  /** An operator drains it (or no longer). */
  setDrained(switchId: string, draining: boolean): void {
    if (draining) this.#drained.add(switchId);
    else this.#drained.delete(switchId);
  }
}
