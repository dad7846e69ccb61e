import type { Leg } from '../core/leg.ts';

/** What the journal keeps; JSON. Lists of them are one line, and so are written whole or not at all. */
export type JournalRecord =
  | { k: 'run'; run: string }
  /** A command that was accepted; `data` (base64) is the sw.Command. */
  | { k: 'command'; id: string; atUs: number; data: string; legId: string }
  /** Nothing more comes of it. */
  | { k: 'done'; id: string; atUs: number }
  | { k: 'epoch'; shard: number; epoch: string }
  /** `data` (base64) is the sw.Event. */
  | { k: 'event'; shard: number; seq: number; data: string }
  /** PostgreSQL has everything up to it. */
  | { k: 'confirmed'; shard: number; seq: number }
  | { k: 'leg'; leg: Leg }
  | { k: 'draining'; draining: boolean }
  /** The switch lived at that moment. */
  | { k: 'alive'; atUs: number; core: string };

export interface HeldEvent {
  seq: number;
  data: Buffer;
}

export interface ShardBook {
  epoch: bigint;
  /** Last sequence number given. */
  seq: number;
  confirmed: number;
  /** Not confirmed, in order. */
  events: HeldEvent[];
}

export interface KnownCommand {
  atUs: number;
  legId: string;
  /** Absent when done. */
  data: Buffer | undefined;
}

/** Ids are kept so long, so that a late repetition is recognised; after `start_by` it would be refused anyhow. */
const KEEP_US = 2 * 3_600 * 1_000_000;

/** The journal's records, added up. Applying a record twice, or a snapshot over what it was made of, changes nothing. */
export class JournalState {
  run = '';
  draining = false;
  aliveUs = 0;
  core = '';
  readonly shards = new Map<number, ShardBook>();
  readonly commands = new Map<string, KnownCommand>();
  readonly legs = new Map<string, Leg>();
  /** Legs that have not ended. */
  readonly live = new Set<string>();
  /** Legs that were new to this process; only ever grows. */
  begun = 0;
  /** Commands whose outcome is owed, in order of arrival. */
  readonly owed = new Set<string>();

  shard(shard: number): ShardBook {
    let book = this.shards.get(shard);
    if (!book) {
      book = { epoch: 0n, seq: 0, confirmed: 0, events: [] };
      this.shards.set(shard, book);
    }
    return book;
  }

  apply(record: JournalRecord): void {
    switch (record.k) {
      case 'run':
        this.run = record.run;
        return;
      case 'command':
        if (!this.commands.has(record.id)) {
          const data = record.data === '' ? undefined : Buffer.from(record.data, 'base64');
          this.commands.set(record.id, { atUs: record.atUs, legId: record.legId, data });
          if (data) this.owed.add(record.id);
        }
        return;
      case 'done': {
        const known = this.commands.get(record.id);
        if (known) known.data = undefined;
        this.owed.delete(record.id);
        return;
      }
      case 'epoch': {
        const book = this.shard(record.shard);
        const epoch = BigInt(record.epoch);
        if (epoch > book.epoch) book.epoch = epoch;
        return;
      }
      case 'event': {
        const book = this.shard(record.shard);
        if (record.seq <= book.seq) return;
        book.seq = record.seq;
        if (record.seq > book.confirmed) {
          book.events.push({ seq: record.seq, data: Buffer.from(record.data, 'base64') });
        }
        return;
      }
      case 'confirmed': {
        const book = this.shard(record.shard);
        if (record.seq <= book.confirmed) return;
        book.confirmed = record.seq;
        book.seq = Math.max(book.seq, record.seq);
        const keep = book.events.findIndex(({ seq }) => seq > record.seq);
        book.events.splice(0, keep < 0 ? book.events.length : keep);
        return;
      }
      case 'leg':
        if (!this.legs.has(record.leg.id)) this.begun += 1;
        this.legs.set(record.leg.id, record.leg);
        if (record.leg.ended) this.live.delete(record.leg.id);
        else this.live.add(record.leg.id);
        return;
      case 'draining':
        this.draining = record.draining;
        return;
      case 'alive':
        this.aliveUs = record.atUs;
        this.core = record.core;
        return;
    }
  }

  /** Drops what is too old to matter. */
  forget(nowUs: number): void {
    for (const [id, { atUs, data }] of this.commands) {
      if (data === undefined && atUs < nowUs - KEEP_US) this.commands.delete(id);
    }
    for (const [id, { ended, touchedUs }] of this.legs) {
      if (ended && touchedUs < nowUs - KEEP_US) this.legs.delete(id);
    }
  }

  /** Records from which a state like this one comes out. */
  *snapshot(): IterableIterator<JournalRecord> {
    yield { k: 'run', run: this.run };
    yield { k: 'draining', draining: this.draining };
    yield { k: 'alive', atUs: this.aliveUs, core: this.core };
    for (const [shard, { epoch, seq, confirmed, events }] of this.shards) {
      yield { k: 'epoch', shard, epoch: String(epoch) };
      // What was given and confirmed; and, for a state with nothing held, the last number given.
      yield { k: 'confirmed', shard, seq: events.length === 0 ? Math.max(seq, confirmed) : confirmed };
      for (const event of events) yield { k: 'event', shard, seq: event.seq, data: event.data.toString('base64') };
    }
    for (const [id, { atUs, legId, data }] of this.commands) {
      yield { k: 'command', id, atUs, legId, data: data?.toString('base64') ?? '' };
    }
    for (const leg of this.legs.values()) yield { k: 'leg', leg };
  }
}
