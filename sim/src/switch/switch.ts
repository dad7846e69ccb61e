import { CUT_OFF_CAUSE, type Dialled, type DialPlan, type SwitchWorld } from './world.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { type Channel, type FarEnd, newChannel, Q850, SIP_STATUS } from './channel.ts';
import { aboutChannel, cdrFileOf, endVariables, eventOf, type Headers, offerVariables } from './events.ts';
import type { EslEvent } from '@ringback/esl';

const SECOND = 1_000_000;
/** Between the bye and the file that tells of it. */
const CDR_US = 3_000;

/**
 * One FreeSWITCH, as far as its event socket shows it: channels, scheduled hang-ups by whole seconds, bridges, CDR files.
 * A death takes everything but the files; the next life has another Core-UUID.
 */
export class SimSwitch {
  readonly id: string;
  readonly clock: VirtualClock;
  readonly #world: SwitchWorld;
  readonly channels = new Map<string, Channel>();
  /** CDR files, by name. */
  readonly files = new Map<string, { text: string; writtenMs: number }>();
  core: string;
  up = true;
  paused = false;
  /** What its wall clock is ahead of the true time. */
  #skewUs = 0;
  /** Its wall clock has jumped: times it told are worth little from then on. */
  clockWasSet = false;
  #life = 1;
  #task = 0;
  /** Event sockets that are connected. */
  readonly listeners = new Set<(event: EslEvent) => void>();
  /** Their ends, at its death. */
  readonly closers = new Set<() => void>();

  constructor(id: string, clock: VirtualClock, world: SwitchWorld) {
    this.id = id;
    this.clock = clock;
    this.#world = world;
    this.core = `${id}-core-1`;
  }

  get nowUs(): number {
    return this.clock.nowUs + this.#skewUs;
  }

  setClock(aheadUs: number): void {
    this.#skewUs = aheadUs;
    this.clockWasSet = true;
  }

