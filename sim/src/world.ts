import { SHARDS } from '@ringback/contracts';
import { type Directory, trunksFor } from '@ringback/dialer/core';
import { loadVoices } from '@ringback/ivr/core';
import { LANGUAGES_DIR } from '@ringback/prompts';
import { AgentSlot } from './agent-slot.ts';
import { AuthTables } from './auth-service.ts';
import { BillingService } from './billing-service.ts';
import { Bus, NATS } from './bus.ts';
import { ACCESS, type CallPlan, planCalls, type PlanOptions } from './call-plan.ts';
import { Caller, Telephones } from './callers.ts';
import { DialerSlot } from './dialer-slot.ts';
import { type Fault, planFaults } from './faults.ts';
import { inject, type Stage } from './injector.ts';
import { type About, Broken, type Invariant } from './invariants.ts';
import { CUT, Network } from './network.ts';
import { Outages } from './outages.ts';
import { accessNumbers, TRUNKS, WARNING } from './numbers.ts';
import { Ids, Random } from './random.ts';
import { Services } from './services.ts';
import { Database } from './store.ts';
import type { SwitchWorld } from './switch/world.ts';
import { Trace } from './trace.ts';
import { Truth } from './truth.ts';
import { VirtualClock } from './virtual-clock.ts';
import { Watch } from './watch.ts';

const SECOND = 1_000_000;
const START_US = 1_800_000_000 * SECOND;
/** After the last call and fault: by then everything must have come to its end. */
const PATIENCE_US = 3 * 3_600 * SECOND;
const FORGET_US = 2 * 3_600 * SECOND;
const voices = loadVoices(LANGUAGES_DIR, 'en');

export interface WorldOptions extends PlanOptions {
  seed: string;
  dialers: number;
  switches: number;
  /** Mean time between two faults; 0: none. */
  faultSeconds: number;
  /** Only these calls and faults happen, by their number. */
  only?: { calls?: ReadonlySet<number> | undefined; faults?: ReadonlySet<number> | undefined };
  /** In words, for a story. */
  record?: boolean;
}

export interface Outcome {
  broken: Broken | undefined;
  hash: string;
  calls: number;
  sessions: number;
  answered: number;
  steps: number;
  commits: number;
  faults: number;
  /** Things that were done on virtual time. */
  events: number;
  virtualSeconds: number;
  /** Most legs at once, and the mean of sessions at once. */
  meanOpen: number;
}

/** One installation with its callers and its misfortunes, from the first call until everything is over. */
export class World {
  readonly options: WorldOptions;
  readonly trace: Trace;
  readonly calls: CallPlan[];
  readonly faults: Fault[];
  readonly #clock = new VirtualClock(START_US);
  readonly #random: Random;
  readonly #network: Network;
  readonly #outages: Outages;
  readonly #bus: Bus;
  readonly #truth: Truth;
  readonly #billing: BillingService;
  readonly #watch: Watch;
  readonly #database: Database;
  readonly #services: Services;
  readonly #telephones: Telephones;
  readonly #dialers: DialerSlot[];
  readonly #agents: AgentSlot[];
  readonly #ids: Ids;
  readonly #legs: Ids;
  #broken: Broken | undefined;
  #turn = 0;
  #left: number;
  #openSum = 0;
  #openLooks = 0;
  #lastCallUs: number;

  constructor(options: WorldOptions) {
    this.options = options;
    const seed = new Random(options.seed);
    this.#random = seed;
    this.trace = new Trace(options.record ?? false);
    const now = (): number => this.#clock.nowUs;
    const all = planCalls(seed, options, START_US);
    this.#lastCallUs = all.at(-1)?.atUs ?? START_US;
    const faults =
      options.faultSeconds > 0
        ? planFaults(
            seed.of('faults'),
            START_US + 20 * SECOND,
            this.#lastCallUs + 300 * SECOND,
            options.faultSeconds * SECOND,
          )
        : [];
    this.calls = all.filter(({ index }) => options.only?.calls?.has(index) ?? true);
    this.faults = faults.filter(({ id }) => options.only?.faults?.has(id) ?? true);
    this.#left = this.calls.reduce((sum, { againUs }) => sum + 1 + againUs.length, 0);
    this.#ids = new Ids(options.seed);
    this.#legs = new Ids(`${options.seed} trigger`);
    this.#outages = new Outages(now);
    this.#network = new Network(seed.of('network'), this.#outages);
    this.#bus = new Bus(this.#clock, this.#network, seed.of('bus'));
    this.#truth = new Truth(this.#report, this.trace, now, (on, sinceUs) => this.#outOfReach(on, sinceUs));
    this.#billing = new BillingService(now, new Ids(`${options.seed} money`), this.#report);
    const tables = new AuthTables(now);
    this.#services = new Services(this.#network, seed.of('questions'), this.#billing, tables, voices);
    this.#watch = new Watch(this.#report, this.trace, this.#truth, this.#billing, now);
    this.#database = new Database(now, SHARDS, (batch) => this.#watch.stored(batch));
    this.#watch.database = this.#database;
    this.#telephones = new Telephones(seed.of('telephones'), options.talkSeconds);
    for (const { subscriber } of this.calls) this.#subscribe(tables, subscriber);
    this.#agents = Array.from({ length: options.switches }, (_, n) => this.#agent(`s${n + 1}`));
    this.#dialers = Array.from({ length: options.dialers }, (_, n) => this.#dialer(`d${n + 1}`));
  }

