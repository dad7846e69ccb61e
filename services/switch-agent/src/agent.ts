import { sw } from '@ringback/contracts';
import { about, childOf, inSession, type Logger, recordSpan } from '@ringback/service-kit';
import { problemOf } from './core/check.ts';
import type { Offer, SwitchFact } from './core/facts.ts';
import { type Act, type Leg, lose, newLeg, onFact, type Told, type Turn } from './core/leg.ts';
import { legSpans } from './core/leg-span.ts';
import { shardOfOffer } from './core/offered.ts';
import { TraceBudget } from './core/trace-budget.ts';
import { Pacer } from './core/pace.ts';
import type { JournalPort } from './journal/journal.ts';
import type { JournalRecord } from './journal/records.ts';
import { LegBook } from './legs.ts';
import { perform } from './perform/commands.ts';
import type { Context } from './perform/context.ts';
import { InputDesk } from './perform/input.ts';
import type { CdrFiles, OpenEsl, Timers } from './ports.ts';
import { readAll } from './reconcile.ts';
import { CdrFolder } from './switch/cdr-folder.ts';
import { type GatewayFiles, Gateways, type GatewaysOptions } from './switch/gateways.ts';
import { SwitchLink } from './switch/link.ts';
import { type Esl, tracedEsl } from './switch/traced-esl.ts';
import { endOf, offerOf, type Reader } from './switch/translate.ts';

export interface AgentOptions {
  switchId: string;
  journal: JournalPort;
  log: Logger;
  nowUs: () => number;
  monotonicUs: () => number;
  timers: Timers;
  newId: () => string;
  openEsl: OpenEsl;
  silenceMs: number;
  hangMs: number;
  profile: string;
  /** The edge the next call goes out by (host:port); empty: straight to its gateway. */
  nextEdge: () => string;
  promptsDir: string;
  /** Whether a prompt's file is there. */
  hasFile: (path: string) => Promise<boolean>;
  cdrFiles: CdrFiles;
  /** Undefined: the switch reads no gateways. */
  gatewayFiles?: GatewayFiles;
  /** Opens a trunk's sealed password. */
  openPassword: GatewaysOptions['open'];
  maxSessions: number;
  sessionsPerSecond: number;
  /** Calls that come in and are traced, a second; undefined: all. */
  tracesPerSecond?: number;
  durable: (shard: number, seq: number) => void;
  /** Something of the status changed. */
  changed: () => void;
  countedEvent?: (kind: Told['body']['$case']) => void;
  /** The first prompt of an answered leg is being played, so long after the answer. */
  prompted?: (leg: Leg, afterUs: number) => void;
}

/** How long the switch may take to tell of what it just did, ms. */
const TOLD_MS = 2_000;
const SWEEP_MS = 2_000;
/** Live legs whose end was missed are looked for so often (an event queue can overflow in silence). */
const AUDIT_MS = 30_000;
const ALIVE_MS = 2_000;

const { CommandAck_Status: Status } = sw;

/** One switch as a citizen of the platform: commands in, facts out, and never a call twice. */
export class Agent {
  readonly link: SwitchLink;
  readonly #esl: Esl;
  readonly legs: LegBook;
  readonly #options: AgentOptions;
  readonly #context: Context;
  readonly #cdrs: CdrFolder;
  /** Commands of a leg, one after the other. */
  readonly #chains = new Map<string, Promise<void>>();
  /** Commands that wait in a chain, or are being performed. */
  readonly #queued = new Set<string>();
  readonly #kills = new Map<string, string>();
  #taskWaiters: { legId: string; runtime: number; resolve(id: string): void }[] = [];
  #endWaiters: { legId: string; resolve(): void }[] = [];
  #stopTimers: (() => void)[] = [];
  readonly #traces: TraceBudget | undefined;
  #lastAliveUs = 0;

