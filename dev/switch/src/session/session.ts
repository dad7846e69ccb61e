import { randomUUID } from 'node:crypto';
import type { Cause } from '../causes.ts';
import type { Channel, ChannelState } from '../channel/channel.ts';
import type { Core } from '../core.ts';
import { DigitMachine } from './digit-machine.ts';
import { Displacements } from './displacements.ts';
import { type Leg, NO_LEG } from './leg.ts';
import { MessageQueue } from './messages.ts';
import { park } from './park.ts';

export interface Digit {
  digit: string;
  /** In samples of 8 kHz. */
  duration: number;
  source: 'RTP' | 'APP' | 'INBAND_AUDIO' | 'ENDPOINT';
}

export interface AppCall {
  app: string;
  data: string;
}

/** Handlers of states that another module installs (bridge, originate). */
export type StateHandler = (session: Session) => Promise<void>;

/** switch_core_session_t: the thread of a channel. It owns the state machine, the running applications and the leg. */
export class Session {
  readonly core: Core;
  readonly channel: Channel;
  readonly messages: MessageQueue;
  readonly digits: DigitMachine;
  readonly displacements: Displacements;
  /** What CS_EXECUTE runs. */
  apps: AppCall[] = [];
  /** Overrides of state handlers, as FreeSWITCH's state handler tables. */
  readonly handlers = new Map<ChannelState, StateHandler>();
  leg: Leg = NO_LEG;
  /** uuid_break: the running playback ends. */
  breakFlag = false;
  /** Playbacks running (nested): uuid_break and `uuid_displace` need to know. */
  playing = 0;
  /** Called when the far end's state changes (progress, answer, end): the originate loop looks at once. */
  onSignal: (() => void) | undefined;
  /** Set by a transfer: blocking applications return, the state machine takes the new state. */
  transferring = false;
  #stopBroadcast = false;
  readonly #digitQueue: Digit[] = [];
  readonly #inline: AppCall[] = [];
  readonly #wakes = new Set<() => void>();
  #changed: (() => void) | undefined;
  readonly #cleanups: (() => void)[] = [];
  readonly #holds = new Set<Promise<void>>();
  /** Settled when the channel is gone. */
  readonly destroyed: Promise<void>;
  /** Settled when CHANNEL_HANGUP_COMPLETE has been told. */
  readonly reported: Promise<void>;
  #markDestroyed: () => void = () => undefined;
  #markReported: () => void = () => undefined;

  constructor(core: Core, channel: Channel) {
    this.core = core;
    this.channel = channel;
    this.messages = new MessageQueue(this);
    this.digits = new DigitMachine(this);
    this.displacements = new Displacements(this);
    this.destroyed = new Promise((resolve) => {
      this.#markDestroyed = resolve;
    });
    this.reported = new Promise((resolve) => {
      this.#markReported = resolve;
    });
  }

  get uuid(): string {
    return this.channel.uuid;
  }

  get up(): boolean {
    return this.channel.hangupCause === undefined;
  }

  /** switch_channel_ready: applications go on while this holds. */
  get ready(): boolean {
    return this.up && !this.transferring;
  }

  get answered(): boolean {
    return this.channel.answerState === 'answered';
  }

  /** The next 20 ms beat; at once when the session is not ready any more. */
  async tick(): Promise<void> {
    if (!this.ready) return;
    let wake: (() => void) | undefined;
    await this.core.timer.beat((fn) => {
      wake = fn;
      this.#wakes.add(fn);
    });
    if (wake !== undefined) this.#wakes.delete(wake);
  }

  /** One round of a blocking application: a beat, then what was sent to the session meanwhile. */
  async round(): Promise<void> {
    await this.tick();
    await this.runInline();
    await this.messages.parseAll();
  }

