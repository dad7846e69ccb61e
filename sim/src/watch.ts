import { sw } from '@ringback/contracts';
import { decodeSession, type Effect, type Leg, type Session, type SessionEvent } from '@ringback/dialer/core';
import type { Batch, Committed, Parked } from '@ringback/durable';
import type { BillingService } from './billing-service.ts';
import type { DialerLoop } from './dialer-process.ts';
import type { Report } from './invariants.ts';
import type { Database } from './store.ts';
import type { Trace } from './trace.ts';
import type { Truth } from './truth.ts';

/** Reasons for which an event may be parked: nobody's fault, or somebody else's. */
const MAY_BE_PARKED =
  /no open session|not an EventBatch|without events|access number is not ours|without a|not known|only a call to/;

/** Looks at everything that is committed, commanded and dialled, and says what must not be. */
export class Watch {
  readonly #report: Report;
  readonly #trace: Trace;
  readonly #truth: Truth;
  readonly #nowUs: () => number;
  readonly #billing: BillingService;
  /** Trigger leg → its session. */
  readonly #sessionOf = new Map<string, string>();
  readonly #outcomes = new Set<string>();
  readonly #closed = new Set<string>();
  readonly #sources = new Map<number, Record<string, number>>();
  readonly #epochs = new Map<string, bigint>();
  readonly #forgotten: { sessionId: string; legs: string[]; atUs: number }[] = [];
  database: Database | undefined;
  sessions = 0;
  steps = 0;
  commits = 0;

  constructor(report: Report, trace: Trace, truth: Truth, billing: BillingService, nowUs: () => number) {
    this.#report = report;
    this.#trace = trace;
    this.#truth = truth;
    this.#billing = billing;
    this.#nowUs = nowUs;
  }

