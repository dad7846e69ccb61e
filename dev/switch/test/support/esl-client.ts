import { connect, type Socket } from 'node:net';

export interface EslEvent {
  headers: [string, string][];
  body: string;
}

export function eventHeader(event: EslEvent, name: string): string | undefined {
  return event.headers.find(([key]) => key === name)?.[1];
}

export interface EslReply {
  contentType: string;
  text: string;
}

/** The connection was closed instead. */
const NO_REPLY: EslReply = { contentType: 'closed', text: '' };

/** A plain event socket client: commands in order, events to a callback. */
export class EslClient {
  readonly #socket: Socket;
  #buffer = Buffer.alloc(0);
  readonly #replies: ((reply: EslReply) => void)[] = [];
  readonly #early: EslReply[] = [];
  onEvent: (event: EslEvent) => void = () => undefined;
  readonly closed: Promise<void>;
  disconnectNotice = false;
  #gone = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (data) => {
      this.#buffer = Buffer.concat([this.#buffer, data]);
      this.#parse();
    });
    socket.on('error', () => socket.destroy());
    this.closed = new Promise((resolve) =>
      socket.on('close', () => {
        this.#gone = true;
        for (const waiting of this.#replies.splice(0)) waiting(NO_REPLY);
        resolve();
      }),
    );
  }

  /** Connects and takes the `auth/request`. */
  static async open(port: number, host = '127.0.0.1'): Promise<EslClient> {
    const socket = connect(port, host);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', () => resolve());
      socket.once('error', reject);
    });
    const client = new EslClient(socket);
    await client.#next();
    return client;
  }

  async send(command: string): Promise<EslReply> {
    this.#socket.write(`${command}\n\n`);
    return this.#next();
  }

  close(): void {
    this.#socket.destroy();
  }

  #next(): Promise<EslReply> {
    const early = this.#early.shift();
    if (this.#gone && early === undefined) return Promise.resolve(NO_REPLY);
    return early === undefined ? new Promise((resolve) => this.#replies.push(resolve)) : Promise.resolve(early);
  }

  #parse(): void {
    for (;;) {
      const end = this.#buffer.indexOf('\n\n');
      if (end < 0) return;
      const head = headersOf(this.#buffer.subarray(0, end).toString('utf8'), false);
      const length = Number(head.find(([name]) => name === 'Content-Length')?.[1] ?? 0);
      if (this.#buffer.length < end + 2 + length) return;
      const body = this.#buffer.subarray(end + 2, end + 2 + length).toString('utf8');
      this.#buffer = this.#buffer.subarray(end + 2 + length);
      const type = head.find(([name]) => name === 'Content-Type')?.[1] ?? '';
      if (type === 'text/event-plain') this.#event(body);
      else if (type === 'text/disconnect-notice') this.disconnectNotice = true;
      else {
        const reply = { contentType: type, text: head.find(([name]) => name === 'Reply-Text')?.[1] ?? body };
        const waiting = this.#replies.shift();
        if (waiting === undefined) this.#early.push(reply);
        else waiting(reply);
      }
    }
  }

  #event(text: string): void {
    const end = text.indexOf('\n\n');
    this.onEvent({ headers: headersOf(text.slice(0, end), true), body: text.slice(end + 2) });
  }
}

function headersOf(text: string, decode: boolean): [string, string][] {
  return text.split('\n').map((line) => {
    const at = line.indexOf(': ');
    const value = at < 0 ? '' : line.slice(at + 2);
    return [at < 0 ? line : line.slice(0, at), decode ? decodeURIComponent(value) : value];
  });
}