  wake(): void {
    for (const wake of Array.from(this.#wakes)) wake();
    this.#wakes.clear();
    this.#changed?.();
    this.onSignal?.();
  }

  /** Keeps the session from being destroyed until the returned function is called (its read lock). */
  hold(): () => void {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#holds.add(held);
    return () => {
      this.#holds.delete(held);
      release();
    };
  }

  onCleanup(fn: () => void): void {
    this.#cleanups.push(fn);
  }

  /** Puts the channel into a state; the thread follows when its application returns. */
  setState(state: ChannelState, options: { transfer?: boolean } = {}): void {
    if (!this.up) return;
    // Into the state it is in already: the running application ends and nothing follows. FreeSWITCH leaves a second
    // `park_after_bridge` in CS_PARK like that, until a transfer or the hang-up (recording x08).
    this.channel.state = state;
    if (options.transfer === true) this.transferring = true;
    this.wake();
  }

  /** Ends the call; only the first cause counts. Returns whether this was it. */
  hangup(cause: Cause): boolean {
    const channel = this.channel;
    if (channel.hangupCause !== undefined) return false;
    channel.hangupCause = cause;
    channel.state = 'CS_HANGUP';
    channel.answerState = 'hangup';
    channel.emit('CHANNEL_HANGUP');
    // Applications notice at their next frame, or at once when the far end did it (`wake`).
    this.#changed?.();
    this.onSignal?.();
    return true;
  }

  /** A digit from the wire: the digit machine first, what it lets through is queued for the application. */
  receiveDigit(digit: Digit): void {
    if (!this.up) return;
    if (this.digits.active) this.digits.feed(digit.digit);
    else this.#digitQueue.push(digit);
  }

  queueDigit(digit: Digit): void {
    this.#digitQueue.push(digit);
  }

  /** switch_channel_dequeue_dtmf: takes a digit and tells of it. */
  takeDigit(): Digit | undefined {
    const digit = this.#digitQueue.shift();
    if (digit === undefined) return undefined;
    this.channel.digitsDialed += digit.digit;
    this.channel.set('last_dtmf_duration', String(digit.duration));
    this.channel.emit('DTMF', [
      ['DTMF-Digit', digit.digit],
      ['DTMF-Duration', String(digit.duration)],
      ['DTMF-Source', digit.source],
    ]);
    return digit;
  }

  flushDigits(): void {
    this.#digitQueue.length = 0;
  }

  /** Queues an application to be run by the thread between frames, whatever runs (`exec[i]` of a digit action). */
  queueInline(call: AppCall): void {
    this.#inline.push(call);
  }

  async runInline(): Promise<void> {
    for (let call = this.#inline.shift(); call !== undefined; call = this.#inline.shift())
      await this.execute(call.app, call.data);
  }

  /** Runs `fn` once the next queued message has been executed. */
  queueAfterNext(fn: () => void): void {
    this.messages.afterNext = fn;
  }

  stopBroadcast(): void {
    this.#stopBroadcast = true;
    this.breakFlag = true;
  }

  takeStopBroadcast(): boolean {
    const stop = this.#stopBroadcast;
    this.#stopBroadcast = false;
    return stop;
  }

  /** switch_core_session_exec: CHANNEL_EXECUTE, the application, CHANNEL_EXECUTE_COMPLETE. */
  async execute(app: string, data: string, uuid: string = randomUUID()): Promise<void> {
    const channel = this.channel;
    const run = this.core.applications.get(app);
    if (run === undefined) {
      this.core.log.warn('invalid application', { uuid: this.uuid, app });
      if (this.up) this.hangup('DESTINATION_OUT_OF_ORDER');
      return;
    }
    const arg = data.includes('${') || data.includes('$$') ? this.core.expand(data, channel) : data;
    channel.set('current_application', app);
    channel.set('current_application_data', arg);
    channel.set('current_application_response', undefined);
    channel.lastApp = app;
    channel.lastArg = arg;
    const base: [string, string][] = [['Application', app]];
    if (arg !== '') base.push(['Application-Data', arg]);
    channel.emit('CHANNEL_EXECUTE', [...base, ['Application-UUID', uuid]]);
    this.breakFlag = false;
    await run(this, arg);
    channel.emit('CHANNEL_EXECUTE_COMPLETE', [
      ...base,
      ['Application-Response', channel.get('current_application_response') ?? '_none_'],
      ['Application-UUID', uuid],
    ]);
  }

  setResponse(response: string): void {
    this.channel.set('current_application_response', response);
  }

  /** Runs the thread until the channel is destroyed. */
  async run(): Promise<void> {
    try {
      if (this.channel.direction === 'inbound') this.#routeInbound();
      else await this.#initOutbound();
      while (this.up) {
        const state = this.channel.state;
        if (state !== this.channel.runningState) {
          this.transferring = false;
          this.channel.enterState(state);
          await this.#handle(state);
        } else {
          await new Promise<void>((resolve) => {
            this.#changed = resolve;
          });
          this.#changed = undefined;
          // What was sent to a thread that had nothing to do is looked at when something else wakes it (recording x08h2).
          await this.messages.parseAll();
        }
      }
    } catch (error) {
      this.core.log.error('session thread failed', { uuid: this.uuid, error: String((error as Error).stack ?? error) });
      this.hangup('NORMAL_TEMPORARY_FAILURE');
    }
    await this.#end();
  }

  async #initOutbound(): Promise<void> {
    const channel = this.channel;
    channel.enterState('CS_INIT');
    await this.leg.prepare();
    if (!this.up) return;
    channel.state = 'CS_ROUTING';
    channel.emit('CHANNEL_CREATE');
    channel.emit('CHANNEL_ORIGINATE');
  }

  #routeInbound(): void {
    const channel = this.channel;
    channel.enterState('CS_NEW');
    channel.state = 'CS_INIT';
    channel.enterState('CS_INIT');
    channel.state = 'CS_ROUTING';
    channel.emit('CHANNEL_CREATE');
    channel.runningState = 'CS_ROUTING';
    channel.setCallState('RINGING');
    channel.emit('CHANNEL_STATE');
    if (this.up) channel.state = 'CS_EXECUTE';
  }

  async #handle(state: ChannelState): Promise<void> {
    const handler = this.handlers.get(state);
    if (handler !== undefined) return handler(this);
    if (state === 'CS_ROUTING') this.channel.state = 'CS_CONSUME_MEDIA';
    else if (state === 'CS_PARK') await park(this);
    else if (state === 'CS_EXECUTE') await this.#runApps();
    return undefined;
  }

