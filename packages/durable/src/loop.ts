import type { Live, Machine, Trigger } from './machine.ts';
import { Performing } from './performing.ts';
import type { Clock, Parked, Performer, Source, Sourced, Store } from './ports.ts';
import { decodeLive } from './row-text.ts';
import { type Memory, namesOf, type Step, Work } from './work.ts';

export interface LoopOptions<S, E, X> {
  machine: Machine<S, E, X>;
  store: Store;
  source: Source<E>;
  performer: Performer<E, X>;
  clock: Clock;
  /** Random id of this process's life. */
  owner: string;
  /** Session id for a key in a shard; contains the shard. */
  sessionId(shard: number, id: string): string;
  shards: number;
  leaseTtlMs: number;
  heartbeatMs: number;
  /** How long a closed session's key is remembered (cool-down). */
  recentUs: number;
  maxBatch: number;
  observe: Observer<S, E, X>;
}

/** What the loop tells about itself: logs and metrics. */
export interface Observer<S, E, X> {
  committed(batch: Committed<S, E, X>): void;
  parked(parked: Parked): void;
  note(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** The loop cannot go on; the process has to end. */
  fatal(error: Error): void;
}

/** A batch that was decided and committed. */
export interface Committed<S, E, X> {
  inputs: number;
  /** In order. */
  steps: readonly Step<S, E, X>[];
  /** Events among the inputs that had been applied before. */
  redelivered: number;
  startedUs: number;
}

export type Input<E, X> =
  | { from: 'stream'; sourced: Sourced<E> }
  | { from: 'session'; sessionId: string; trigger: Trigger<E, X>; done?: Waiter }
  /** Quiet shards' cursors follow the busy ones'. */
  | { from: 'advance' };

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The loop of durable sessions: gather, decide, commit once, perform. Serial; one commit for the whole process, across all
 * its shards. Nothing outside hears of a step before it is committed.
 */
export class Loop<S, E, X> {
  readonly #o: LoopOptions<S, E, X>;
  readonly #memory: Memory<S, X> = { leases: new Map(), sessions: new Map(), byKey: new Map(), recent: new Map() };
  readonly #performing: Performing<E, X>;
  #inputs: Input<E, X>[] = [];
  #roomWaiters: (() => void)[] = [];
  #wake: (() => void) | undefined;
  #running = false;
  #finished: Promise<void> = Promise.resolve();
  #stopHeartbeat: (() => void) | undefined;
  #reload = false;
  #beating = false;
  /** Grows with each (re)start of reading: what an earlier reading still delivers is dropped. */
  #reading = 0;

  constructor(options: LoopOptions<S, E, X>) {
    this.#o = options;
    this.#performing = new Performing<E, X>(options.performer, options.clock, (input) =>
      this.#put({ from: 'session', sessionId: input.sessionId, trigger: input.trigger }),
    );
  }

  /** Takes its share of the shards and begins. Resolves when it owns shards. */
  async start(): Promise<void> {
    this.#running = true;
    await this.#beat();
    await this.#restart();
    this.#scheduleHeartbeat();
    this.#finished = this.#run();
  }

  /** Finishes the batch under way, gives the shards back. Owed effects go on with the next owner. */
  async stop(): Promise<void> {
    this.#running = false;
    this.#stopHeartbeat?.();
    this.#wake?.();
    await this.#finished;
    await this.#o.source.close();
    this.#performing.clear();
    await this.#o.store.release(this.#o.owner);
  }

  /** Brings an event of this process (an operator's request) to a session; resolves when its effect is committed. */
  request(sessionId: string, event: E): Promise<void> {
    if (!this.#memory.sessions.has(sessionId)) return Promise.reject(new Error(`no open session ${sessionId} here`));
    return new Promise((resolve, reject) =>
      this.#put({ from: 'session', sessionId, trigger: { type: 'event', event }, done: { resolve, reject } }),
    );
  }

  sessions(): Iterable<Live<S, X>> {
    return this.#memory.sessions.values();
  }

  session(id: string): Live<S, X> | undefined {
    return this.#memory.sessions.get(id);
  }

  owns(shard: number): boolean {
    return this.#memory.leases.has(shard);
  }

  get shardCount(): number {
    return this.#memory.leases.size;
  }

  #put(input: Input<E, X>): void {
    this.#inputs.push(input);
    this.#wake?.();
  }

