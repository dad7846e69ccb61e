import {
  type Endpoint,
  FakeTimers,
  formatMessage,
  parseMessage,
  type SipMessage,
  type Transport,
  UserAgent,
  type UserAgentOptions,
} from '@ringback/dev-sip';

export interface Datagram {
  data: Buffer;
  from: Endpoint;
  to: Endpoint;
}

/** A network in memory on fake time: each datagram takes 1 ms, unless `drop` eats it. */
export class FakeNetwork {
  readonly timers = new FakeTimers();
  readonly #ends = new Map<string, FakeTransport>();
  readonly log: { atMs: number; message: SipMessage; from: Endpoint; dropped: boolean }[] = [];
  drop: (message: SipMessage, datagram: Datagram) => boolean = () => false;

  attach(host: string): FakeTransport {
    const transport = new FakeTransport(this, { host, port: 5060 });
    this.#ends.set(key(transport.address), transport);
    return transport;
  }

  detach(transport: FakeTransport): void {
    this.#ends.delete(key(transport.address));
  }

  listening(target: Endpoint): boolean {
    return this.#ends.has(key(target));
  }

  carry(datagram: Datagram): void {
    const parsed = parseMessage(datagram.data);
    if (parsed.kind === 'message') {
      const dropped = this.drop(parsed.message, datagram);
      this.log.push({ atMs: this.timers.now(), message: parsed.message, from: datagram.from, dropped });
      if (dropped) return;
    }
    this.timers.after(1, () => this.#ends.get(key(datagram.to))?.onData?.(Buffer.from(datagram.data), datagram.from));
  }

  /** An agent at host:5060, T1 500 ms. */
  async agent(host: string, options: Partial<UserAgentOptions> = {}): Promise<UserAgent> {
    return UserAgent.create({ host, port: 5060, transport: this.attach(host), timers: this.timers, ...options });
  }

  /** Moves time on in small steps, letting promises settle in between. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= Math.min(left, 50)) {
      await settle();
      this.timers.advance(Math.min(left, 50));
    }
    await settle();
  }

  /** What went over the wire, e.g. `a>INVITE`, `b>180`, lost ones in brackets. */
  trace(names: Readonly<Record<string, string>>): string[] {
    return this.log.map(({ message, from, dropped }) => {
      const what = message.kind === 'request' ? message.method : String(message.status);
      const text = `${names[from.host] ?? from.host}>${what}`;
      return dropped ? `(${text})` : text;
    });
  }
}

/** Lets pending promise callbacks run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export class FakeTransport implements Transport {
  readonly address: Endpoint;
  onData: ((data: Buffer, source: Endpoint) => void) | undefined;
  readonly #network: FakeNetwork;

  constructor(network: FakeNetwork, address: Endpoint) {
    this.#network = network;
    this.address = address;
  }

  send(data: Buffer, target: Endpoint): void {
    this.#network.carry({ data, from: this.address, to: target });
  }

  sendMessage(message: SipMessage, target: Endpoint): void {
    this.send(formatMessage(message), target);
  }

  probe(target: Endpoint, refused: () => void): () => void {
    const timer = this.#network.timers.after(1, () => {
      if (!this.#network.listening(target)) refused();
    });
    return () => timer.cancel();
  }

  async close(): Promise<void> {
    this.#network.detach(this);
  }
}

function key({ host, port }: Endpoint): string {
  return `${host}:${port}`;
}
