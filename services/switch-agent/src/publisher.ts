import { eventSubject, sw } from '@ringback/contracts';
import { traceIdOf } from '@ringback/service-kit';
import type { HeldEvent } from './journal/records.ts';

/** One message: bounded, so that a reader's commit is, and far below the stream's largest. */
const MAX_EVENTS = 200;
const MAX_BYTES = 256 << 10;
const FIRST_WAIT_MS = 100;
const MAX_WAIT_MS = 2_000;
/** What JetStream took and PostgreSQL does not have after so long is told again; then after twice as long, and so on. */
const AGAIN_MS = 20_000;
const MAX_AGAIN_MS = 300_000;

/** Events of one trace within a message. */
export interface TraceOfBatch {
  /** Of the first of them. */
  traceparent: string;
  sessionId: string;
  events: number;
}

export interface PublisherOptions {
  switchId: string;
  run: () => string;
  /** Events of a shard that are not confirmed, in order. */
  held: (shard: number) => readonly HeldEvent[];
  /** Resolves when JetStream has taken it. */
  publish: (subject: string, data: Uint8Array, traces: readonly TraceOfBatch[]) => Promise<void>;
  after: (ms: number, callback: () => void) => void;
  failed: (error: unknown) => void;
}

interface ShardPointer {
  /** On the disk: may be told. */
  durable: number;
  /** Taken by JetStream. */
  sent: number;
  busy: boolean;
  waitMs: number;
  /** Somebody looks whether what was sent is confirmed. */
  awaited: boolean;
  againMs: number;
  /** Changes when `sent` is set back: an answer to an earlier publish moves nothing then. */
  generation: number;
}

/** Tells events in order, a shard for itself, until JetStream has taken them. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #pointers = new Map<number, ShardPointer>();
  #stopped = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  /** Events of the shard up to `seq` are on the disk. */
  durable(shard: number, seq: number): void {
    const pointer = this.#pointer(shard);
    pointer.durable = Math.max(pointer.durable, seq);
    this.#kick(shard, pointer);
  }

  /** Everything unconfirmed of the shard again, with its old numbers. */
  again(shard: number): void {
    const pointer = this.#pointer(shard);
    pointer.sent = 0;
    pointer.generation += 1;
    this.#kick(shard, pointer);
  }

  /** The connection is back: no use to wait longer. */
  retryNow(): void {
    for (const [shard, pointer] of this.#pointers) this.#kick(shard, pointer);
  }

  stop(): void {
    this.#stopped = true;
  }

  #pointer(shard: number): ShardPointer {
    let pointer = this.#pointers.get(shard);
    if (!pointer) {
      pointer = { durable: 0, sent: 0, busy: false, waitMs: 0, awaited: false, againMs: AGAIN_MS, generation: 0 };
      this.#pointers.set(shard, pointer);
    }
    return pointer;
  }

  #kick(shard: number, pointer: ShardPointer): void {
    if (pointer.busy || this.#stopped) return;
    const batch = this.#batch(shard, pointer);
    const last = batch.at(-1)?.seq;
    if (last === undefined) return;
    pointer.busy = true;
    const { generation } = pointer;
    const { switchId, run, publish, after, failed } = this.#options;
    const events = batch.map(({ seq, data }) => ({ ...sw.Event.decode(data), seq: BigInt(seq) }));
    const message = sw.EventBatch.encode({ source: switchId, run: run(), shard, events }).finish();
    publish(eventSubject(shard, switchId), message, tracesOf(events)).then(
      () => {
        pointer.busy = false;
        pointer.waitMs = 0;
        if (pointer.generation === generation) pointer.sent = last;
        this.#await(shard, pointer);
        this.#kick(shard, pointer);
      },
      (error: unknown) => {
        failed(error);
        pointer.waitMs = Math.min(pointer.waitMs * 2 || FIRST_WAIT_MS, MAX_WAIT_MS);
        after(pointer.waitMs, () => {
          pointer.busy = false;
          this.#kick(shard, pointer);
        });
      },
    );
  }

  /**
   * A stream may lose what it acknowledged, and its readers do not miss what they never saw: only we know. Numbers make
   * what is told again for nothing be dropped.
   */
  #await(shard: number, pointer: ShardPointer): void {
    if (pointer.awaited) return;
    pointer.awaited = true;
    const { held, after } = this.#options;
    const { sent } = pointer;
    after(pointer.againMs, () => {
      pointer.awaited = false;
      if (this.#stopped) return;
      const oldest = held(shard)[0]?.seq;
      if (oldest !== undefined && oldest <= sent) {
        pointer.againMs = Math.min(pointer.againMs * 2, MAX_AGAIN_MS);
        this.again(shard);
        return;
      }
      pointer.againMs = AGAIN_MS;
      if (oldest !== undefined && oldest <= pointer.sent) this.#await(shard, pointer);
    });
  }

  #batch(shard: number, { sent, durable }: ShardPointer): HeldEvent[] {
    const batch: HeldEvent[] = [];
    let bytes = 0;
    const held = this.#options.held(shard);
    // Numbers are consecutive.
    for (let at = Math.max(0, sent + 1 - (held[0]?.seq ?? 0)); at < held.length; at += 1) {
      const event = held[at]!;
      if (event.seq > durable || batch.length === MAX_EVENTS) break;
      bytes += event.data.length;
      if (batch.length > 0 && bytes > MAX_BYTES) break;
      batch.push(event);
    }
    return batch;
  }
}

function tracesOf(events: readonly sw.Event[]): TraceOfBatch[] {
  const traces = Map.groupBy(events, ({ traceparent }) => traceIdOf(traceparent));
  return [...traces].flatMap(([traceId, [first, ...more]]) => {
    if (traceId === '' || !first) return [];
    return [{ traceparent: first.traceparent, sessionId: first.sessionId, events: more.length + 1 }];
  });
}
