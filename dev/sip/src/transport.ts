import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Endpoint } from './api.ts';

/** Datagrams in and out. */
export interface Transport {
  readonly address: Endpoint;
  onData: ((data: Buffer, source: Endpoint) => void) | undefined;
  /** `failed` is called when the datagram could not be handed to the network. */
  send(data: Buffer, target: Endpoint, failed: (error: Error) => void): void;
  /** Calls `refused` when nobody listens at `target` (ICMP port unreachable), else nothing. Returns its cancellation. */
  probe(target: Endpoint, refused: () => void): () => void;
  close(): Promise<void>;
}

export class UdpTransport implements Transport {
  readonly address: Endpoint;
  onData: ((data: Buffer, source: Endpoint) => void) | undefined;
  readonly #socket: Socket;
  readonly #probes = new Set<Socket>();
  #closed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    const { address, port } = socket.address();
    this.address = { host: address, port };
    socket.on('message', (data, from) => this.onData?.(data, { host: from.address, port: from.port }));
    // An unconnected socket on Linux reports no ICMP errors; anything else concerns one datagram only and is seen by its timers.
    socket.on('error', () => undefined);
  }

  /** Throws what `bind` throws (EADDRINUSE, EADDRNOTAVAIL). */
  static async bind(host: string, port: number): Promise<UdpTransport> {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    socket.bind(port, host);
    await once(socket, 'listening');
    return new UdpTransport(socket);
  }

  send(data: Buffer, target: Endpoint, failed: (error: Error) => void): void {
    if (this.#closed) return failed(new Error('the transport is closed'));
    this.#socket.send(data, target.port, target.host, (error) => {
      if (error) failed(error);
    });
  }

  /**
   * Node gives no access to IP_RECVERR, so a second, connected socket sends a CRLF keep-alive (RFC 5626 section 3.5.1, ignored by SIP
   * peers) to the same place and sees the ECONNREFUSED.
   */
  probe(target: Endpoint, refused: () => void): () => void {
    if (this.#closed) return () => undefined;
    const socket = createSocket(target.host.includes(':') ? 'udp6' : 'udp4');
    this.#probes.add(socket);
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      clearTimeout(limit);
      this.#probes.delete(socket);
      socket.close();
    };
    const limit = setTimeout(close, 500);
    limit.unref();
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const wasOpen = open;
      close();
      if (wasOpen && (error.code === 'ECONNREFUSED' || error.code === 'EHOSTUNREACH' || error.code === 'ENETUNREACH'))
        refused();
    });
    socket.bind(0, this.address.host, () => {
      if (!open) return;
      socket.connect(target.port, target.host, () => {
        if (open) socket.send('\r\n\r\n');
      });
    });
    return close;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const probe of this.#probes) probe.close();
    this.#probes.clear();
    const closed = once(this.#socket, 'close');
    this.#socket.close();
    await closed;
  }
}
