import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseConfig, silentLog, startSwitch } from '../../src/index.ts';
import { EslClient, type EslEvent, type EslReply, eventHeader } from './esl-client.ts';
import { FarEnds } from './far-end.ts';
import { planOf, type Step } from './plan.ts';
import { header, type RecordedItem, type Recording, uniqueId } from './recording.ts';
import { NOBODY, portsOf, profileOf, triggerHeaders, writeSounds } from './scene.ts';

export interface Replayed {
  events: EslEvent[];
  /** Recorded text and what was answered here, per command. */
  replies: { command: string; recorded: string; actual: string }[];
  /** Actual Unique-ID → recorded. */
  legs: Map<string, string>;
  /** Actual port → recorded port, for names of channels. */
  ports: Map<string, string>;
  /** A step whose turn never came. */
  stuck: string | undefined;
}

/** How long a step waits for the events that were recorded before it. */
const STEP_MS = 6000;
/** After the last event: time for what should not come. */
const TAIL_MS = 200;

/** Plays a recording against a fresh switch. */
export async function replay(recording: Recording): Promise<Replayed> {
  const sounds = mkdtempSync(join(tmpdir(), 'dev-switch-sounds-'));
  writeSounds(recording, sounds);
  const running = await startSwitch(
    parseConfig({
      name: 'vm',
      sip: { host: '127.0.0.1', port: 0, sessionExpires: 0, profile: profileOf(recording) },
      esl: { host: '127.0.0.1', port: 0, password: 'ClueCon' },
      rtp: nextPorts(),
      edges: [],
      maxSessions: 5000,
      sessionsPerSecond: 200,
      variables: {},
      liberalDtmf: profileOf(recording).includes('liberal'),
      dialplan: recording.items.some((item) => triggerHeaders(recording, uniqueId(item) ?? '').length > 0)
        ? 'road'
        : 'park',
      soundsDir: sounds,
    }),
    silentLog,
  );
  const far = await FarEnds.open(running.sip, portsOf(recording));
  try {
    return await new Player(recording, sounds, running.esl.port, running.sip.port, far).play();
  } finally {
    await far.close();
    await running.stop();
    rmSync(sounds, { recursive: true });
  }
}

let lastBase = 20_000;
function nextPorts(): { from: number; to: number } {
  lastBase = lastBase >= 59_000 ? 20_000 : lastBase + 200;
  return { from: lastBase, to: lastBase + 198 };
}

class Player {
  readonly #recording: Recording;
  readonly #sounds: string;
  readonly #eslPort: number;
  readonly #far: FarEnds;
  readonly #events: EslEvent[] = [];
  readonly #replies: Replayed['replies'] = [];
  /** Recorded → actual Unique-ID of inbound legs (outbound ones keep theirs). */
  readonly #inbound = new Map<string, string>();
  readonly #legs = new Map<string, string>();
  readonly #ports: [recorded: string, actual: string][];
  readonly #waiters = new Set<() => void>();
  #client: EslClient | undefined;
  /** Commands under way that hold events back. */
  #blocking = 0;
  #done = false;