  /** In this life of the switch. */
  after(us: number, work: () => void): () => void {
    const life = this.#life;
    return this.clock.after(us, () => life === this.#life && work());
  }

  tell(name: string, headers: Headers): void {
    const event = eventOf(name, { ...headers, 'Core-UUID': this.core, 'Event-Date-Timestamp': this.nowUs });
    for (const listener of this.listeners) listener(event);
  }

  die(): void {
    this.up = false;
    this.#life += 1;
    for (const channel of this.channels.values()) {
      this.#world.gone(this, channel, true);
      channel.far.ended();
    }
    this.channels.clear();
    for (const close of this.closers) close();
  }

  /** The next life. */
  start(): void {
    this.up = true;
    this.core = `${this.id}-core-${this.#life}`;
  }

  /** A call comes in: rings, and is rejected by the switch itself after the ring time. */
  offer(id: string, offer: Record<string, string>, ringSeconds: number, far: FarEnd): Channel {
    const channel = newChannel({ id, direction: 'inbound', createdUs: this.nowUs, far, offer, app: 'park' });
    this.channels.set(id, channel);
    this.tell('CHANNEL_CREATE', aboutChannel(channel));
    this.schedule(channel, Math.floor(this.nowUs / SECOND) + ringSeconds, 'USER_BUSY');
    this.tell('CHANNEL_PARK', { ...aboutChannel(channel), ...offerVariables(channel) });
    return channel;
  }

  /** Calls somebody. */
  dial(dialled: Dialled, bridgedBy: string, job?: (text: string) => void): void {
    const { legId } = dialled;
    const plan: DialPlan = this.#world.dial(this, dialled);
    const channel = newChannel({
      id: legId,
      direction: 'outbound',
      createdUs: this.nowUs,
      far: plan.far,
      bridgedBy,
      cutoffSeconds: dialled.cutoffSeconds,
      job,
    });
    this.channels.set(legId, channel);
    this.tell('CHANNEL_CREATE', aboutChannel(channel));
    const give = (us: number, cause: string): void => {
      channel.stops.push(this.after(us, () => channel.answeredUs === 0 && this.hangup(channel, cause, 'send_cancel')));
    };
    give(dialled.answerTimeoutSeconds * SECOND, 'NO_ANSWER');
    if (dialled.progressTimeoutSeconds > 0) {
      channel.stops.push(
        this.after(dialled.progressTimeoutSeconds * SECOND, () => {
          if (channel.progressUs === 0 && channel.answeredUs === 0)
            this.hangup(channel, 'PROGRESS_TIMEOUT', 'send_cancel');
        }),
      );
    }
    const { progressUs, answerUs, refuse } = plan;
    if (progressUs !== undefined) channel.stops.push(this.after(progressUs, () => this.#progress(channel)));
    if (refuse) {
      const { cause, us } = refuse;
      channel.stops.push(
        this.after(us, () => {
          channel.sipStatus = SIP_STATUS[cause] ?? 0;
          this.hangup(channel, cause, 'recv_refuse');
        }),
      );
    } else if (answerUs !== undefined) channel.stops.push(this.after(answerUs, () => this.answer(channel)));
  }

  #progress(channel: Channel): void {
    if (channel.answeredUs > 0 || channel.endedUs > 0) return;
    channel.progressUs = this.nowUs;
    this.tell('CHANNEL_PROGRESS', aboutChannel(channel));
  }

  answer(channel: Channel): void {
    if (channel.endedUs > 0 || channel.answeredUs > 0) return;
    channel.answeredUs = this.nowUs;
    this.#world.answered(this, channel);
    this.tell('CHANNEL_ANSWER', { ...aboutChannel(channel), variable_dtmf_type: 'rfc2833' });
    if (channel.cutoffSeconds > 0) {
      this.schedule(channel, Math.floor(this.nowUs / SECOND) + channel.cutoffSeconds, CUT_OFF_CAUSE);
    }
    channel.far.taken();
    const a = this.channels.get(channel.bridgedBy);
    if (channel.bridgedBy === '') {
      if (channel.direction === 'outbound') this.park(channel);
      channel.job?.(`+OK ${channel.id}`);
      channel.job = undefined;
    } else if (a?.bridge?.b === channel.id) {
      a.bridge.answered = true;
      a.far.connected(true);
      channel.far.connected(true);
    }
  }

  park(channel: Channel): void {
    channel.app = 'park';
    this.tell('CHANNEL_PARK', { ...aboutChannel(channel), ...offerVariables(channel) });
  }

  /** Ends the channel at an epoch second, by the switch's clock; a little late, as its scheduler is. */
  schedule(channel: Channel, runtime: number, cause: string): void {
    const id = `${++this.#task}`;
    const lateUs = this.#world.lateUs();
    const stop = this.after(runtime * SECOND - this.nowUs + lateUs, () => {
      channel.tasks.delete(id);
      this.tell('DEL_SCHEDULE', this.#task_(channel, id, runtime));
      this.hangup(channel, cause, 'send_bye');
    });
    channel.tasks.set(id, { runtime, stop });
    this.tell('ADD_SCHEDULE', this.#task_(channel, id, runtime));
  }

  #task_(channel: Channel, id: string, runtime: number): Headers {
    return {
      'Task-ID': id,
      'Task-Desc': 'switch_ivr_schedule_hangup',
      'Task-Group': channel.id,
      'Task-Runtime': runtime,
    };
  }

  /** By Task-ID, or the whole group of a channel. */
  unschedule(idOrGroup: string): boolean {
    let found = false;
    for (const channel of this.channels.values()) {
      for (const [id, { runtime, stop }] of channel.tasks) {
        if (id !== idOrGroup && channel.id !== idOrGroup) continue;
        stop();
        channel.tasks.delete(id);
        this.tell('DEL_SCHEDULE', this.#task_(channel, id, runtime));
        found = true;
      }
    }
    return found;
  }

  hangup(channel: Channel, cause: string, disposition: string): void {
    if (channel.endedUs > 0) return;
    channel.endedUs = this.nowUs;
    channel.cause = cause;
    channel.q850 = Q850[cause] ?? 16;
    channel.disposition = disposition;
    for (const stop of channel.stops) stop();
    for (const { stop } of channel.tasks.values()) stop();
    channel.playback?.stop();
    this.#world.gone(this, channel, false);
    channel.far.ended();
    this.#leaveBridge(channel);
    this.tell('CHANNEL_HANGUP_COMPLETE', {
      ...aboutChannel(channel),
      ...offerVariables(channel),
      ...endVariables(channel),
      'Hangup-Cause': cause,
    });
    channel.job?.(`-ERR ${cause}`);
    this.channels.delete(channel.id);
    this.after(CDR_US, () => {
      const text = cdrFileOf(channel, this.core);
      this.files.set(`${channel.id}.cdr.json`, { text, writtenMs: this.nowUs / 1000 });
    });
  }

  #leaveBridge(channel: Channel): void {
    const { bridge } = channel;
    if (bridge) {
      channel.bridge = undefined;
      this.bridgeOver(channel, bridge.commandId, channel.cause);
      const b = this.channels.get(bridge.b);
      if (b) this.hangup(b, b.answeredUs > 0 ? 'NORMAL_CLEARING' : 'ORIGINATOR_CANCEL', 'send_bye');
      return;
    }
    const a = this.channels.get(channel.bridgedBy);
    if (a?.bridge?.b !== channel.id) return;
    const { commandId } = a.bridge;
    a.bridge = undefined;
    a.far.connected(false);
    // A comes back a moment later.
    this.after(2_000, () => {
      this.bridgeOver(a, commandId, channel.answeredUs > 0 ? 'NORMAL_CLEARING' : channel.cause);
      if (a.endedUs === 0) this.park(a);
    });
  }

  /** The application bridge is over on A. */
  bridgeOver(a: Channel, commandId: string, cause: string): void {
    this.tell('CHANNEL_EXECUTE_COMPLETE', {
      ...aboutChannel(a),
      Application: 'bridge',
      'Application-UUID': commandId,
      variable_originate_disposition: cause,
      variable_last_bridge_hangup_cause: cause,
    });
  }

  /** A key is pressed at the far end. */
  key(channel: Channel, digit: string): void {
    if (channel.endedUs > 0 || channel.answeredUs === 0) return;
    this.tell('DTMF', { ...aboutChannel(channel), 'DTMF-Digit': digit, 'DTMF-Source': 'RTP' });
    if (!channel.bridge || channel.endCode === '') return;
    channel.keyed = (channel.keyed + digit).slice(-channel.endCode.length);
    if (channel.keyed !== channel.endCode) return;
    channel.keyed = '';
    this.tell('CUSTOM', { ...aboutChannel(channel), 'Event-Subclass': 'ringback::endcode' });
  }
}
