import { applyStep } from './decide.ts';
import type { Input } from './loop.ts';
import type { HistoryEntry, Live, Machine, Trigger } from './machine.ts';
import type { Batch, Clock, Lease, Parked, Row, Sourced } from './ports.ts';
import { encodeLive } from './row-text.ts';

/** What a process holds of its shards. */
export interface Memory<S, X> {
  leases: Map<number, Lease>;
  sessions: Map<string, Live<S, X>>;
  /** Key → id of its open session. */
  byKey: Map<string, string>;
  /** Key → when its last session closed (epoch µs). */
  recent: Map<string, number>;
}

/** One step that was committed. */
export interface Step<S, E, X> {
  sessionId: string;
  /** Undefined: the step began the session. */
  before: S | undefined;
  state: S;
  trigger: Trigger<E, X>;
  entry: HistoryEntry;
}

/** Names under which events find an open session. */
export const namesOf = <S, E, X>(machine: Machine<S, E, X>, live: Live<S, X>): string[] => [
  live.key,
  ...machine.aliases(live.state),
];

export interface WorkOptions<S, E, X> {
  machine: Machine<S, E, X>;
  clock: Clock;
  sessionId(shard: number, id: string): string;
}

/** What is parked came from anybody, and has to be taken by the database, which takes no NUL. */
const storable = (text: string): string => text.replaceAll('\u0000', '').slice(0, LONGEST_PARKED_TEXT);
const LONGEST_PARKED_TEXT = 1_000;

const dropEffect = <S, X>(live: Live<S, X>, effectId: string): Live<S, X> => ({
  ...live,
  owed: live.owed.filter(({ id }) => id !== effectId),
});

/** One batch being decided: copies of what it touches. */
export class Work<S, E, X> {
  readonly leases = new Map<number, Lease>();
  readonly touched = new Map<string, Live<S, X>>();
  readonly closed = new Map<string, number>();
  readonly gaps = new Map<string, Set<number>>();
  readonly parked: Parked[] = [];
  readonly steps: Step<S, E, X>[] = [];
  /** Events that came again. */
  redelivered = 0;
  readonly #facts: { shard: number; body: string }[] = [];
  readonly #keys = new Map<string, string | undefined>();

  readonly #o: WorkOptions<S, E, X>;
  readonly #memory: Memory<S, X>;

  constructor(options: WorkOptions<S, E, X>, memory: Memory<S, X>) {
    this.#o = options;
    this.#memory = memory;
  }

  get empty(): boolean {
    return this.leases.size === 0;
  }