  /** What PostgreSQL is about to hold. */
  stored(batch: Batch): void {
    this.commits += 1;
    for (const { shard, sources } of batch.leases) {
      const before = this.#sources.get(shard) ?? {};
      for (const [source, seq] of Object.entries(before)) {
        if ((sources[source] ?? 0) < seq)
          this.#report('once', `shard ${shard} goes back behind event ${seq} of ${source}`);
      }
      this.#sources.set(shard, { ...sources });
    }
    for (const { id, closedAtUs, version, body } of batch.rows) {
      if (this.#closed.has(id)) this.#report('once', 'a session that was closed is written again', { sessionId: id });
      if (closedAtUs !== null) this.#close(id, decodeSession(version, body.slice(body.indexOf('\n') + 1)));
    }
    for (const { body } of batch.facts) {
      if (!body.includes('"session_ended"')) continue;
      const { sessionId } = JSON.parse(body) as { sessionId: string };
      if (this.#outcomes.has(sessionId)) this.#report('one_outcome', 'a session ends twice', { sessionId });
      this.#outcomes.add(sessionId);
    }
  }

  #close(sessionId: string, { legs }: Session): void {
    this.#closed.add(sessionId);
    this.sessions += 1;
    if (!this.#outcomes.delete(sessionId)) {
      // The fact may be in this very batch: it is looked for when the batch is through.
      queueMicrotask(() => {
        if (!this.#outcomes.delete(sessionId))
          this.#report('one_outcome', 'a session closes without an outcome', { sessionId });
      });
    }
    const ids = legs.map(({ id }) => id);
    for (const leg of legs) this.#settled(sessionId, leg);
    for (const legId of this.#billing.pendingOf(ids)) {
      this.#report('no_hold_left', 'a hold outlives its session', { sessionId, legId });
    }
    this.#forgotten.push({ sessionId, legs: ids, atUs: this.#nowUs() });
  }

  #settled(sessionId: string, { id: legId }: Leg): void {
    const cdr = this.#billing.settled.get(legId);
    if (!cdr) return this.#report('one_settlement', 'a leg of a closed session has no CDR', { sessionId, legId });
    const problem = this.#truth.problemOf(legId, {
      answeredUs: Number(cdr.cdr.answeredAtUs),
      billedUs: Number(cdr.billedUs),
      guessed: /^(LEG_LOST|INDETERMINATE)$/.test(cdr.cdr.cause) && !this.#truth.died(legId),
    });
    if (problem) this.#report('one_settlement', problem, { sessionId, legId });
  }

  /** What a process has heard that it committed. */
  committed(loop: DialerLoop, { steps }: Committed<Session, SessionEvent, Effect>, by: string): void {
    for (const { sessionId, before, state, entry } of steps) {
      this.steps += 1;
      const about = { sessionId, ...(entry.legId ? { legId: entry.legId } : {}), number: state.key };
      this.#trace.add(this.#nowUs(), by, `${entry.event}: ${entry.from} → ${entry.to}`, about);
      if (!before) this.#opened(sessionId, state);
      if (entry.to === 'calling_a' && entry.from !== 'calling_a') {
        const rings = state.legs.some(({ role, status }) => role === 'trigger' && status === 'ringing');
        if (rings) this.#report('one_dial', 'A is dialled while its own call still rings', about);
      }
      const dialled = state.legs.filter(
        ({ role, status }) => role === 'a' && (status === 'dialling' || status === 'ringing' || status === 'up'),
      );
      if (dialled.length > 1) this.#report('one_dial', 'two legs A at once', about);
      const live = loop.session(sessionId);
      if (live && !live.closing) this.#awaited(live, about);
    }
  }

  #opened(sessionId: string, { legs }: Session): void {
    const [leg] = legs;
    if (!leg) return;
    const other = this.#sessionOf.get(leg.id);
    if (other !== undefined && other !== sessionId) {
      this.#report('one_outcome', 'one trigger has two sessions', { sessionId, legId: leg.id });
    }
    this.#sessionOf.set(leg.id, sessionId);
  }

  #awaited(
    live: { owed: readonly unknown[]; timers: Record<string, number>; state: Session },
    about: { sessionId: string },
  ): void {
    if (live.owed.length > 0 || Object.keys(live.timers).length > 0) return;
    if (live.state.legs.some(({ inbound, status }) => inbound && status === 'ringing')) return;
    this.#report('not_stuck', `nothing is awaited in ${live.state.phase}`, about);
  }

  parked({ error, kind, sessionId, source }: Parked): void {
    this.#trace.add(this.#nowUs(), 'dialer', `parked ${kind} of ${source}: ${error}`, { sessionId });
    if (!MAY_BE_PARKED.test(error)) this.#report('alive', `a step threw at ${kind}: ${error}`, { sessionId });
  }

  /** An effect leaves a dialer. */
  performing(body: Effect, id: string, epoch: number): void {
    const sessionId = id.slice(0, id.lastIndexOf(':'));
    const row = this.database?.open.get(sessionId);
    if (!row && !this.#closed.has(sessionId)) {
      this.#report('committed_first', `${body.do} is performed for a session that is not committed`, { sessionId });
    }
    const next = row && Number(/,"next":(\d+),"closing"/.exec(row.body)?.[1]);
    if (next !== undefined && Number(id.slice(id.lastIndexOf(':') + 1)) >= next) {
      this.#report('committed_first', `${body.do} is performed before it is committed`, { sessionId });
    }
    if (body.do !== 'command') return;
    const legId = body.body.kind === 'bridge' ? body.body.bLegId : body.legId;
    this.#truth.commanded(legId, body.body.kind, body.startByUs);
    this.#trace.add(this.#nowUs(), 'dialer', `sends ${body.body.kind} (epoch ${epoch})`, { sessionId, legId });
  }

  /** An agent answered a command. */
  took(switchId: string, command: sw.Command, status: sw.CommandAck_Status, onDisk: boolean): void {
    const { sessionId, legId, shard, epoch, body } = command;
    this.#trace.add(this.#nowUs(), switchId, `${body?.$case}: ${status}`, { sessionId, legId });
    if (status !== sw.CommandAck_Status.ACCEPTED) return;
    if (!onDisk)
      this.#report('committed_first', `${body?.$case} is accepted before it is in the journal`, { sessionId, legId });
    const key = `${switchId}/${shard}`;
    const seen = this.#epochs.get(key) ?? 0n;
    if (epoch < seen) {
      this.#report('no_zombie', `${switchId} took ${body?.$case} of epoch ${epoch}, and had taken one of ${seen}`, {
        sessionId,
        legId,
      });
    }
    if (epoch > seen) this.#epochs.set(key, epoch);
  }

  /** Sessions that are over for so long are looked at once more, and forgotten. */
  forget(beforeUs: number): void {
    while (this.#forgotten[0] && this.#forgotten[0].atUs < beforeUs) {
      const { sessionId, legs } = this.#forgotten.shift()!;
      for (const legId of this.#billing.pendingOf(legs)) {
        this.#report('no_hold_left', 'a hold was made after its session', { sessionId, legId });
      }
      this.#billing.forget(sessionId);
      for (const legId of legs) this.#truth.forget(legId);
    }
  }
}
