import { createSocket, type Socket } from 'node:dgram';
import { type Message, parse } from './sip.ts';

export interface Received extends Message {
  readonly from: { readonly host: string; readonly port: number };
}

/** A UDP socket that speaks as a carrier or a switch would: sends text, keeps what came until it is asked for. */
export class Peer {
  readonly host: string;
  #socket: Socket;
  #inbox: Received[] = [];
  #waiters: { readonly wanted: (m: Received) => boolean; readonly take: (m: Received) => void }[] = [];
  /** Answers at once, before anything is kept: undefined keeps it, '' says nothing. */
  automatic: ((message: Received) => string | undefined) | undefined;

  private constructor(host: string, socket: Socket) {
    this.host = host;
    this.#socket = socket;
    socket.on('message', (data, remote) => {
      this.#arrived({ ...parse(data.toString('latin1')), from: { host: remote.address, port: remote.port } });
    });
  }

  static async open(host: string, port = 0): Promise<Peer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.bind(port, host, resolve);
    });
    return new Peer(host, socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  get address(): string {
    return `${this.host}:${this.port}`;
  }

  #arrived(message: Received): void {
    const reply = this.automatic?.(message);
    if (reply !== undefined) {
      if (reply !== '') this.send(reply, message.from);
      return;
    }
    const index = this.#waiters.findIndex((w) => w.wanted(message));
    if (index < 0) {
      this.#inbox.push(message);
      return;
    }
    const [waiter] = this.#waiters.splice(index, 1);
    waiter?.take(message);
  }

  send(text: string, to: { readonly host: string; readonly port: number }): void {
    this.#socket.send(Buffer.from(text, 'latin1'), to.port, to.host);
  }

  /** The first message (kept or to come) for which `wanted` is true. @throws when none came in time. */
  receive(wanted: (m: Received) => boolean, what: string, withinMs = 3000, signal?: AbortSignal): Promise<Received> {
    const index = this.#inbox.findIndex(wanted);
    if (index >= 0) {
      const [message] = this.#inbox.splice(index, 1);
      if (message !== undefined) return Promise.resolve(message);
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        const seen = this.#inbox.map((m) => m.startLine).join(' | ');
        reject(new Error(`${this.address} got no ${what} within ${withinMs} ms; it has: ${seen}`));
      }, withinMs);
      const waiter = {
        wanted,
        take: (m: Received): void => {
          clearTimeout(timer);
          resolve(m);
        },
      };
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        const at = this.#waiters.indexOf(waiter);
        if (at >= 0) this.#waiters.splice(at, 1);
        reject(new Error('no longer waited for'));
      });
      this.#waiters.push(waiter);
    });
  }

  request(method: string, withinMs?: number): Promise<Received> {
    return this.receive((m) => m.method === method, method, withinMs);
  }

  /** A final or provisional reply with this status to the call. */
  reply(status: number, callId: string, withinMs?: number): Promise<Received> {
    return this.receive((m) => m.status === status && m.header('Call-ID') === callId, String(status), withinMs);
  }

  /** The final reply to the call, whatever it is. */
  final(callId: string, withinMs?: number): Promise<Received> {
    const wanted = (m: Received): boolean => m.status >= 200 && m.header('Call-ID') === callId;
    return this.receive(wanted, 'final reply', withinMs);
  }

  /** What has come and nobody asked for. */
  count(wanted: (m: Received) => boolean): number {
    return this.#inbox.filter(wanted).length;
  }

  close(): void {
    this.#socket.close();
  }
}