  #lease(shard: number): Lease | undefined {
    const taken = this.leases.get(shard);
    if (taken) return taken;
    const mine = this.#memory.leases.get(shard);
    if (!mine) return undefined;
    const copy = { ...mine, sources: { ...mine.sources } };
    this.leases.set(shard, copy);
    return copy;
  }

  /** Everything of owned shards up to the highest cursor has been read: the quiet ones need not be read from further back. */
  advance(): void {
    const owned = [...this.#memory.leases.values()];
    const head = owned.reduce((most, lease) => (lease.cursor > most.cursor ? lease : most), owned[0]!);
    for (const { shard, stream, cursor } of owned) {
      if (stream !== head.stream && stream !== '') continue;
      if (cursor >= head.cursor) continue;
      Object.assign(this.#lease(shard)!, { stream: head.stream, cursor: head.cursor });
    }
  }

  stream(sourced: Sourced<E>): void {
    const lease = this.#lease(sourced.shard);
    if (!lease) return; // no longer ours: its owner reads it
    if (sourced.stream === lease.stream && sourced.streamSeq <= lease.cursor) {
      this.redelivered += 1;
      return;
    }
    lease.stream = sourced.stream;
    lease.cursor = sourced.last ? sourced.streamSeq : sourced.streamSeq - 1;
    if (sourced.poison !== undefined && sourced.seq === 0) {
      this.#park(sourced.shard, sourced.source, sourced.kind, '', sourced.poison);
      return;
    }
    const last = lease.sources[sourced.source] ?? 0;
    if (sourced.seq <= last) {
      this.redelivered += 1;
      return;
    }
    if (sourced.seq > last + 1) {
      const shards = this.gaps.get(sourced.source) ?? new Set();
      this.gaps.set(sourced.source, shards.add(sourced.shard));
      return;
    }
    lease.sources[sourced.source] = sourced.seq;
    if (sourced.poison !== undefined) {
      this.#park(sourced.shard, sourced.source, sourced.kind, '', sourced.poison);
      return;
    }
    const id = 'sessionId' in sourced.address ? sourced.address.sessionId : this.#idOfKey(sourced.address.key);
    const live = id === undefined ? undefined : this.#live(id);
    const opening = !live && 'key' in sourced.address && sourced.opens;
    if (!live && !opening) {
      if (!sourced.mayBeLate)
        this.#park(sourced.shard, sourced.source, sourced.kind, id ?? '', 'no open session takes this event');
      return;
    }
    const sessionId = live?.id ?? this.#o.sessionId(sourced.shard, this.#o.clock.newId());
    const key = live?.key ?? ('key' in sourced.address ? sourced.address.key : '');
    this.#step(
      live,
      sessionId,
      key,
      sourced.shard,
      { type: 'event', event: sourced.event },
      sourced.source,
      sourced.kind,
    );
  }

  session(sessionId: string, trigger: Trigger<E, X>): Error | undefined {
    const live = this.#live(sessionId);
    if (!live || !this.#memory.leases.has(live.shard)) return new Error(`no open session ${sessionId} here`);
    if (
      (trigger.type === 'outcome' || trigger.type === 'gaveUp') &&
      !live.owed.some(({ id }) => id === trigger.effectId)
    ) {
      return undefined; // not owed any more
    }
    if (trigger.type === 'timer' && !(live.timers[trigger.name]! <= this.#o.clock.nowUs())) return undefined;
    this.#lease(live.shard);
    return this.#step(live, live.id, live.key, live.shard, trigger, 'self', trigger.type);
  }

  #live(id: string): Live<S, X> | undefined {
    if (this.closed.has(id)) return undefined;
    return this.touched.get(id) ?? this.#memory.sessions.get(id);
  }

  #idOfKey(key: string): string | undefined {
    return this.#keys.has(key) ? this.#keys.get(key) : this.#memory.byKey.get(key);
  }

  #step(
    live: Live<S, X> | undefined,
    sessionId: string,
    key: string,
    shard: number,
    trigger: Trigger<E, X>,
    source: string,
    kind: string,
  ): Error | undefined {
    const { machine, clock } = this.#o;
    const nowUs = clock.nowUs();
    if (live && trigger.type === 'outcome' && trigger.outcome === undefined) {
      this.#keep(dropEffect(live, trigger.effectId), nowUs); // done, and nothing to tell
      return undefined;
    }
    try {
      const context = {
        nowUs,
        sessionId,
        shard,
        newId: () => clock.newId(),
        previousClosedAtUs: this.#memory.recent.get(key),
      };
      const { live: after, decision } = applyStep(machine, live, trigger, context, key);
      this.#keep(after, nowUs);
      if (decision.history) {
        this.steps.push({ sessionId, before: live?.state, state: after.state, trigger, entry: decision.history });
      }
      for (const fact of decision.facts) this.#facts.push({ shard, body: JSON.stringify(fact) });
      return undefined;
    } catch (error) {
      const problem = error instanceof Error ? error : new Error(String(error));
      this.#park(shard, source, kind, sessionId, problem.message);
      // The effect whose outcome cannot be taken is settled all the same, or it would be performed for ever.
      if (live && (trigger.type === 'outcome' || trigger.type === 'gaveUp')) {
        this.#keep(dropEffect(live, trigger.effectId), nowUs);
      } else if (live && trigger.type === 'timer') {
        const { [trigger.name]: _, ...timers } = live.timers;
        this.touched.set(live.id, { ...live, timers });
      }
      return problem;
    }
  }

  /** A session that wants to close does so once nothing is owed. */
  #keep(live: Live<S, X>, nowUs: number): void {
    const closed = live.closing && live.owed.length === 0;
    this.touched.set(live.id, live);
    for (const name of namesOf(this.#o.machine, live)) this.#keys.set(name, closed ? undefined : live.id);
    if (closed) this.closed.set(live.id, nowUs);
  }

  /** Parks an input whose rows the database refused. */
  park(input: Exclude<Input<E, X>, { from: 'advance' }>, error: Error): void {
    if (input.from === 'session') {
      const live = this.#memory.sessions.get(input.sessionId);
      if (!live) return;
      this.#lease(live.shard);
      this.#park(live.shard, 'self', input.trigger.type, input.sessionId, error.message);
      return;
    }
    const { sourced } = input;
    const lease = this.#lease(sourced.shard);
    if (!lease) return;
    lease.cursor = sourced.last ? sourced.streamSeq : sourced.streamSeq - 1;
    lease.stream = sourced.stream;
    lease.sources[sourced.source] = Math.max(sourced.seq, lease.sources[sourced.source] ?? 0);
    this.#park(sourced.shard, sourced.source, sourced.kind, '', error.message);
  }

  #park(shard: number, source: string, kind: string, sessionId: string, error: string): void {
    const { clock } = this.#o;
    this.parked.push({
      id: clock.newId(),
      shard,
      atUs: clock.nowUs(),
      source: storable(source),
      kind: storable(kind),
      sessionId: storable(sessionId),
      error: storable(error),
    });
  }

  batch(owner: string): Batch {
    const { machine } = this.#o;
    const rows: Row[] = [...this.touched.values()].map((live) => ({
      id: live.id,
      shard: live.shard,
      key: live.key,
      version: machine.version,
      body: encodeLive(machine, live),
      createdAtUs: live.createdAtUs,
      closedAtUs: this.closed.get(live.id) ?? null,
    }));
    return { owner, leases: [...this.leases.values()], rows, facts: this.#facts, parked: this.parked };
  }
}
