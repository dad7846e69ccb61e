import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Core } from '../core.ts';
import { type SwitchEvent, serializeJson, serializePlain } from '../events/event.ts';
import { CommandReader, type EslCommand } from './framing.ts';
import { Subscription } from './subscription.ts';

const GOODBYE = 'Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n';
/** A listener that lost this many events is disconnected (MAX_MISSED of mod_event_socket). */
const MAX_MISSED = 500;
const LOG_LEVELS = ['console', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug'];

function sameText(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/** One inbound event socket client. */
export class EslConnection {
  readonly #core: Core;
  readonly #socket: Socket;
  readonly #reader = new CommandReader();
  readonly #subscription = new Subscription();
  readonly #unsubscribe: () => void;
  readonly #commands: EslCommand[] = [];
  readonly #events: string[] = [];
  #authenticated = false;
  #busy = false;
  #blocked = false;
  #missed = 0;
  #closed = false;

  constructor(core: Core, socket: Socket, onClose: () => void) {
    this.#core = core;
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (data) => this.#receive(data));
    socket.on('drain', () => {
      this.#blocked = false;
      this.#flush();
    });
    socket.on('error', () => socket.destroy());
    this.#unsubscribe = core.bus.subscribe((event) => this.#offer(event));
    socket.on('close', () => {
      this.#closed = true;
      this.#unsubscribe();
      onClose();
    });
    this.#write('Content-Type: auth/request\n\n');
  }

  /** Says goodbye and closes. */
  disconnect(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#socket.end(
      `Content-Type: text/disconnect-notice\nContent-Length: ${Buffer.byteLength(GOODBYE)}\n\n${GOODBYE}`,
    );
  }

  #receive(data: Buffer): void {
    if (this.#closed) return;
    try {
      this.#commands.push(...this.#reader.push(data));
    } catch {
      this.disconnect();
      return;
    }
    if (!this.#busy) void this.#work();
  }

  /** Commands of one client run one after the other; events wait while one runs, as in FreeSWITCH's listener thread. */
  async #work(): Promise<void> {
    this.#busy = true;
    for (
      let command = this.#commands.shift();
      command !== undefined && !this.#closed;
      command = this.#commands.shift()
    ) {
      try {
        await this.#run(command);
      } catch (error) {
        this.#core.log.error('command failed', { error: String((error as Error).stack ?? error) });
        this.#reply('-ERR command failed');
      }
      this.#flush();
    }
    this.#busy = false;
    this.#flush();
  }

  #offer(event: SwitchEvent): void {
    if (!this.#authenticated || this.#closed || !this.#subscription.wants(event)) return;
    if (this.#events.length >= this.#core.config.esl.maxQueue) {
      this.#missed += 1;
      if (this.#missed > MAX_MISSED) {
        this.#core.log.warn('event socket listener is too slow, disconnected', { missed: this.#missed });
        this.#socket.destroy();
      }
      return;
    }
    const json = this.#subscription.format === 'json';
    const text = json ? serializeJson(event) : serializePlain(event);
    this.#events.push(
      `Content-Length: ${Buffer.byteLength(text)}\nContent-Type: text/event-${json ? 'json' : 'plain'}\n\n${text}`,
    );
    if (!this.#busy) this.#flush();
  }

  #flush(): void {
    while (!this.#blocked && this.#events.length > 0 && !this.#closed) {
      // Batches keep shifting a long queue cheap.
      const batch = this.#events.splice(0, 256).join('');
      this.#write(batch);
    }
  }

  #write(text: string): void {
    if (!this.#socket.write(text)) this.#blocked = true;
  }

  #reply(text: string, extra = ''): void {
    this.#write(`Content-Type: command/reply\nReply-Text: ${text}\n${extra}\n`);
  }

  async #run(command: EslCommand): Promise<void> {
    const { line } = command;
    const at = line.indexOf(' ');
    const verb = (at < 0 ? line : line.slice(0, at)).toLowerCase();
    const argument = at < 0 ? '' : line.slice(at + 1).trim();
    if (!this.#authenticated) {
      if (verb !== 'auth') return this.#reply('-ERR command not found');
      if (!sameText(argument, this.#core.config.esl.password)) {
        this.#reply('-ERR invalid');
        return this.disconnect();
      }
      this.#authenticated = true;
      return this.#reply('+OK accepted');
    }
    switch (verb) {
      case 'exit':
        this.#reply('+OK bye');
        return this.disconnect();
      case 'event':
      case 'nixevent':
      case 'noevents':
      case 'filter':
        return this.#reply(this.#subscribe(verb, argument));
      case 'api':
        return this.#api(argument);
      case 'bgapi':
        return this.#bgapi(argument, command);
      case 'sendmsg':
        return this.#reply(this.#sendMessage(argument, command));
      case 'sendevent':
        return this.#reply(this.#sendEvent(argument, command));
      case 'log': {
        const level = Math.max(0, LOG_LEVELS.indexOf(argument.toLowerCase()));
        return this.#reply(`+OK log level ${argument === '' ? 'debug' : argument} [${argument === '' ? 7 : level}]`);
      }
      case 'nolog':
        return this.#reply('+OK no longer logging');
      case 'linger':
      case 'nolinger':
        return this.#reply('-ERR not controlling a session');
      case 'divert_events':
        return this.#reply('-ERR not controlling a session.');
      default:
        return this.#reply('-ERR command not found');
    }
  }

  #subscribe(verb: string, argument: string): string {
    const words = argument.split(/[\s,]+/).filter((word) => word !== '');
    if (verb === 'noevents') {
      this.#subscription.clear();
      return '+OK no longer listening for events';
    }
    if (verb === 'nixevent') {
      this.#subscription.remove(words);
      return words.length === 0 ? '-ERR no keywords supplied' : '+OK events nixed';
    }
    if (verb === 'event') {
      const first = words[0]?.toLowerCase();
      const format = first === 'json' ? 'json' : 'plain';
      const names = first === 'json' || first === 'plain' ? words.slice(1) : words;
      return this.#subscription.add(format, names)
        ? `+OK event listener enabled ${format}`
        : '-ERR no keywords supplied';
    }
    const match = /^(delete\s+)?(\S+)(?:\s+(.+))?$/.exec(argument);
    if (match === null || argument === 'delete') return '-ERR invalid syntax';
    const [, remove, header = '', value] = match;
    if (remove !== undefined) {
      this.#subscription.deleteFilter(header, value);
      return `+OK filter deleted. [${header}][${value ?? ''}]`;
    }
    if (value === undefined) return '-ERR invalid syntax';
    this.#subscription.addFilter(header, value);
    return `+OK filter added. [${header}]=[${value}]`;
  }

  async #api(argument: string): Promise<void> {
    if (argument === '') return this.#reply('-ERR command not found');
    const body = (await this.#execute(argument)) || '-ERR no reply\n';
    this.#write(`Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`);
  }

  #execute(text: string): Promise<string> {
    const at = text.search(/\s/);
    return this.#core.api.run(at < 0 ? text : text.slice(0, at), at < 0 ? '' : text.slice(at + 1));
  }

  #bgapi(argument: string, command: EslCommand): void {
    if (argument === '') return this.#reply('-ERR command not found');
    const job = command.headers.find(([name]) => name.toLowerCase() === 'job-uuid')?.[1] ?? randomUUID();
    this.#reply(`+OK Job-UUID: ${job}`, `Job-UUID: ${job}\n`);
    const at = argument.search(/\s/);
    const headers: [string, string][] = [
      ['Job-UUID', job],
      ['Job-Command', at < 0 ? argument : argument.slice(0, at)],
    ];
    if (at >= 0) headers.push(['Job-Command-Arg', argument.slice(at + 1)]);
    const { bus, log } = this.#core;
    this.#execute(argument).then(
      (body) => bus.publish('BACKGROUND_JOB', headers, { body }),
      (error: unknown) => {
        log.error('background job failed', { error: String(error) });
        bus.publish('BACKGROUND_JOB', headers, { body: '-ERR job failed\n' });
      },
    );
  }

  #sendMessage(uuid: string, command: EslCommand): string {
    const session = this.#core.sessions.get(uuid);
    if (session === undefined) return `-ERR invalid session id [${uuid}]`;
    const headers: [string, string][] = [['Command', `sendmsg ${uuid}`], ...command.headers];
    if (command.body !== '') headers.push(['content', command.body]);
    session.messages.push({ headers });
    return '+OK';
  }

  #sendEvent(name: string, command: EslCommand): string {
    const upper = name.toUpperCase();
    if (!EVENTS_BY_CLIENT.test(upper)) return '-ERR invalid event';
    const uuid = randomUUID();
    const subclass = command.headers.filter(([key]) => key.toLowerCase() === 'event-subclass');
    const others = command.headers.filter(([key]) => !/^(event-subclass|content-length)$/i.test(key));
    this.#core.bus.publish(upper, [], {
      before: [...subclass, ['Command', `sendevent ${name}`], ...others, ['Event-UUID', uuid]],
      body: command.body,
      origin: ['mod_event_socket.c', 'parse_command', '2272'],
    });
    return `+OK ${uuid}`;
  }
}

const EVENTS_BY_CLIENT = /^[A-Z_]+$/;
