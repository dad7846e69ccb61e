import { EslError, type EslEvent } from '@ringback/esl';
import type { Logger } from '@ringback/service-kit';
import { SwitchClock } from '../core/clock.ts';
import type { SwitchFact } from '../core/facts.ts';
import type { EslPort, OpenEsl, Timers } from '../ports.ts';
import { EVENTS, toFact } from './translate.ts';

export interface SwitchLinkOptions {
  openEsl: OpenEsl;
  timers: Timers;
  log: Logger;
  monotonicUs: () => number;
  nowUs: () => number;
  /** A switch that answers nothing for so long takes no command. What it was told before it does when it goes on. */
  silenceMs: number;
  /** After so long the connection is made anew. */
  hangMs: number;
  /** Subscribed, but facts are held back until it resolves; a rejection begins anew. */
  readTruth(core: string): Promise<void>;
  onFact(fact: SwitchFact): void;
  /** The truth is read, and what happened meanwhile was told. */
  ready(): void;
  /** Up or down. */
  changed(): void;
  lost(): void;
}

const PING_MS = 1_000;
const PROMPT_US = 500_000;

/** The event socket with what was missed made good: facts come only after the truth was read. */
export class SwitchLink {
  readonly esl: EslPort;
  readonly clock: SwitchClock;
  readonly #options: SwitchLinkOptions;
  #held: SwitchFact[] | undefined = [];
  #stopPing: (() => void) | undefined;
  #generation = 0;
  core = '';
  version = '';
  #unanswered = 0;
  /** Connected, and the truth is read. */
  #up = false;
  /** It takes commands: it is up, and not silent. */
  ready = false;
  /**
   * When the switch was last asked something that it answered on this connection, by `now`; 0: never. The answer shows no more:
   * it may be read long after, when this process was stopped for a while.
   */
  aliveUs = 0;

  constructor(options: SwitchLinkOptions) {
    this.#options = options;
    this.clock = new SwitchClock(options.monotonicUs);
    this.esl = options.openEsl({
      events: EVENTS,
      onEvent: (event) => this.#onEvent(event),
      onUp: () => this.#onUp(),
      onDown: (reason) => this.#onDown(reason),
    });
  }

  start(): void {
    this.esl.start();
    this.#stopPing = this.#options.timers.every(PING_MS, () => this.#look());
  }

  stop(): void {
    this.#stopPing?.();
    this.#generation += 1;
    this.#up = false;
    this.ready = false;
    this.esl.close();
  }

  /** By the switch's clock, as its events are; by ours as long as it has told no time. */
  now(): number {
    return this.clock.now() ?? this.#options.nowUs();
  }

  #onEvent(event: EslEvent): void {
    const fact = toFact(event, (us) => (us === 0 ? 0 : this.clock.held(us)));
    if (!fact) return;
    if (this.#held) this.#held.push(fact);
    else this.#options.onFact(fact);
  }

  #onUp(): void {
    this.#generation += 1;
    this.aliveUs = 0;
    this.#unanswered = 0;
    const generation = this.#generation;
    this.clock.reset();
    this.#held = [];
    this.#begin(generation).catch((error: EslError) => {
      if (generation !== this.#generation) return;
      this.#options.log.error({ err: error }, 'the truth could not be read; connecting again');
      this.esl.reconnect();
    });
  }

  async #begin(generation: number): Promise<void> {
    let seconds: number | undefined;
    while (seconds === undefined) seconds = await this.#askClock();
    this.clock.begin(seconds);
    this.core = await this.esl.ask('global_getvar core_uuid');
    this.version = /FreeSWITCH (?:Version )?(\S+)/.exec(await this.esl.ask('version'))?.[1] ?? '';
    await this.#options.readTruth(this.core);
    if (generation !== this.#generation) return;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const fact of held) this.#options.onFact(fact);
    this.#up = true;
    this.ready = true;
    this.#options.ready();
    this.#options.log.info({ core_uuid: this.core, version: this.version }, 'the switch is connected');
    this.#options.changed();
  }

  /** The switch's present time, epoch s; undefined when the answer was long on its way, while this process was stopped. */
  async #askClock(): Promise<number | undefined> {
    const { monotonicUs } = this.#options;
    const beganUs = monotonicUs();
    const answer = await this.esl.ask('strepoch');
    const seconds = Number(answer);
    if (!Number.isSafeInteger(seconds)) throw new EslError('refused', `the switch tells no time: ${answer}`);
    return monotonicUs() - beganUs < PROMPT_US ? seconds : undefined;
  }

  #onDown(reason: Error): void {
    this.#generation += 1;
    this.#held = [];
    const was = this.#up;
    this.#up = false;
    this.ready = false;
    if (was) this.#options.log.warn({ err: reason }, 'the switch is disconnected');
    this.#options.lost();
    this.#options.changed();
  }

  /**
   * A process that is stopped keeps its sockets: only an answer shows life. Missed answers are counted by our own ticks,
   * so that a pause of ours does not pass for its.
   */
  #look(): void {
    if (!this.#up) return;
    if (this.#unanswered > 0) {
      this.#unanswered += 1;
      this.#silent(this.#unanswered * PING_MS);
      return;
    }
    this.#unanswered = 1;
    const generation = this.#generation;
    const askedUs = this.now();
    this.#askClock()
      .then(
        (seconds) => {
          if (generation !== this.#generation) return;
          this.aliveUs = askedUs;
          if (seconds !== undefined) this.clock.check(seconds);
          this.#answers();
        },
        () => undefined, // told as a disconnection
      )
      .finally(() => {
        if (generation === this.#generation) this.#unanswered = 0;
      });
  }

  /**
   * A switch that stands still is not dead: what it was told it will do when it goes on, and the connection is kept, or nobody
   * could tell which of its orders it took.
   */
  #silent(forMs: number): void {
    const { silenceMs, hangMs, log, changed } = this.#options;
    if (forMs > hangMs) {
      log.error('the switch does not answer; connecting again');
      this.esl.reconnect();
    } else if (this.ready && forMs > silenceMs) {
      log.warn('the switch is silent');
      this.ready = false;
      changed();
    }
  }

  #answers(): void {
    if (this.ready) return;
    this.#options.log.info('the switch answers again');
    this.ready = true;
    this.#options.changed();
  }
}