  #report = (invariant: Invariant, words: string, about: About = {}): void => {
    this.trace.add(this.#clock.nowUs, 'INVARIANT', `${invariant}: ${words}`, about);
    this.#broken ??= new Broken(invariant, words, { ...about, atUs: this.#clock.nowUs });
  };

  /** For how long since then, µs, no dialer could ask that switch's agent, or not all of them could. */
  #outOfReach(on: string, sinceUs: number): number {
    const processes = [on, ...this.#dialers.map(({ name }) => name)];
    const nodes = processes.flatMap((name) => [name, `${CUT}${name}`, `stopped ${name}`]);
    return this.#outages.since(sinceUs, [`${CUT}${NATS}`, ...nodes]);
  }

  #said = (who: string, words: string): void => this.trace.add(this.#clock.nowUs, who, words);

  #subscribe(tables: AuthTables, subscriber: CallPlan['subscriber']): void {
    const { account, number, pin, language, suspended, authorised, balance } = subscriber;
    if (account === '') return;
    if (!this.#billing.books.accounts.has(account)) this.#billing.open(account, balance);
    tables.add({ number: account, pin_hash: pin, country: 'PL', language, suspended }, [{ number, authorised }]);
  }

  #agent(id: string): AgentSlot {
    const late = this.#random.of(`scheduler ${id}`);
    const switches: SwitchWorld = {
      dial: (on, dialled) => {
        this.#truth.dial(on, dialled);
        return this.#telephones.dial(on, dialled);
      },
      answered: (on, channel) => this.#truth.answeredBy(on, channel),
      gone: (on, channel, died) => this.#truth.gone(on, channel, died),
      lateUs: () => late.between(-400_000, 40_000),
    };
    return new AgentSlot(
      id,
      this.#clock,
      switches,
      {
        bus: this.#bus,
        random: this.#random.of(`disk ${id}`),
        ids: this.#ids,
        tell: (level, words) => (level === 'warn' || level === 'error') && this.#said(id, words),
        took: (...answer) => this.#watch.took(...answer),
      },
      this.#said,
      this.#outages,
    );
  }

  #dialer(name: string): DialerSlot {
    return new DialerSlot(
      name,
      this.#clock,
      this.#network,
      this.#random.of(`database ${name}`),
      {
        bus: this.#bus,
        network: this.#network,
        database: this.#database,
        random: this.#random.of(`reader ${name}`),
        ids: this.#ids,
        directory: directoryFor,
        questions: (life) => this.#services.of(life),
        tell: (level, words) => (level === 'warn' || level === 'error') && this.#said(name, words),
        committed: (...batch) => this.#watch.committed(...batch),
        parked: (parked) => this.#watch.parked(parked),
        performing: (...effect) => this.#watch.performing(...effect),
        fatal: (life, error) => this.#fatal(life.name, error),
      },
      this.#said,
      this.#outages,
    );
  }

  /** A process ends with an error: it may when it cannot reach its database, and is started again. */
  #fatal(name: string, error: Error): void {
    if (!/connect|connection/i.test(error.message)) this.#report('alive', `${name} ends: ${error.message}`);
    this.#dialers.find((dialer) => dialer.name === name)?.kill(1_000, `ends: ${error.message}`);
  }

  #ring(plan: CallPlan, again: number): void {
    this.#left -= 1;
    const up = this.#agents.filter(({ on }) => on.up);
    const slot = up[this.#turn++ % Math.max(1, up.length)];
    if (!slot) return; // no switch: the carrier hears 503
    const { subscriber } = plan;
    const legId = this.#legs.next();
    const direct = plan.access === 'direct' && again === 0;
    const role = plan.access === 'direct' ? 'a' : 'trigger';
    const progress = this.#telephones.wants(plan);
    const random = this.#random.of(`caller ${plan.index} ${again}`);
    this.#truth.offered(slot.on, legId, subscriber.number, role);
    const offer = {
      'X-Ringback-Caller': plan.hidden ? 'anonymous' : subscriber.number,
      'X-Ringback-Access-Number': ACCESS[plan.access],
      'X-Ringback-Trunk': 'carrier',
      'X-Ringback-Trusted': plan.trusted ? 'yes' : 'no',
      'X-Ringback-Hidden': plan.hidden ? 'yes' : 'no',
      'X-Ringback-Diverted': plan.diverted ? 'yes' : 'no',
      'X-Ringback-Country': 'PL',
      'X-Ringback-Mode': plan.access === 'direct' ? 'direct' : 'callback',
    };
    const far = new Caller(plan, slot.on, legId, random, progress);
    const channel = slot.on.offer(legId, offer, direct ? 60 : 12, far);
    slot.on.after(direct ? 40 * SECOND : plan.ringsUs, () => {
      if (channel.answeredUs === 0) slot.on.hangup(channel, 'ORIGINATOR_CANCEL', 'recv_cancel');
    });
    if (plan.access === 'foreign') this.#truth.notOurs(legId);
  }

  #stage(): Stage {
    return {
      clock: this.#clock,
      network: this.#network,
      bus: this.#bus,
      services: this.#services,
      dialers: this.#dialers,
      agents: this.#agents,
      outages: this.#outages,
      say: (words) => this.trace.add(this.#clock.nowUs, 'world', words),
    };
  }

  /** Plays it to its end, or to the first thing that must not be. */
  async run(): Promise<Outcome> {
    const stage = this.#stage();
    for (const slot of this.#agents) slot.start();
    for (const slot of this.#dialers) slot.start();
    for (const plan of this.calls) {
      for (const [again, us] of [0, ...plan.againUs].entries()) {
        this.#clock.after(plan.atUs + us - START_US, () => this.#ring(plan, again));
      }
    }
    for (const fault of this.faults) this.#clock.after(fault.atUs - START_US, () => inject(stage, fault));
    this.#everyMinute();
    const rejected = (error: unknown): void => this.#report('alive', `a process dies of: ${String(error)}`);
    process.on('unhandledRejection', rejected);
    try {
      await this.#clock.run(() => this.#over());
    } finally {
      process.off('unhandledRejection', rejected);
    }
    if (!this.#broken) this.#atTheEnd();
    return this.#outcome();
  }

  #everyMinute(): void {
    this.#clock.after(60 * SECOND, () => {
      this.#billing.expire();
      this.#watch.forget(this.#clock.nowUs - FORGET_US);
      if (this.#left > 0) {
        this.#openSum += this.#database.open.size;
        this.#openLooks += 1;
      }
      this.#everyMinute();
    });
  }

  #over(): boolean {
    if (this.#broken) return true;
    if (this.#left > 0) return false;
    const { nowUs } = this.#clock;
    if (nowUs > this.#lastCallUs + PATIENCE_US) return true;
    return (
      nowUs > this.#lastCallUs + 400 * SECOND && this.#database.open.size === 0 && this.#truth.unanswered.size === 0
    );
  }

  #atTheEnd(): void {
    const [sessionId] = this.#database.open.keys();
    if (sessionId !== undefined) this.#report('not_stuck', 'a session never ends', { sessionId });
    const [lost] = this.#truth.unanswered;
    if (lost) this.#report('one_outcome', 'a call came in and nothing came of it', { legId: lost[0], number: lost[1] });
    this.#watch.forget(Number.POSITIVE_INFINITY);
    for (const { number, held } of this.#billing.books.accounts.values()) {
      if (held !== 0n) this.#report('no_hold_left', `account ${number} still has ${held} held`);
    }
  }

  #outcome(): Outcome {
    return {
      broken: this.#broken,
      hash: this.trace.hash,
      calls: this.calls.length,
      sessions: this.#watch.sessions,
      answered: this.#truth.answered,
      steps: this.#watch.steps,
      commits: this.#watch.commits,
      faults: this.faults.length,
      events: this.#clock.steps,
      virtualSeconds: (this.#clock.nowUs - START_US) / SECOND,
      meanOpen: this.#openSum / Math.max(1, this.#openLooks),
    };
  }
}

const numbers = accessNumbers();

function directoryFor(pickSwitch: () => string | undefined): Directory {
  return {
    accessNumber: (e164) => numbers.get(e164),
    trunk: (id) => TRUNKS.find((trunk) => trunk.id === id),
    trunksFor: (e164) => trunksFor(TRUNKS, e164),
    denied: (e164) => e164.startsWith('+4490'),
    own: (e164) => numbers.has(e164),
    warningPrompt: () => WARNING,
    pickSwitch,
  };
}
