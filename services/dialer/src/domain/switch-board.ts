import { sw } from '@ringback/contracts';

export interface KnownSwitch {
  status: sw.SwitchStatus;
  /** Local monotonic ms of the last status. */
  heardAt: number;
}

export type SwitchState = 'active' | 'draining' | 'disconnected' | 'unknown';

/** Sessions are counted anew at most so often, ms: that looks at every open one. */
const COUNT_MS = 100;

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
  /** Sessions by switch as counted lately, and those given to it since. */
  #counted: { atMs: number; sessions: Map<string, number> } = { atMs: Number.NEGATIVE_INFINITY, sessions: new Map() };

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
    const counted = this.#count();
    for (const known of this.list()) {
      const { switchId, sessions, maxSessions } = known.status;
      if (this.stateOf(known) !== 'active' || maxSessions === 0) continue;
      const free = 1 - Math.max(sessions, counted.get(switchId) ?? 0) / maxSessions;
      if (free > (best?.free ?? 0)) best = { id: switchId, free };
    }
    if (best) counted.set(best.id, (counted.get(best.id) ?? 0) + 1);
    return best?.id;
  }

  #count(): Map<string, number> {
    const nowMs = this.#options.monotonicMs();
    if (nowMs - this.#counted.atMs >= COUNT_MS) {
      const ids = [...this.#switches.keys()];
      const sessions = new Map(ids.map((id): [string, number] => [id, this.#options.sessionsOn(id)]));
      this.#counted = { atMs: nowMs, sessions };
    }
    return this.#counted.sessions;
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
