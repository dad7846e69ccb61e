import { SwitchEvent } from './event.ts';
import { ORIGINS } from './names.ts';

export type Listener = (event: SwitchEvent) => void;

/** What every event says about the program that raised it. */
export interface Identity {
  coreUuid: string;
  hostname: string;
  switchname: string;
  ipv4: string;
}

export interface PublishOptions {
  body?: string;
  /** Headers put before the common ones, as `sendevent` does. */
  before?: [string, string][];
  origin?: readonly [string, string, string];
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** FreeSWITCH's `%Y-%m-%d %T` in local time. */
export function localStamp(micros: number): string {
  const d = new Date(micros / 1000);
  return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
}

/** Gives events their common headers and the global Event-Sequence, and hands them to every listener. */
export class EventBus {
  readonly identity: Identity;
  readonly now: () => number;
  #sequence = 0;
  readonly #listeners = new Set<Listener>();

  constructor(identity: Identity, now: () => number) {
    this.identity = identity;
    this.now = now;
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Publishes at once: the order of calls is the order of Event-Sequence. */
  publish(name: string, headers: [string, string][], options: PublishOptions = {}): SwitchEvent {
    const event = this.build(name, headers, options);
    for (const listener of this.#listeners) listener(event);
    return event;
  }

  /** The event with its common headers, taking a sequence number, without publishing it (uuid_dump). */
  build(name: string, headers: [string, string][], options: PublishOptions = {}): SwitchEvent {
    const micros = this.now();
    const [file, fn, line] = options.origin ?? ORIGINS[name] ?? ['switch_event.c', 'switch_event_fire', '1'];
    this.#sequence += 1;
    return new SwitchEvent(
      name,
      [
        ...(options.before ?? []),
        ['Event-Name', name],
        ['Core-UUID', this.identity.coreUuid],
        ['FreeSWITCH-Hostname', this.identity.hostname],
        ['FreeSWITCH-Switchname', this.identity.switchname],
        ['FreeSWITCH-IPv4', this.identity.ipv4],
        ['FreeSWITCH-IPv6', '::1'],
        ['Event-Date-Local', localStamp(micros)],
        ['Event-Date-GMT', new Date(micros / 1000).toUTCString()],
        ['Event-Date-Timestamp', String(micros)],
        ['Event-Calling-File', file],
        ['Event-Calling-Function', fn],
        ['Event-Calling-Line-Number', line],
        ['Event-Sequence', String(this.#sequence)],
        ...headers,
      ],
      options.body ?? '',
    );
  }
}