  constructor(options: AgentOptions) {
    this.#options = options;
    const { journal, log, nowUs, timers } = options;
    if (options.tracesPerSecond !== undefined) {
      this.#traces = new TraceBudget(options.tracesPerSecond, options.monotonicUs);
    }
    this.#lastAliveUs = journal.state.aliveUs;
    this.legs = new LegBook({
      journal,
      nowUs,
      durable: options.durable,
      counted: options.countedEvent,
      over: (leg, told) => legSpans(leg, told, options.switchId).forEach(recordSpan),
    });
    this.link = new SwitchLink({
      openEsl: options.openEsl,
      timers,
      log,
      monotonicUs: options.monotonicUs,
      nowUs,
      silenceMs: options.silenceMs,
      hangMs: options.hangMs,
      readTruth: (core) => this.#readTruth(core),
      onFact: (fact) => this.#onFact(fact),
      ready: () => this.#redo(),
      changed: options.changed,
      lost: () => this.#onLost(),
    });
    const switchNow = (): number => this.link.now();
    const { promptsDir, profile } = options;
    const esl = tracedEsl(this.link.esl);
    this.#esl = esl;
    const input = new InputDesk({
      esl,
      legs: this.legs,
      log,
      promptsDir,
      switchNow,
      newId: options.newId,
      timers,
      hasFile: options.hasFile,
      prompted: options.prompted,
    });
    this.#context = {
      esl,
      legs: this.legs,
      input,
      log,
      profile,
      promptsDir,
      pacer: new Pacer(
        options.sessionsPerSecond - 1,
        () => options.monotonicUs() / 1_000,
        (ms) => new Promise((resolve) => timers.after(ms, resolve)),
      ),
      nextEdge: options.nextEdge,
      gateways: new Gateways({ esl, profile, files: options.gatewayFiles, open: options.openPassword }),
      switchNow,
      nowUs,
      taskAdded: (legId, runtime) => this.#taskAdded(legId, runtime),
      killLater: (legId, cause) => void this.#kills.set(legId, cause),
      endOf: (legId) => this.#endOf(legId),
      unsent: new Set(),
    };
    this.#cdrs = new CdrFolder({
      files: options.cdrFiles,
      log,
      nowMs: () => nowUs() / 1000,
      take: (...cdr) => this.#takeCdr(...cdr),
    });
  }

  start(): void {
    this.link.start();
    const { timers } = this.#options;
    this.#stopTimers = [
      timers.every(SWEEP_MS, () => void this.#cdrs.sweep()),
      timers.every(ALIVE_MS, () => this.#alive()),
      timers.every(AUDIT_MS, () => this.#guard(this.#audit(), 'audit')),
    ];
  }

  async stop(): Promise<void> {
    for (const stop of this.#stopTimers) stop();
    this.link.stop();
    this.#context.input.forgetAll();
    await this.#options.journal.settled();
  }

  get draining(): boolean {
    return this.#options.journal.state.draining;
  }

  /** Takes a command, or says why not. The answer is given when the command is on the disk. */
  async command(command: sw.Command): Promise<{ status: sw.CommandAck_Status; message: string }> {
    const { journal } = this.#options;
    const { commandId, body } = command;
    if (journal.state.commands.has(commandId)) {
      await journal.settled();
      return { status: Status.DUPLICATE, message: '' };
    }
    const refusal = this.#refusal(command);
    if (refusal || !body) return refusal ?? { status: Status.INVALID, message: 'body: is missing' };
    if (body.$case === 'drain') return this.#drain(command, body.value.draining);
    const data = Buffer.from(sw.Command.encode(command).finish()).toString('base64');
    const records: JournalRecord[] = [
      { k: 'epoch', shard: command.shard, epoch: String(command.epoch) },
      { k: 'command', id: commandId, atUs: this.#options.nowUs(), legId: command.legId, data },
    ];
    const leg = this.legs.get(command.legId);
    // An inbound leg belongs to the session that first speaks of it.
    if (leg && leg.sessionId === '') records.push({ k: 'leg', leg: { ...leg, sessionId: command.sessionId } });
    const begun = this.#beginLeg(command);
    if (begun) this.#context.unsent.add(commandId);
    if (begun) records.push({ k: 'leg', leg: begun });
    await journal.append(records);
    this.#enqueue(command);
    if (begun) this.#options.changed();
    return { status: Status.ACCEPTED, message: '' };
  }

  #refusal(command: sw.Command): { status: sw.CommandAck_Status; message: string } | undefined {
    const { journal, nowUs, maxSessions } = this.#options;
    const { body, shard, epoch, startByUs } = command;
    const problem = problemOf(command);
    if (problem) return { status: Status.INVALID, message: problem };
    if (body?.$case !== 'drain') {
      const seen = journal.state.shard(shard).epoch;
      if (epoch < seen) return { status: Status.STALE_EPOCH, message: `epoch ${seen} was seen for shard ${shard}` };
    }
    if (startByUs > 0n && Number(startByUs) < nowUs())
      return { status: Status.TOO_LATE, message: 'start_by has passed' };
    if (body?.$case === 'drain') return undefined;
    const unavailable = (message: string) => ({ status: Status.UNAVAILABLE, message });
    if (!this.link.ready) return unavailable('the switch is not connected');
    const newLegId = body?.$case === 'originate' ? command.legId : body?.$case === 'bridge' ? body.value.bLegId : '';
    if (newLegId !== '' && this.legs.get(newLegId)) {
      const field = body?.$case === 'bridge' ? 'bridge.b_leg_id' : 'leg_id';
      return { status: Status.INVALID, message: `${field}: there was such a leg before` };
    }
    if (body?.$case !== 'originate') return undefined;
    if (this.draining) return unavailable('the switch takes no new session');
    if (this.legs.count >= maxSessions) return unavailable('the switch is full');
    return undefined;
  }

  #beginLeg({ body, commandId, legId, sessionId, shard, traceparent: parent }: sw.Command): Leg | undefined {
    if (body?.$case !== 'originate' && body?.$case !== 'bridge') return undefined;
    const bridge = body.$case === 'bridge';
    const nowUs = this.#options.nowUs();
    return newLeg({
      id: bridge ? body.value.bLegId : legId,
      sessionId,
      shard,
      traceparent: childOf(parent, this.#options.newId),
      parent,
      trunkId: body.value.dial?.trunkId ?? '',
      begunUs: nowUs,
      origin: body.$case,
      originCommand: commandId,
      core: this.link.core,
      cutoffSeconds: body.value.dial?.cutoffSeconds ?? 0,
      touchedUs: nowUs,
    });
  }

  async #drain(command: sw.Command, draining: boolean): Promise<{ status: sw.CommandAck_Status; message: string }> {
    const { journal, changed, nowUs, log } = this.#options;
    await journal.append([
      { k: 'draining', draining },
      { k: 'command', id: command.commandId, atUs: nowUs(), legId: '', data: '' },
    ]);
    log.info({ draining }, 'drain');
    changed();
    if (this.link.ready) this.#guard(this.#pause(), 'drain');
    return { status: Status.ACCEPTED, message: '' };
  }

  /** Inbound only: the next destination of a session that is up must still work. */
  async #pause(): Promise<void> {
    await this.link.esl.ask(`fsctl ${this.draining ? 'pause' : 'resume'} inbound`);
  }

  #enqueue(command: sw.Command): void {
    const before = this.#chains.get(command.legId) ?? Promise.resolve();
    const { commandId } = command;
    this.#queued.add(commandId);
    const chain = before.then(() => perform(this.#context, command)).finally(() => this.#queued.delete(commandId));
    this.#chains.set(command.legId, chain);
    chain.finally(() => {
      if (this.#chains.get(command.legId) === chain) this.#chains.delete(command.legId);
    });
  }

  #onFact(fact: SwitchFact): void {
    const { log } = this.#options;
    if (fact.is === 'task_added') this.#resolveTask(fact.legId, fact.runtime, fact.taskId);
    let leg = this.legs.get(fact.legId);
    if (!leg) {
      if (fact.is === 'parked' && fact.offer) this.#offered(fact.legId, fact.atUs, fact.offer, this.link.core);
      return;
    }
    const before = leg;
    const turn = onFact(leg, fact);
    const begun = !before.seen && turn.leg.seen;
    const over = fact.is === 'executed' && fact.app === 'bridge';
    const done = [...(begun || turn.leg.ended ? [before.originCommand] : []), ...(over ? [fact.commandId] : [])];
    this.#apply(turn, done);
    leg = this.legs.get(fact.legId) ?? leg;
    if (begun) this.#afterBegin(leg);
    const { input } = this.#context;
    const now = leg;
    if (fact.is === 'digit') this.#about(now, 'digit', () => input.digit(now, fact.digit, fact.source, fact.atUs));
    else if (fact.is === 'executed' && fact.app === 'playback') {
      this.#about(now, 'playback', () => input.playbackEnded(now, fact.commandId, fact.played));
    }
    if (leg.parked && (fact.is === 'parked' || fact.is === 'answered' || fact.is === 'executed')) {
      this.#about(now, 'play', () => input.parked(now));
    }
    if (!before.ended && leg.ended)
      log.debug({ leg_id: leg.id, ...about(leg.sessionId, leg.traceparent) }, 'leg ended');
  }

  #apply(turn: Turn, done: readonly string[]): void {
    const was = this.legs.get(turn.leg.id);
    this.legs.apply(turn, done);
    if (turn.leg.ended && !was?.ended) this.#afterEnd(turn.leg.id);
    for (const act of turn.acts) this.#about(turn.leg, act.do, () => this.#act(turn.leg, act));
  }

  async #act(leg: Leg, act: Act): Promise<void> {
    const esl = this.#esl;
    switch (act.do) {
      case 'kill':
        await esl.api(`uuid_kill ${leg.id} ORIGINATOR_CANCEL`);
        return;
      case 'delete_task':
        await esl.api(`sched_del ${act.id}`);
        return;
      case 'clear_digits':
        // Only `all` removes the parser; it would hold each digit for 1.5 s (recording x08q).
        await Promise.all([esl.execute(leg.id, 'clear_digit_action', 'all'), esl.api(`uuid_flush_dtmf ${leg.id}`)]);
        return;
      case 'hear_tones':
        await esl.execute(leg.id, 'start_dtmf', '');
        return;
      case 'look_for': {
        const b = this.legs.get(act.legId);
        if (!b || b.ended) return;
        if (!b.seen) {
          // Nothing was told of a channel, and A is through with it: there was none, or it is there now.
          if ((await esl.api(`uuid_exists ${b.id}`)) === 'true') return;
          const now = this.legs.get(b.id) ?? b;
          if (now.ended || now.seen) return;
          return this.#apply(onFact(now, { is: 'ended', legId: b.id, atUs: act.end.endedUs, end: act.end }), [
            b.originCommand,
          ]);
        }
        await this.#endOf(b.id, true);
      }
    }
  }

  #afterBegin(leg: Leg): void {
    const cause = this.#kills.get(leg.id);
    if (cause === undefined) return;
    this.#kills.delete(leg.id);
    this.#about(leg, 'kill', () => this.#esl.api(`uuid_kill ${leg.id} ${cause}`));
  }

  #afterEnd(legId: string): void {
    this.#context.input.legEnded(legId);
    this.#kills.delete(legId);
    for (const { resolve } of this.#endWaiters.filter((waiter) => waiter.legId === legId)) resolve();
    this.#options.changed();
  }

  /** A call came in: its session is not known yet. */
  #offered(
    legId: string,
    atUs: number,
    { trigger, traceparent, createdUs, receivedUs = 0 }: Offer,
    core: string,
  ): void {
    const leg = newLeg({
      id: legId,
      sessionId: '',
      shard: shardOfOffer(trigger, legId),
      traceparent: childOf(traceparent, this.#options.newId, this.#traces?.take()),
      parent: traceparent,
      role: trigger.mode === 'direct' ? 'a' : 'trigger',
      trunkId: trigger.trunkId,
      begunUs: createdUs || atUs,
      receivedUs,
      origin: 'inbound',
      core,
      seen: true,
      createdUs: createdUs || atUs,
      parked: true,
      touchedUs: atUs,
    });
    this.legs.apply({
      leg,
      told: [{ legId, atUs: createdUs || atUs, commandId: '', body: { $case: 'offered', value: trigger } }],
    });
    this.#options.changed();
  }

  /** Everything the switch and its CDR files know, before its events are listened to. */
  async #readTruth(core: string): Promise<void> {
    const askedUs = this.link.now();
    if (this.draining) await this.#pause();
    await this.#cdrs.sweep();
    const { esl } = this.link;
    await readAll({
      esl,
      legs: this.legs,
      core,
      lastAliveUs: this.#lastAliveUs,
      nowUs: () => this.link.now(),
      unsent: (commandId) => this.#context.unsent.has(commandId),
      sweep: () => this.#cdrs.sweep(),
      apply: (turn, done) => this.#apply(turn, done),
      offered: (legId, offer) => this.#offered(legId, offer.createdUs, offer, core),
    });
    this.#lastAliveUs = askedUs;
  }

  /**
   * What was accepted but not done is begun anew, save what may have been sent: calls are looked for (that was just done),
   * never made again.
   */
  #redo(): void {
    for (const command of this.legs.pending()) {
      const dials = command.body?.$case === 'originate' || command.body?.$case === 'bridge';
      if (this.#queued.has(command.commandId) || (dials && !this.#context.unsent.has(command.commandId))) continue;
      this.#enqueue(command);
    }
  }

  #onLost(): void {
    if (this.link.aliveUs > 0) this.#lastAliveUs = this.link.aliveUs;
    this.#context.input.forgetAll();
  }

  async #takeCdr(legId: string, core: string, read: Reader, ageMs: number): Promise<boolean> {
    const { journal } = this.#options;
    const leg = this.legs.get(legId);
    const held = (us: number): number => us;
    if (!leg) {
      // A call that came and went while nobody looked.
      const offer = offerOf(read);
      if (!offer) return true;
      this.#offered(legId, offer.createdUs, offer, core);
    } else if (leg.ended) {
      return true;
    } else if (this.link.ready && ageMs < TOLD_MS) {
      // Its event is on the way.
      return false;
    }
    const now = this.legs.get(legId);
    const end = endOf(read, held);
    if (now) this.#apply(onFact(now, { is: 'ended', legId, atUs: end.endedUs, end }), [now.originCommand]);
    await journal.settled();
    return true;
  }

  /** Waits until its end is told; if that does not come, the CDR file or nothing has to do. `known`: it may live on. */
  async #endOf(legId: string, known = false): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter = { legId, resolve };
    this.#endWaiters.push(waiter);
    const stopTimer = this.#options.timers.after(TOLD_MS + SWEEP_MS, resolve);
    await promise;
    stopTimer();
    this.#endWaiters = this.#endWaiters.filter((each) => each !== waiter);
    const leg = this.legs.get(legId);
    if (!leg || leg.ended || !this.link.ready) return;
    if (known && (await this.link.esl.api(`uuid_exists ${legId}`)) === 'true') return;
    const now = this.legs.get(legId);
    if (now && !now.ended) this.#apply(lose(now, this.#context.nowUs(), false), [now.originCommand]);
  }

  /** Ends that were never told. */
  async #audit(): Promise<void> {
    if (!this.link.ready) return;
    const old = this.#options.nowUs() - AUDIT_MS * 1000;
    const legs = this.legs.live().filter(({ seen, touchedUs }) => seen && touchedUs < old);
    const gone = await Promise.all(
      legs.map(async ({ id }) => (await this.link.esl.api(`uuid_exists ${id}`)) !== 'true'),
    );
    await Promise.all(legs.filter((_leg, index) => gone[index]).map(({ id }) => this.#endOf(id)));
  }

  #alive(): void {
    if (!this.link.ready || this.link.aliveUs === 0) return;
    this.#lastAliveUs = this.link.aliveUs;
    if (this.legs.count === 0) return;
    const { journal } = this.#options;
    // A failing disk ends the process by itself.
    journal.append([{ k: 'alive', atUs: this.#lastAliveUs, core: this.link.core }]).catch(() => undefined);
  }

  #taskAdded(legId: string, runtime: number): Promise<string | undefined> {
    const known = new Set(this.legs.get(legId)?.tasks.map(({ id }) => id));
    return new Promise((resolve) => {
      const stopTimer = this.#options.timers.after(TOLD_MS, () => done(undefined));
      const waiter = {
        legId,
        runtime,
        resolve: (id: string) => {
          if (!known.has(id)) done(id);
        },
      };
      const done = (id: string | undefined): void => {
        stopTimer();
        this.#taskWaiters = this.#taskWaiters.filter((each) => each !== waiter);
        resolve(id);
      };
      this.#taskWaiters.push(waiter);
    });
  }

  #resolveTask(legId: string, runtime: number, id: string): void {
    for (const waiter of this.#taskWaiters.filter((each) => each.legId === legId && each.runtime === runtime)) {
      waiter.resolve(id);
    }
  }

  /** Does something about a leg, as a part of its trace; what goes wrong is logged. */
  #about(leg: Leg, what: string, work: () => Promise<unknown>): void {
    inSession(leg.sessionId, leg.traceparent, () => this.#guard(work(), what));
  }

  #guard(work: Promise<unknown>, what: string): void {
    work.catch((error: unknown) => this.#options.log.warn({ err: error, what }, 'the switch could not be told'));
  }
}
