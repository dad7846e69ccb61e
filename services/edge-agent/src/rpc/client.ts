import { connect, type Socket } from 'node:net';
import { decodePacket, encodeRequest, type Parameter, RpcFault, RpcProtocolError, type Value } from './binrpc.ts';

/** Kamailio cannot be asked: not running, restarting, or silent. What was asked may or may not have been done. */
export class RpcUnavailable extends Error {
  override readonly name = 'RpcUnavailable';
}

interface Waiting {
  readonly method: string;
  readonly resolve: (values: readonly Value[]) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

/** Asks one Kamailio over its control socket; connects when needed, one connection for all questions. */
export class KamailioRpc {
  readonly #path: string;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Socket | undefined;
  #received: Buffer[] = [];
  #cookie = 0;

  constructor(path: string, timeoutMs = 2000) {
    this.#path = path;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * @throws RpcFault when Kamailio refuses, RpcUnavailable when it cannot be asked or does not answer in time.
   */
  call(method: string, ...parameters: Parameter[]): Promise<readonly Value[]> {
    const socket = this.#connected();
    this.#cookie = (this.#cookie + 1) >>> 0;
    const cookie = this.#cookie;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // Whatever comes after a lost answer cannot be trusted to be in step.
        this.#drop(socket, new RpcUnavailable(`${method}: no answer within ${this.#timeoutMs} ms`));
      }, this.#timeoutMs);
      this.#waiting.set(cookie, { method, resolve, reject, timer });
      socket.write(encodeRequest(cookie, method, parameters));
    });
  }

  close(): void {
    if (this.#socket !== undefined) this.#drop(this.#socket, new RpcUnavailable('closed'));
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#path);
    socket.on('data', (chunk) => this.#data(socket, chunk));
    socket.on('error', (cause) =>
      this.#drop(socket, new RpcUnavailable(`control socket: ${cause.message}`, { cause })),
    );
    socket.on('close', () => this.#drop(socket, new RpcUnavailable('Kamailio closed its control socket')));
    this.#socket = socket;
    return socket;
  }

  #data(socket: Socket, chunk: Buffer): void {
    if (socket !== this.#socket) return;
    this.#received.push(chunk);
    let rest = Buffer.concat(this.#received);
    try {
      for (let next = decodePacket(rest); next !== undefined; next = decodePacket(rest)) {
        rest = rest.subarray(next.length);
        this.#answer(next.packet.cookie, next.packet.fault, next.packet.values);
      }
      this.#received = rest.length > 0 ? [rest] : [];
    } catch (cause) {
      if (!(cause instanceof RpcProtocolError)) throw cause;
      this.#drop(socket, new RpcUnavailable(cause.message, { cause }));
    }
  }

  #answer(cookie: number, fault: boolean, values: readonly Value[]): void {
    const waiting = this.#waiting.get(cookie);
    if (waiting === undefined) return;
    this.#waiting.delete(cookie);
    clearTimeout(waiting.timer);
    if (fault) waiting.reject(new RpcFault(waiting.method, Number(values[0] ?? 500), String(values[1] ?? '')));
    else waiting.resolve(values);
  }

  #drop(socket: Socket, error: RpcUnavailable): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    this.#received = [];
    socket.destroy();
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(error);
    }
    this.#waiting.clear();
  }
}