  async #deliver(reading: number, events: Sourced<E>[]): Promise<void> {
    while (this.#running && this.#inputs.length > this.#o.maxBatch * 4) {
      await new Promise<void>((resolve) => this.#roomWaiters.push(resolve));
    }
    if (reading !== this.#reading) return;
    for (const sourced of events) this.#inputs.push({ from: 'stream', sourced });
    this.#wake?.();
  }

  async #run(): Promise<void> {
    try {
      while (this.#running) {
        if (this.#reload) {
          await this.#restart();
          // It may have been stopped meanwhile: nobody would wake it.
          continue;
        }
        if (this.#inputs.length === 0) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
          continue;
        }
        const batch = this.#inputs.splice(0, this.#o.maxBatch);
        for (const wake of this.#roomWaiters.splice(0)) wake();
        await this.#process(batch);
      }
    } catch (error) {
      this.#o.observe.fatal(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Decides a batch over copies, commits it, and only then lets memory and the world know. */
  async #process(inputs: Input<E, X>[]): Promise<void> {
    const startedUs = this.#o.clock.nowUs();
    const work = new Work<S, E, X>(this.#o, this.#memory);
    const done: Waiter[] = [];
    for (const input of inputs) {
      if (input.from === 'stream') work.stream(input.sourced);
      else if (input.from === 'advance') work.advance();
      else {
        const error = work.session(input.sessionId, input.trigger);
        if (!input.done) continue;
        if (error) input.done.reject(error);
        else done.push(input.done);
      }
    }
    if (work.empty) return;
    const result = await this.#o.store.commit(work.batch(this.#o.owner));
    switch (result.is) {
      case 'ok':
        this.#apply(work);
        for (const { resolve } of done) resolve();
        this.#o.observe.committed({
          inputs: inputs.length,
          steps: work.steps,
          redelivered: work.redelivered,
          startedUs,
        });
        return;
      case 'stale':
        this.#o.observe.note('warn', 'a shard was taken over by another process', {});
        this.#again(inputs);
        return;
      case 'unknown':
        this.#o.observe.note('warn', 'outcome of a commit is unknown; loading again', { err: result.error.message });
        this.#again(inputs);
        return;
      case 'refused':
        await this.#bisect(inputs, result.error);
    }
  }

  /** The database refused the batch: halves it until the culprit stands alone, and parks that. */
  async #bisect(inputs: Input<E, X>[], error: Error): Promise<void> {
    if (inputs.length > 1) {
      const half = inputs.length >> 1;
      await this.#process(inputs.slice(0, half));
      if (this.#reload) return this.#again(inputs.slice(half));
      return this.#process(inputs.slice(half));
    }
    const [input] = inputs;
    if (!input || input.from === 'advance') return;
    const work = new Work<S, E, X>(this.#o, this.#memory);
    work.park(input, error);
    const result = await this.#o.store.commit(work.batch(this.#o.owner));
    if (result.is === 'ok') this.#apply(work);
    else if (result.is === 'refused') throw result.error;
    else this.#again(inputs);
    if (input.from === 'session') input.done?.reject(error);
  }

  /** Drops memory; the stream is read again from the cursor, what came from elsewhere is kept. */
  #again(inputs: Input<E, X>[]): void {
    this.#reload = true;
    this.#inputs = [...inputs, ...this.#inputs].filter(({ from }) => from === 'session');
  }

  #apply(work: Work<S, E, X>): void {
    for (const lease of work.leases.values()) this.#memory.leases.set(lease.shard, lease);
    for (const [id, live] of work.touched) {
      const closed = work.closed.has(id);
      if (closed) {
        this.#memory.sessions.delete(id);
        for (const name of namesOf(this.#o.machine, live)) this.#memory.byKey.delete(name);
        this.#memory.recent.set(live.key, work.closed.get(id)!);
      } else {
        this.#memory.sessions.set(id, live);
        for (const name of namesOf(this.#o.machine, live)) this.#memory.byKey.set(name, id);
      }
      this.#performing.sync(live, this.#memory.leases.get(live.shard)!.epoch, closed);
    }
    for (const [source, shards] of work.gaps) this.#o.source.republish(source, [...shards]);
    if (work.leases.size > 0) this.#o.source.progress([...work.leases.values()]);
    for (const parked of work.parked) this.#o.observe.parked(parked);
  }

  async #restart(): Promise<void> {
    const { store, machine, clock, owner, observe } = this.#o;
    for (;;) {
      try {
        const leases = await store.owned(owner);
        const shards = leases.map(({ shard }) => shard);
        const rows = await store.loadOpen(shards);
        const recent = await store.loadRecent(shards, clock.nowUs() - this.#o.recentUs);
        this.#memory.leases.clear();
        this.#memory.sessions.clear();
        this.#memory.byKey.clear();
        this.#memory.recent.clear();
        this.#performing.clear();
        this.#reading += 1;
        this.#inputs = this.#inputs.filter(({ from }) => from === 'session');
        for (const lease of leases) this.#memory.leases.set(lease.shard, lease);
        for (const { key, closedAtUs } of recent) this.#memory.recent.set(key, closedAtUs);
        for (const row of rows) {
          const live = decodeLive(machine, row);
          this.#memory.sessions.set(live.id, live);
          for (const name of namesOf(machine, live)) this.#memory.byKey.set(name, live.id);
        }
        this.#reload = false;
        for (const live of this.#memory.sessions.values())
          this.#performing.sync(live, this.#memory.leases.get(live.shard)!.epoch, false);
        const reading = this.#reading;
        await this.#o.source.read(leases, (events) => this.#deliver(reading, events));
        observe.note('info', 'shards loaded', { shards: shards.length, sessions: rows.length });
        return;
      } catch (error) {
        if (!this.#running) return;
        observe.note('warn', 'could not load; trying again', { err: (error as Error).message });
        await new Promise<void>((resolve) => clock.after(250, resolve));
      }
    }
  }

  #scheduleHeartbeat(): void {
    this.#stopHeartbeat = this.#o.clock.after(this.#o.heartbeatMs, () => {
      void this.#beat()
        .catch((error: Error) => this.#o.observe.note('warn', 'heartbeat failed', { err: error.message }))
        .finally(() => this.#running && this.#scheduleHeartbeat());
    });
  }

  /** Renews the lease; takes shards up to ⌈shards / processes⌉, gives back what is above it. */
  async #beat(): Promise<void> {
    if (this.#beating) return;
    this.#beating = true;
    try {
      const { store, owner, shards } = this.#o;
      const members = await store.heartbeat(owner, this.#o.leaseTtlMs);
      const share = Math.ceil(shards / members);
      const owned = await store.owned(owner);
      let changed =
        owned.length !== this.#memory.leases.size ||
        owned.some(({ shard, epoch }) => this.#memory.leases.get(shard)?.epoch !== epoch);
      if (owned.length > share) {
        await store.release(
          owner,
          owned.slice(share).map(({ shard }) => shard),
        );
        changed = true;
      } else if (owned.length < share) {
        changed = (await store.claim(owner, share - owned.length)).length > 0 || changed;
      }
      if (changed) {
        this.#reload = true;
        this.#wake?.();
      } else if (this.#inputs.length === 0) {
        this.#put({ from: 'advance' });
      }
    } finally {
      this.#beating = false;
    }
  }
}
