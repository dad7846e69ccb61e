import type { Timer, TimerSource } from './clock.ts';
import type { HeaderList } from './headers.ts';
import { parseParams } from './values.ts';

export interface SessionExpires {
  /** Seconds. */
  expires: number;
  refresher: 'uac' | 'uas' | undefined;
}

/** Session-Expires (RFC 4028 section 4); undefined when absent or unreadable. */
export function readSessionExpires(headers: HeaderList): SessionExpires | undefined {
  const value = headers.get('Session-Expires');
  const match = /^\s*(\d{1,9})\s*(;.*)?$/.exec(value ?? '');
  if (!match) return undefined;
  const refresher = parseParams(match[2] ?? '')
    .get('refresher')
    ?.toLowerCase();
  return { expires: Number(match[1]), refresher: refresher === 'uac' || refresher === 'uas' ? refresher : undefined };
}

/** Min-SE; 90 s when absent (RFC 4028 section 5). */
export function readMinSe(headers: HeaderList): number {
  const value = /^\s*(\d{1,9})/.exec(headers.get('Min-SE') ?? '')?.[1];
  return value === undefined ? 90 : Number(value);
}

export function formatSessionExpires({ expires, refresher }: SessionExpires): string {
  return refresher ? `${expires};refresher=${refresher}` : String(expires);
}

/** The running interval of a session: refreshes at half of it, ends shortly before it is over (RFC 4028 section 10). */
export class SessionTimer {
  readonly #timers: TimerSource;
  readonly #refresh: () => void;
  readonly #expired: () => void;
  #refreshing: Timer | undefined;
  #expiring: Timer | undefined;
  /** What was agreed last; undefined: no session timer. */
  agreed: { expires: number; weRefresh: boolean } | undefined;

  constructor(timers: TimerSource, refresh: () => void, expired: () => void) {
    this.#timers = timers;
    this.#refresh = refresh;
    this.#expired = expired;
  }

  start(expires: number, weRefresh: boolean): void {
    this.stop();
    this.agreed = { expires, weRefresh };
    if (weRefresh) this.#refreshing = this.#timers.after(expires * 500, this.#refresh);
    // The one who does not refresh sends BYE min(32 s, a third) before the end.
    const margin = weRefresh ? 0 : Math.min(32, expires / 3);
    this.#expiring = this.#timers.after((expires - margin) * 1000, this.#expired);
  }

  stop(): void {
    this.#refreshing?.cancel();
    this.#expiring?.cancel();
  }
}
