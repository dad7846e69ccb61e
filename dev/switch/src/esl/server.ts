import { createServer, type Server } from 'node:net';
import type { Core } from '../core.ts';
import { EslConnection } from './connection.ts';

/** mod_event_socket: listens and keeps the connections. */
export class EslServer {
  readonly #core: Core;
  readonly #server: Server;
  readonly #connections = new Set<EslConnection>();

  constructor(core: Core) {
    this.#core = core;
    this.#server = createServer((socket) => {
      const connection: EslConnection = new EslConnection(core, socket, () => this.#connections.delete(connection));
      this.#connections.add(connection);
    });
  }

  /** Resolves with the port it listens on. */
  listen(): Promise<number> {
    const { host, port } = this.#core.config.esl;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const address = this.#server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  close(): Promise<void> {
    for (const connection of this.#connections) connection.disconnect();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
