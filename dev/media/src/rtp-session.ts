import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type {
  Codec,
  DtmfSendOptions,
  Endpoint,
  FrameInfo,
  FrameSource,
  ReceivedDtmf,
  RtpSession,
  RtpSessionOptions,
  RtpStats,
} from './api.ts';
import { codecs } from './codec.ts';
import { sharedClock } from './media-clock.ts';
import { parseRtp } from './rtp-packet.ts';
import { RtpReceiver } from './rtp-receiver.ts';
import { RtpSender } from './rtp-sender.ts';

/** A latched source that was silent for so long may be followed by another. */
const RELATCH_MS = 250;

/** Opens a session on a port of the pool. Throws `NoFreePort` when the pool is empty or its ports are taken by others. */
export async function openRtpSession(options: RtpSessionOptions): Promise<RtpSession> {
  const busy: number[] = [];
  try {
    for (;;) {
      const taken = options.ports.take();
      try {
        return new UdpRtpSession(options, taken, await bind(options.host, taken));
      } catch (error) {
        busy.push(taken);
        if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
      }
    }
  } finally {
    for (const port of busy) options.ports.release(port);
  }
}

async function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: host.includes(':') ? 'udp6' : 'udp4',
    // Targets are addresses, never names: skipping the resolver saves a turn of the event loop a packet.
    lookup: (address, _options, callback) => callback(null, address, address.includes(':') ? 6 : 4),
  });
  const listening = once(socket, 'listening');
  socket.bind(port, host);
  await listening;
  return socket;
}

class UdpRtpSession implements RtpSession {
  readonly host: string;
  readonly port: number;
  readonly stats: RtpStats = {
    sentPackets: 0,
    receivedPackets: 0,
    lostPackets: 0,
    reorderedPackets: 0,
    duplicatePackets: 0,
    malformedPackets: 0,
    foreignPackets: 0,
    lastReceivedMs: undefined,
  };
  onFrame: ((frame: Int16Array, info: FrameInfo) => void) | undefined;
  onDtmf: ((digit: ReceivedDtmf) => void) | undefined;
  onDtmfStart: ((digit: string) => void) | undefined;
  readonly #socket: Socket;
  readonly #sender: RtpSender;
  readonly #receiver: RtpReceiver;
  readonly #release: () => void;
  readonly #unsubscribe: () => void;
  readonly #latch: boolean;
  #remote: Endpoint | undefined;
  /** As signalled, without what latching made of it. */
  #signalled: Endpoint | undefined;
  #heard: Endpoint | undefined;
  #sending = true;
  #receiving = true;
  #closed = false;

  constructor(options: RtpSessionOptions, taken: number, socket: Socket) {
    this.#socket = socket;
    this.host = options.host;
    this.port = socket.address().port;
    this.#release = () => options.ports.release(taken);
    this.#latch = options.latch ?? true;
    this.#remote = options.remote;
    this.#signalled = options.remote;
    const dtmfPayloadType = 'dtmfPayloadType' in options ? options.dtmfPayloadType : 101;
    this.#sender = new RtpSender({
      codec: codecs[options.codec ?? 'PCMA'],
      dtmfPayloadType,
      silenceWhenIdle: options.sendSilenceWhenIdle ?? true,
      randomUint32: options.randomUint32 ?? (() => Math.floor(Math.random() * 2 ** 32)),
    });
    this.#receiver = new RtpReceiver({
      dtmfPayloadType,
      conceal: options.concealLoss ?? true,
      stats: this.stats,
      events: {
        frame: (frame, info) => this.onFrame?.(frame, info),
        dtmf: (digit) => this.onDtmf?.(digit),
        dtmfStart: (digit) => this.onDtmfStart?.(digit),
      },
    });
    socket.on('message', (data, from) => this.#received(data, from.address, from.port));
    // Errors of a datagram (no route, ICMP) concern that datagram; RTP goes on.
    socket.on('error', () => undefined);
    this.#unsubscribe = (options.clock ?? sharedClock).subscribe((late) => this.#tick(late));
  }

  get remote(): Endpoint | undefined {
    return this.#remote;
  }

  get codec(): Codec {
    return this.#sender.codec;
  }

  get source(): FrameSource | undefined {
    return this.#sender.source;
  }

  set source(source: FrameSource | undefined) {
    this.#sender.source = source;
  }

  configure(change: Parameters<RtpSession['configure']>[0]): void {
    const { remote } = change;
    if (remote && (remote.host !== this.#signalled?.host || remote.port !== this.#signalled.port)) {
      this.#signalled = remote;
      this.#remote = remote;
      this.#heard = undefined;
    }
    if (change.codec) this.#sender.codec = codecs[change.codec];
    if ('dtmfPayloadType' in change) {
      this.#sender.dtmfPayloadType = change.dtmfPayloadType;
      this.#receiver.dtmfPayloadType = change.dtmfPayloadType;
    }
    this.#sending = change.sending ?? this.#sending;
    this.#receiving = change.receiving ?? this.#receiving;
  }

  sendDtmf(digits: string, options: DtmfSendOptions = {}): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return this.#sender.dial(digits, options);
  }

  close(lingerMs = 500): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#unsubscribe();
    this.#sender.close();
    this.#sender.source = undefined;
    const free = (): void => {
      this.#socket.close();
      this.#release();
    };
    this.#socket.unref();
    if (lingerMs <= 0) free();
    else setTimeout(free, lingerMs).unref();
  }

  #tick(late: boolean): void {
    this.#receiver.tick(performance.now());
    if (!this.#sending) return;
    const packet = this.#sender.tick(late);
    const remote = this.#remote;
    if (!packet || !remote || remote.port === 0 || remote.host === '0.0.0.0') return;
    this.stats.sentPackets += 1;
    this.#socket.send(packet, remote.port, remote.host);
  }

  #received(data: Buffer, host: string, port: number): void {
    if (this.#closed || !this.#receiving) return;
    const packet = parseRtp(data);
    if (!packet) {
      this.stats.malformedPackets += 1;
      return;
    }
    const now = performance.now();
    if (!this.#accepts(host, port, now)) {
      this.stats.foreignPackets += 1;
      return;
    }
    this.stats.receivedPackets += 1;
    this.stats.lastReceivedMs = now;
    this.#receiver.receive(packet, now);
  }

  #accepts(host: string, port: number, now: number): boolean {
    if (!this.#latch) return !this.#remote || (this.#remote.host === host && this.#remote.port === port);
    const heard = this.#heard;
    if (heard?.host === host && heard.port === port) return true;
    const expected = this.#signalled?.host === host && this.#signalled.port === port;
    if (heard && !expected && now - (this.stats.lastReceivedMs ?? 0) < RELATCH_MS) return false;
    this.#heard = { host, port };
    this.#remote = this.#heard;
    return true;
  }
}