  async #runApps(): Promise<void> {
    const apps = this.apps;
    this.apps = [];
    for (const { app, data } of apps) {
      if (!this.ready) return;
      await this.execute(app, data);
    }
    if (this.ready && this.channel.state === 'CS_EXECUTE') this.hangup('NORMAL_CLEARING');
  }

  async #end(): Promise<void> {
    const channel = this.channel;
    const cause = channel.hangupCause ?? 'NORMAL_CLEARING';
    channel.enterState('CS_HANGUP');
    channel.times.hangup = this.core.bus.now();
    channel.setCallState('HANGUP');
    for (const cleanup of this.#cleanups) cleanup();
    this.displacements.endAll();
    this.digits.clear();
    this.leg.hangup(cause);
    channel.setReport();
    channel.state = 'CS_REPORTING';
    channel.enterState('CS_REPORTING');
    // mod_json_cdr is called before the event goes out (recording x14).
    this.core.cdr.write(channel);
    channel.emit('CHANNEL_HANGUP_COMPLETE', [['Hangup-Cause', cause]]);
    this.#markReported();
    // Whoever still holds the session (a bridge's other thread) delays its destruction.
    while (this.#holds.size > 0) await Promise.all(this.#holds);
    channel.state = 'CS_DESTROY';
    channel.emit('CHANNEL_DESTROY');
    this.core.remove(this);
    channel.enterState('CS_DESTROY');
    this.leg.close();
    this.#markDestroyed();
  }
}
