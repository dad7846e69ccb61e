import { parseCause } from '../causes.ts';
import type { Session } from './session.ts';

/** A `sendmsg` (or what the core queues likewise): header names in lower case, values as sent. */
export interface PrivateMessage {
  headers: [string, string][];
}

export function messageGet(message: PrivateMessage, name: string): string | undefined {
  return message.headers.find(([key]) => key.toLowerCase() === name)?.[1];
}

/**
 * The queue of private events of a session (switch_core_session_queue_private_event): what a running application
 * picks up between frames, so that two `execute`s nest unless the first holds the event lock (recording s01e).
 */
export class MessageQueue {
  readonly #session: Session;
  readonly #queue: PrivateMessage[] = [];
  #locked = false;
  /** Called once after the next message. */
  afterNext: (() => void) | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  push(message: PrivateMessage): void {
    this.#queue.push(message);
  }

  get length(): number {
    return this.#queue.length;
  }

  flush(): void {
    this.#queue.length = 0;
  }

  /** switch_ivr_parse_all_events: everything queued, in order, each followed by its PRIVATE_COMMAND event. */
  async parseAll(): Promise<void> {
    while (await this.#parseNext(true));
  }

  /** Without media the park loop takes one event a round and does not announce it. */
  async parseOne(): Promise<boolean> {
    return this.#parseNext(false);
  }

  async #parseNext(announce: boolean): Promise<boolean> {
    if (this.#locked) return false;
    const message = this.#queue.shift();
    if (message === undefined) return false;
    await this.#parse(message);
    const after = this.afterNext;
    this.afterNext = undefined;
    after?.();
    if (announce) {
      this.#session.channel.emit('PRIVATE_COMMAND', message.headers);
      this.#session.channel.set('current_loop', undefined);
      this.#session.channel.set('total_loops', undefined);
    }
    return true;
  }

  async #parse(message: PrivateMessage): Promise<void> {
    const session = this.#session;
    const channel = session.channel;
    const command = messageGet(message, 'call-command')?.toLowerCase();
    if (command === 'hangup') {
      session.hangup(parseCause(messageGet(message, 'hangup-cause') ?? '') ?? 'NORMAL_CLEARING');
      return;
    }
    if (command !== 'execute') return;
    const app = messageGet(message, 'execute-app-name');
    if (app === undefined) return;
    const data = messageGet(message, 'execute-app-arg') ?? messageGet(message, 'content') ?? '';
    const lock = /^(true|yes|1)$/i.test(messageGet(message, 'event-lock') ?? '');
    const loops = Number.parseInt(messageGet(message, 'loops') ?? '1', 10) || 1;
    const leadFrames = Number.parseInt(messageGet(message, 'lead-frames') ?? '0', 10) || 0;
    if (lock) this.#locked = true;
    try {
      for (let i = 0; i < leadFrames && session.ready; i += 1) await session.tick();
      for (let loop = 0; loops < 0 || loop < loops; loop += 1) {
        channel.set('current_loop', String(loop + 1));
        channel.set('total_loops', String(loops));
        await session.execute(app, data, messageGet(message, 'event-uuid'));
        if (!session.ready || session.takeStopBroadcast()) break;
        if (loops < 0) await session.tick();
      }
    } finally {
      if (lock) this.#locked = false;
    }
  }
}