  constructor(recording: Recording, sounds: string, eslPort: number, sipPort: number, far: FarEnds) {
    this.#recording = recording;
    this.#sounds = sounds;
    this.#eslPort = eslPort;
    this.#far = far;
    this.#ports = [
      ...Array.from(far.agents, ([port, agent]): [string, string] => [port, String(agent.address.port)]),
      ['5080', String(sipPort)],
    ];
  }

  async play(): Promise<Replayed> {
    const { items } = this.#recording;
    let stuck: string | undefined;
    let clock = performance.now();
    let recordedClock = 0;
    let last = 0;
    for (const step of planOf(this.#recording)) {
      const recordedPause = Math.max(0, step.t - recordedClock) * 1000;
      if (this.#blocking === 0 && !(await this.#waitFor(items.slice(0, step.before), recordedPause))) {
        stuck = `waited in vain for what comes before ${describe(step)}: ${this.#missing(items.slice(0, step.before)).join(', ')}`;
        break;
      }
      // The pauses of the recording are kept between steps; what a pause is for shows in the events.
      const due = clock + (step.t - recordedClock) * 1000;
      if ('connect' in step) recordedClock = step.t;
      else {
        await delay(Math.max(0, Math.min(due - performance.now(), 6000)));
        recordedClock = step.t;
      }
      if ('send' in step && step.send.startsWith('bgapi originate') && step.t - last > 1) await this.#secondBegins();
      last = step.t;
      clock = performance.now();
      await this.#run(step);
    }
    if (
      stuck === undefined &&
      !(await this.#waitFor(items, Math.max(0, (items.at(-1)?.t ?? 0) - recordedClock) * 1000))
    )
      stuck = `these never came: ${this.#missing(items).join(', ')}`;
    await delay(TAIL_MS);
    this.#done = true;
    this.#client?.close();
    return {
      events: this.#events,
      replies: this.#replies,
      legs: this.#legs,
      ports: new Map(this.#ports.map(([recorded, actual]) => [actual, recorded])),
      stuck,
    };
  }

  async #run(step: Step): Promise<void> {
    if ('connect' in step) {
      this.#client = await EslClient.open(this.#eslPort);
      this.#client.onEvent = (event) => this.#receive(event);
    } else if ('send' in step) {
      const command = this.#translate(step.send);
      const recorded = this.#recording.items.slice(step.before + 1).find((item) => item.reply !== undefined);
      const take = (reply: EslReply | undefined): void =>
        void this.#replies.push({ command: step.send, recorded: recorded?.text ?? '', actual: reply?.text ?? '' });
      const reply = this.#client?.send(command);
      // Its reply comes with the call's outcome, and the connection's events wait for it.
      if (!command.startsWith('api originate {')) take(await reply);
      else {
        this.#blocking += 1;
        void reply?.then((text) => {
          this.#blocking -= 1;
          take(text);
        });
      }
    } else {
      const known = this.#recording.items.find(
        (item) => uniqueId(item) === step.leg && header(item, 'Caller-Destination-Number') !== undefined,
      ) ?? { t: 0 };
      const port = /:(\d+)$/.exec(header(known, 'Channel-Name') ?? '')?.[1] ?? '';
      // That nobody listens the switch finds out by itself.
      if (port === NOBODY) return;
      const remoteSdp = this.#recording.items.find(
        (item) => uniqueId(item) === step.leg && header(item, 'variable_switch_r_sdp') !== undefined,
      ) ?? { t: 0 };
      const who = {
        user: header(known, 'Caller-Destination-Number') ?? '',
        caller: this.#fromUser(step.leg) ?? header(known, 'Caller-Username') ?? '',
        port,
        headers: [...triggerHeaders(this.#recording, step.leg), ...this.#asserted(step.leg, known)],
        telephoneEvent: header(remoteSdp, 'variable_switch_r_sdp')?.includes('telephone-event') !== false,
      };
      await this.#far.act(step.leg, who, step.act);
    }
  }

  /** Sessions per second are counted by the clock's second: a burst is to fall into one. */
  async #secondBegins(): Promise<void> {
    if (this.#recording.items.some((item) => item.send?.startsWith('api fsctl sps ') === true))
      await delay(1000 - (Date.now() % 1000));
  }

  #fromUser(leg: string): string | undefined {
    const item = this.#recording.items.find(
      (other) => uniqueId(other) === leg && header(other, 'variable_sip_from_user') !== undefined,
    );
    return item === undefined ? undefined : header(item, 'variable_sip_from_user');
  }

  /** P-Asserted-Identity, where the caller was not who From said. */
  #asserted(leg: string, known: RecordedItem): [string, string][] {
    const number = header(known, 'Caller-Caller-ID-Number');
    return number === undefined || number === this.#fromUser(leg)
      ? []
      : [['P-Asserted-Identity', `<sip:${number}@127.0.0.1>`]];
  }

  #translate(command: string): string {
    let out = command
      .replaceAll(/\/(?:[\w.-]+\/)+(?=[\w-]+\.wav)/g, `${this.#sounds}/`)
      .replace(/^auth PLACEHOLDER$/, 'auth ClueCon');
    for (const [recorded, actual] of this.#ports) out = out.replaceAll(`127.0.0.1:${recorded}`, `127.0.0.1:${actual}`);
    out = out.replaceAll(`127.0.0.1:${NOBODY}`, '127.0.0.1:9');
    out = out.replace(/^api sched_del (\d+)$/, (all, id: string) => `api sched_del ${this.#task(id) ?? all}`);
    for (const [recorded, actual] of this.#inbound) out = out.replaceAll(recorded, actual);
    return out;
  }

  /** The id that the task recorded as `id` has here: the same one of its group. */
  #task(id: string): string | undefined {
    const added = this.#recording.items.filter((item) => header(item, 'Event-Name') === 'ADD_SCHEDULE');
    const group = header(added.find((item) => header(item, 'Task-ID') === id) ?? { t: 0 }, 'Task-Group');
    const nth = added
      .filter((item) => header(item, 'Task-Group') === group)
      .findIndex((item) => header(item, 'Task-ID') === id);
    const here = this.#events.filter(
      (event) => eventHeader(event, 'Event-Name') === 'ADD_SCHEDULE' && eventHeader(event, 'Task-Group') === group,
    );
    return here[nth] === undefined ? undefined : eventHeader(here[nth], 'Task-ID');
  }

  #receive(event: EslEvent): void {
    if (this.#done) return;
    const actual = eventHeader(event, 'Unique-ID');
    if (actual !== undefined && !this.#legs.has(actual))
      this.#identify(actual, eventHeader(event, 'Call-Direction') ?? '');
    this.#events.push(event);
    for (const waiter of this.#waiters) waiter();
  }

  /** Legs without a given uuid are told apart by their order. */
  #identify(actual: string, direction: string): void {
    const recorded: string[] = [];
    for (const item of this.#recording.items) {
      const leg = uniqueId(item);
      if (leg !== undefined && header(item, 'Call-Direction') === direction && !recorded.includes(leg))
        recorded.push(leg);
    }
    if (recorded.includes(actual)) {
      this.#legs.set(actual, actual);
      return;
    }
    const taken = new Set(this.#legs.values());
    const next = recorded.find(
      (leg) =>
        !taken.has(leg) &&
        !this.#recording.items.some((item) => item.send?.includes(`origination_uuid=${leg}`) === true),
    );
    this.#legs.set(actual, next ?? actual);
    if (next !== undefined) this.#inbound.set(next, actual);
  }

  /** Event names still missing, per leg. */
  #missing(items: RecordedItem[]): string[] {
    const wanted = new Map<string, number>();
    for (const item of items) {
      const name = header(item, 'Event-Name');
      if (name === undefined || NOT_AWAITED.has(name)) continue;
      const key = `${uniqueId(item) ?? ''} ${name}`;
      wanted.set(key, (wanted.get(key) ?? 0) + 1);
    }
    for (const event of this.#events) {
      const actual = eventHeader(event, 'Unique-ID') ?? '';
      const key = `${this.#legs.get(actual) ?? actual} ${eventHeader(event, 'Event-Name') ?? ''}`;
      const left = wanted.get(key);
      if (left !== undefined) wanted.set(key, left - 1);
    }
    return [...wanted].filter(([, count]) => count > 0).map(([key]) => key);
  }

  async #waitFor(items: RecordedItem[], recordedPause: number): Promise<boolean> {
    if (this.#missing(items).length === 0) return true;
    return new Promise((resolve) => {
      const finish = (result: boolean): void => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        resolve(result);
      };
      const look = (): void => {
        if (this.#missing(items).length === 0) finish(true);
      };
      const timer = setTimeout(() => finish(false), STEP_MS + recordedPause);
      this.#waiters.add(look);
    });
  }
}

/** Told at moments of their own, or too many to wait for each. */
const NOT_AWAITED = new Set([
  'CHANNEL_STATE',
  'CALL_UPDATE',
  'CODEC',
  'PRIVATE_COMMAND',
  'HEARTBEAT',
  'RE_SCHEDULE',
  'PRESENCE_IN',
  'COMMAND',
  'API',
]);

function describe(step: Step): string {
  if ('connect' in step) return 'connecting';
  return 'send' in step ? `"${step.send.split('\n')[0]?.slice(0, 60)}"` : `the far end's ${step.act.do}`;
}
