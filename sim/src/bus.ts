import type { Life } from './life.ts';
import type { Network, Node } from './network.ts';
import type { Random } from './random.ts';
import type { VirtualClock } from './virtual-clock.ts';

export interface Stored {
  seq: number;
  subject: string;
  shard: number;
  data: Uint8Array;
}

/** Older messages go. Far more than a reader is ever behind. */
const KEPT = 40_000;
/** What a publisher waits for its acknowledgement, ms. */
const PUBLISH_MS = 2_000;
export const NATS: Node = 'nats';

type Answer = (data: Uint8Array) => Promise<Uint8Array>;

/** What may go wrong with a single message, as probabilities. */
export interface Mishaps {
  /** A message or its acknowledgement is lost. */
  lost: number;
  /** Delivered twice. */
  twice: number;
  /** Comes late, behind others. */
  late: number;
}

/** NATS: a stream of leg events, and messages that are told or asked. Nobody's memory of it is trusted by anybody. */
export class Bus {
  readonly #clock: VirtualClock;
  readonly #network: Network;
  readonly #random: Random;
  readonly #listeners = new Map<string, Set<{ life: Life; node: Node; take: (payload: unknown) => void }>>();
  readonly #answerers = new Map<string, { life: Life; node: Node; answer: Answer }>();
  readonly #readers = new Set<() => void>();
  readonly #reconnects = new Set<{ life: Life; node: Node; again: () => void }>();
  #messages: Stored[] = [];
  #first = 1;
  created: string;
  mishaps: Mishaps = { lost: 0, twice: 0, late: 0 };

  constructor(clock: VirtualClock, network: Network, random: Random) {
    this.#clock = clock;
    this.#network = network;
    this.#random = random;
    this.created = `stream ${clock.nowUs}`;
  }

  get state(): { created: string; firstSeq: number; lastSeq: number } {
    return { created: this.created, firstSeq: this.#first, lastSeq: this.#first + this.#messages.length - 1 };
  }

  at(seq: number): Stored | undefined {
    return this.#messages[Math.max(seq, this.#first) - this.#first];
  }

  reaches(node: Node): boolean {
    return this.#network.reaches(NATS, node);
  }

  /** Publishes on the stream; rejects when no acknowledgement comes in time, whether or not it was stored. */
  publish(life: Life, node: Node, subject: string, data: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false;
      const cancel = life.after(PUBLISH_MS, () => {
        over = true;
        reject(new Error('TIMEOUT'));
      });
      const store = (): void => {
        if (!this.reaches(node)) return;
        this.#store(subject, data);
        if (this.#random.chance(this.mishaps.lost)) return;
        this.#clock.after(this.#network.delayUs(), () =>
          life.enter(() => {
            if (over || !this.reaches(node)) return;
            over = true;
            cancel();
            resolve();
          }),
        );
      };
      if (!this.#random.chance(this.mishaps.lost)) this.#clock.after(this.#delay(), store);
    });
  }

  #delay(): number {
    return this.#network.delayUs() + (this.#random.chance(this.mishaps.late) ? this.#random.between(0, 3_000_000) : 0);
  }

  #store(subject: string, data: Uint8Array): void {
    const shard = Number(subject.split('.')[1]);
    this.#messages.push({ seq: this.#first + this.#messages.length, subject, shard, data });
    if (this.#messages.length > 2 * KEPT) {
      this.#messages = this.#messages.slice(KEPT);
      this.#first += KEPT;
    }
    for (const wake of this.#readers) wake();
  }

  /** Somebody else publishes. */
  inject(subject: string, data: Uint8Array): void {
    this.#store(subject, data);
  }

  /** Is called when there may be something to read; answers how to stop that. */
  follow(wake: () => void): () => void {
    this.#readers.add(wake);
    return () => this.#readers.delete(wake);
  }

  /** Is called after each reconnection. */
  onReconnect(life: Life, node: Node, again: () => void): void {
    this.#reconnects.add({ life, node, again });
  }

  /** The server, or this node, is there again. */
  reconnected(node?: Node): void {
    for (const entry of this.#reconnects) {
      if (!entry.life.alive) this.#reconnects.delete(entry);
      else if (node === undefined || entry.node === node) entry.life.enter(entry.again);
    }
  }

  /** The server was restarted, and what it had not flushed is gone though it was acknowledged. */
  loseTail(count: number): number {
    const lost = Math.min(count, this.#messages.length);
    this.#messages.length -= lost;
    this.reconnected();
    return lost;
  }

  /** The stream was made anew. */
  renew(): void {
    this.#messages = [];
    this.#first = 1;
    this.created = `stream ${this.#clock.nowUs}`;
    this.reconnected();
  }

  listen<T>(life: Life, node: Node, subject: string, take: (payload: T) => void): void {
    const all = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, all.add({ life, node, take: take as (payload: unknown) => void }));
  }

  /** Told to whoever listens at this moment; nobody is waited for. */
  tell(node: Node, subject: string, payload: unknown): void {
    if (!this.reaches(node) || this.#random.chance(this.mishaps.lost)) return;
    for (const listener of this.#listeners.get(subject) ?? []) {
      if (!listener.life.alive) this.#listeners.get(subject)!.delete(listener);
      else
        this.#clock.after(this.#network.delayUs(), () => {
          if (this.reaches(listener.node)) listener.life.enter(() => listener.take(payload));
        });
    }
  }

  serve(life: Life, node: Node, subject: string, answer: Answer): void {
    this.#answerers.set(subject, { life, node, answer });
  }

  /** A request; rejects when nobody answers in time. */
  request(life: Life, node: Node, subject: string, data: Uint8Array, timeoutMs: number): Promise<{ data: Uint8Array }> {
    return new Promise((resolve, reject) => {
      let over = false;
      const end = (): boolean => {
        if (over) return false;
        over = true;
        cancel();
        return true;
      };
      const cancel = life.after(timeoutMs, () => end() && reject(new Error('TIMEOUT')));
      const there = this.#answerers.get(subject);
      const gone = (): boolean => !there?.life.alive || !this.reaches(node) || !this.reaches(there.node);
      if (gone() || this.#random.chance(this.mishaps.lost)) return; // in silence: nobody tells
      const ask = (): void => {
        if (gone()) return;
        there!.life.enter(() => {
          void there!.answer(data).then((reply) => {
            if (gone() || this.#random.chance(this.mishaps.lost)) return;
            this.#clock.after(this.#delay(), () => life.enter(() => end() && resolve({ data: reply })));
          });
        });
      };
      this.#clock.after(this.#delay(), ask);
      if (this.#random.chance(this.mishaps.twice)) this.#clock.after(this.#delay(), ask);
    });
  }
}
