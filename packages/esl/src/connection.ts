import { connect, type Socket } from 'node:net';
import { EslError } from './errors.ts';
import { type EslEvent, parseEvent } from './event.ts';
import { type Frame, FrameReader } from './frame.ts';

export interface EslAddress {
  host: string;
  port: number;
  password: string;
  /** Longest wait for the answer at the head of the line; then the connection is given up. Default 10,000 ms. */
  replyMs?: number;
  /** Commands sent and not yet answered; more are refused (`overloaded`). Default 10,000. */
  maxWaiting?: number;
}

export interface ConnectionHandlers {
  event(event: EslEvent): void;
  /** Exactly once. */
  closed(reason: Error): void;
}

interface Waiting {
  resolve(frame: Frame): void;
  reject(error: Error): void;
}

/** Longest wait for the greeting and the answer to `auth`. */
const LOGIN_MS = 5_000;
const REPLY_MS = 10_000;
const MAX_WAITING = 10_000;
/** Unsent bytes beyond which nothing more is taken: a switch that does not read has stopped working. */
const MAX_UNSENT_BYTES = 8 << 20;

/** One authenticated connection of the inbound mode; ends once, for good. Answers come in the order of the commands. */
export class EslConnection {
  readonly #socket: Socket;
  readonly #handlers: ConnectionHandlers;
  readonly #reader = new FrameReader();
  readonly #replyMs: number;
  readonly #maxWaiting: number;
  #replyTimer: NodeJS.Timeout | undefined;
  #waiting: Waiting[] = [];
  #greeted: () => void = () => undefined;
  #dead: Error | undefined;

  /** @throws {EslError} `auth` for a wrong password, `not_connected` when nobody listens or answers in time. */
  static async open(address: EslAddress, handlers: ConnectionHandlers): Promise<EslConnection> {
    const socket = connect({ host: address.host, port: address.port, noDelay: true });
    let connection: EslConnection | undefined;
    const timer = setTimeout(
      () => socket.destroy(new EslError('not_connected', 'the event socket does not answer')),
      LOGIN_MS,
    );
    try {
      connection = new EslConnection(socket, handlers, address);
      await new Promise<void>((resolve, reject) => {
        connection!.#greeted = resolve;
        connection!.#waiting.push({ resolve: () => undefined, reject });
      });
      connection.#waiting.shift();
      const reply = await connection.command(`auth ${address.password}`);
      if (!reply.startsWith('+OK')) throw new EslError('auth', 'the event socket refused the password');
      return connection;
    } catch (error) {
      socket.destroy();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private constructor(socket: Socket, handlers: ConnectionHandlers, { replyMs, maxWaiting }: EslAddress) {
    this.#replyMs = replyMs ?? REPLY_MS;
    this.#maxWaiting = maxWaiting ?? MAX_WAITING;
    this.#socket = socket;
    this.#handlers = handlers;
    let cause: Error | undefined;
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('close', () => this.#die(cause ?? new EslError('disconnected', 'the event socket was closed')));
    socket.on('data', (chunk) => {
      try {
        for (const frame of this.#reader.push(chunk)) this.#take(frame);
      } catch (error) {
        socket.destroy(error as Error);
      }
    });
  }

  get open(): boolean {
    return this.#dead === undefined;
  }

  close(): void {
    this.#socket.destroy();
  }

  /**
   * Sends one command, with headers; answers the text of `Reply-Text`, whatever it says.
   * @throws {EslError} `bad_argument`, `not_connected`, `disconnected`.
   */
  async command(line: string, headers: readonly (readonly [string, string])[] = []): Promise<string> {
    const { headers: answer } = await this.#send(line, headers);
    return answer.get('reply-text') ?? '';
  }

  /** `api <line>`: the body of the answer, whatever it says, without its last newline. */
  async api(line: string): Promise<string> {
    const frame = await this.#send(`api ${line}`, []);
    if (frame.headers.get('content-type') !== 'api/response') return frame.headers.get('reply-text') ?? '';
    return frame.body.toString('utf8').replace(/\n$/, '');
  }

  #send(line: string, headers: readonly (readonly [string, string])[]): Promise<Frame> {
    const lines = [line, ...headers.map(([name, value]) => `${name}: ${value}`)];
    return new Promise((resolve, reject) => {
      // A line break would begin another header or command.
      if (lines.some((each) => /[\r\n\0]/.test(each))) {
        return reject(new EslError('bad_argument', 'a line break within a command'));
      }
      if (this.#dead) return reject(new EslError('not_connected', 'the event socket is not connected'));
      if (this.#waiting.length >= this.#maxWaiting || this.#socket.writableLength > MAX_UNSENT_BYTES) {
        return reject(new EslError('overloaded', 'too many commands wait for the switch'));
      }
      this.#waiting.push({ resolve, reject });
      if (this.#waiting.length === 1) this.#watch();
      this.#socket.write(`${lines.join('\n')}\n\n`);
    });
  }

  /** Answers come in order: one that stays away is the end of the connection. */
  #watch(): void {
    clearTimeout(this.#replyTimer);
    if (this.#waiting.length === 0) return;
    this.#replyTimer = setTimeout(
      () => this.#socket.destroy(new EslError('disconnected', 'the switch does not answer commands')),
      this.#replyMs,
    );
  }

  #take(frame: Frame): void {
    switch (frame.headers.get('content-type')) {
      case 'text/event-plain':
        return this.#handlers.event(parseEvent(frame.body));
      case 'command/reply':
      case 'api/response':
        this.#waiting.shift()?.resolve(frame);
        return this.#watch();
      case 'auth/request':
        return this.#greeted();
      case 'text/disconnect-notice':
        this.#socket.end();
        return;
      case 'text/rude-rejection':
        this.#socket.destroy(new EslError('not_connected', 'the event socket does not take this address'));
        return;
      default:
        return;
    }
  }

  #die(cause: Error): void {
    if (this.#dead) return;
    this.#dead = cause;
    clearTimeout(this.#replyTimer);
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new EslError('disconnected', 'the event socket went away before the answer', { cause }));
    }
    this.#handlers.closed(cause);
  }
}
