import { openSource } from '../media/sources.ts';
import type { Session } from './session.ts';

/** switch_ivr_displace_session: files that one leg hears instead of, or mixed with (`m`), what it would. */
export class Displacements {
  readonly #session: Session;
  readonly #running = new Map<string, NodeJS.Timeout | undefined>();

  constructor(session: Session) {
    this.#session = session;
  }

  /** False when the file is missing, plays already, or there is no media. `seconds`: a limit; 0 for none. */
  start(file: string, flags: string, seconds: number): boolean {
    const session = this.#session;
    const source = openSource(session.core.sounds, file);
    if (source === undefined || !session.up || !session.leg.mediaReady || this.#running.has(file)) return false;
    this.#running.set(file, seconds > 0 ? setTimeout(() => this.stop(file), seconds * 1000) : undefined);
    session.leg.displace(source, flags.includes('m'), () => this.#ended(file));
    session.channel.emit('MEDIA_BUG_START', bugHeaders(file));
    return true;
  }

  stop(file: string): boolean {
    if (!this.#running.has(file)) return false;
    this.#session.leg.displace(undefined, false, () => undefined);
    this.#ended(file);
    return true;
  }

  endAll(): void {
    for (const file of Array.from(this.#running.keys())) this.#ended(file);
  }

  #ended(file: string): void {
    if (!this.#running.has(file)) return;
    clearTimeout(this.#running.get(file));
    this.#running.delete(file);
    this.#session.channel.emit('MEDIA_BUG_STOP', bugHeaders(file));
  }
}

const bugHeaders = (file: string): [string, string][] => [
  ['Media-Bug-Function', 'displace'],
  ['Media-Bug-Target', file],
];
