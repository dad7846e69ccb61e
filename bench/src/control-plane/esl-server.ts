import { createServer, type Socket } from 'node:net';

export type Headers = Readonly<Record<string, string | number>>;

/** What a client asks for; headers only with `sendmsg` and `bgapi`. */
export interface Request {
  verb: string;
  rest: string;
  headers: Map<string, string>;
}

export interface EslHandlers {
  /** Answers `api`. */
  api(line: string): string;
  /** `bgapi` was taken; the answer is what BACKGROUND_JOB will say. */
  background(line: string): string;
  /** `sendmsg <uuid>` with call-command execute. */
  execute(uuid: string, app: string, argument: string, id: string): void;
}

/**
 * The event socket's server side, as far as an agent uses it: one client, plain events, commands answered in order. What
 * it writes within one turn of the event loop goes out in one piece, as FreeSWITCH's queue does under load.
 */
export class EslServer {
  readonly #handlers: EslHandlers;
  readonly #password: string;
  readonly #core = crypto.randomUUID();
  #client: Socket | undefined;
  #subscribed = false;
  #out: string[] = [];

  constructor(password: string, handlers: EslHandlers) {
    this.#password = password;
    this.#handlers = handlers;
  }

  get connected(): boolean {
    return this.#subscribed;
  }

  listen(host: string, port: number): Promise<void> {
    const server = createServer((socket) => this.#accept(socket));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    });
  }

  /** Tells an event; values are encoded here. */
  event(name: string, headers: Headers): void {
    if (!this.#subscribed) return;
    const lines = Object.entries(headers).map(([key, value]) => `${key}: ${encodeURIComponent(value)}\n`);
    const now = Math.round((performance.timeOrigin + performance.now()) * 1000);
    const body = `Event-Name: ${name}\nCore-UUID: ${this.#core}\nEvent-Date-Timestamp: ${now}\n${lines.join('')}\n`;
    this.#write(`Content-Length: ${Buffer.byteLength(body)}\nContent-Type: text/event-plain\n\n${body}`);
  }

  #write(text: string): void {
    this.#out.push(text);
    if (this.#out.length > 1) return;
    setImmediate(() => {
      this.#client?.write(this.#out.join(''));
      this.#out = [];
    });
  }

  #accept(socket: Socket): void {
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.write('Content-Type: auth/request\n\n');
    let text = '';
    // Probes connect as well: the client is who subscribes.
    const reply = (words: string): void => {
      const frame = `Content-Type: command/reply\nReply-Text: ${words}\n\n`;
      if (socket === this.#client) this.#write(frame);
      else socket.write(frame);
    };
    const answer = (body: string): void => {
      const frame = `Content-Type: api/response\nContent-Length: ${Buffer.byteLength(body)}\n\n${body}`;
      if (socket === this.#client) this.#write(frame);
      else socket.write(frame);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      let end: number;
      while ((end = text.indexOf('\n\n')) >= 0) {
        this.#take(parse(text.slice(0, end)), socket, reply, answer);
        text = text.slice(end + 2);
      }
    });
    socket.on('close', () => {
      if (socket !== this.#client) return;
      this.#client = undefined;
      this.#subscribed = false;
    });
  }

  #take(
    { verb, rest, headers }: Request,
    socket: Socket,
    reply: (words: string) => void,
    answer: (body: string) => void,
  ): void {
    switch (verb) {
      case 'auth':
        return reply(rest === this.#password ? '+OK accepted' : '-ERR invalid');
      case 'event':
        this.#client = socket;
        this.#subscribed = true;
        return reply('+OK event listener enabled plain');
      case 'api':
        return answer(rest === 'global_getvar core_uuid' ? this.#core : this.#handlers.api(rest));
      case 'bgapi': {
        const job = headers.get('Job-UUID') ?? crypto.randomUUID();
        reply(`+OK Job-UUID: ${job}`);
        const body = `${this.#handlers.background(rest)}\n`;
        const inner = `Event-Name: BACKGROUND_JOB\nJob-UUID: ${job}\nContent-Length: ${body.length}\n\n${body}`;
        return this.#write(`Content-Length: ${inner.length}\nContent-Type: text/event-plain\n\n${inner}`);
      }
      case 'sendmsg': {
        reply('+OK');
        const of = (name: string): string => headers.get(name) ?? '';
        return this.#handlers.execute(rest, of('execute-app-name'), of('execute-app-arg'), of('event-uuid'));
      }
      default:
        return reply('+OK');
    }
  }
}

function parse(block: string): Request {
  const [line = '', ...more] = block.replace(/^\n+/, '').split('\n');
  const space = line.indexOf(' ');
  const headers = new Map(
    more.map((header): [string, string] => {
      const colon = header.indexOf(': ');
      return [header.slice(0, colon), header.slice(colon + 2)];
    }),
  );
  return { verb: space < 0 ? line : line.slice(0, space), rest: space < 0 ? '' : line.slice(space + 1), headers };
}
