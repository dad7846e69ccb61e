import { createServer, type Server, Socket } from 'node:net';
import { once } from 'node:events';

/** Ends a connection when its nth statement comes (`before`), or when the server has done it and nobody heard (`after`). */
export interface Kill {
  readonly statement: number;
  readonly when: 'before' | 'after';
  /** Also this, at that moment. */
  readonly also?: () => void;
}

const HEADER = 5;
/** Frontend messages that end a statement: simple Query, Sync. */
const STATEMENTS = new Set(['Q', 'S'].map((letter) => letter.charCodeAt(0)));
/** In the startup message of the connections that charge: others (maintenance, lists) are not counted. */
const TELLER = 'enable_seqscan=off';
const READY = 'Z'.charCodeAt(0);

/** Cuts a stream of PostgreSQL messages (type, length, body) into messages; the first one of a frontend has no type. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);
  #startup: boolean;

  constructor(startup: boolean) {
    this.#startup = startup;
  }

  push(data: Buffer): { type: number; bytes: Buffer }[] {
    this.#rest = Buffer.concat([this.#rest, data]);
    const found: { type: number; bytes: Buffer }[] = [];
    for (;;) {
      const typed = this.#startup ? 0 : 1;
      if (this.#rest.length < (this.#startup ? HEADER - 1 : HEADER)) return found;
      const length = typed + this.#rest.readUInt32BE(typed);
      if (this.#rest.length < length) return found;
      found.push({ type: this.#startup ? 0 : this.#rest[0]!, bytes: this.#rest.subarray(0, length) });
      this.#rest = this.#rest.subarray(length);
      this.#startup = false;
    }
  }
}

/** A road to a PostgreSQL server that knows where one statement ends and the next begins, and can break there. */
export class StatementProxy {
  readonly url: string;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #target: URL;
  #kill: Kill | undefined;
  #statements = 0;
  #fired = false;
  #up = true;

  private constructor(target: URL, server: Server, port: number) {
    this.#target = target;
    this.#server = server;
    const url = new URL(target);
    [url.hostname, url.port] = ['127.0.0.1', String(port)];
    this.url = url.href;
    server.on('connection', (client) => this.#connect(client));
  }

  static async start(target: string): Promise<StatementProxy> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new StatementProxy(new URL(target), server, (server.address() as { port: number }).port);
  }

  /** From now on statements are counted, from 1, over all connections that charge. */
  arm(kill: Kill): void {
    this.#kill = kill;
    this.#statements = 0;
    this.#fired = false;
  }

  /** Did what was armed happen? Nothing is armed any more. */
  disarm(): boolean {
    this.#kill = undefined;
    return this.#fired;
  }

  /** The database is away: every connection breaks, none can be made. */
  down(): void {
    this.#up = false;
    for (const socket of this.#open) socket.destroy();
  }

  up(): void {
    this.#up = true;
  }

  async close(): Promise<void> {
    this.down();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #connect(client: Socket): void {
    if (!this.#up) return void client.destroy();
    const server = new Socket().connect(Number(this.#target.port), this.#target.hostname);
    const cut = (): void => {
      for (const socket of [client, server]) {
        this.#open.delete(socket);
        socket.destroy();
      }
    };
    for (const socket of [client, server]) {
      this.#open.add(socket);
      socket.setNoDelay(true).on('error', cut).on('close', cut);
    }
    let doomed = false;
    let counted = false;
    const [asked, told] = [new Frames(true), new Frames(false)];
    client.on('data', (data: Buffer) => {
      for (const { type, bytes } of asked.push(data)) {
        const kill = this.#kill;
        if (type === 0) counted = bytes.includes(TELLER);
        if (kill && counted && !this.#fired && STATEMENTS.has(type) && ++this.#statements === kill.statement) {
          this.#fired = true;
          if (kill.when === 'before') {
            kill.also?.();
            return cut();
          }
          doomed = true;
        }
        server.write(bytes);
      }
    });
    server.on('data', (data: Buffer) => {
      if (!doomed) return void client.write(data);
      // Done by the server, and nobody hears of it.
      if (told.push(data).some(({ type }) => type === READY)) {
        this.#kill?.also?.();
        cut();
      }
    });
  }
}
