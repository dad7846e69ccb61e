import type { Latencies } from '../support/latencies.ts';
import type { EslServer, Headers } from './esl-server.ts';

/** One caller of the load. */
export interface Caller {
  number: string;
  accessNumber: string;
}

/** How the callers behave, in ms. */
export interface Behaviour {
  /** From the trigger until the caller has hung up. */
  triggerMs: number;
  /** From an answered leg B until A hangs up. */
  talkMs: number;
  /** How long each prompt plays. */
  promptMs: number;
  /** What everybody keys when asked for a destination. */
  destination: string;
  /** From the end of a callback until its caller rings again. */
  restMs: number;
  /** Added by the platform on purpose between trigger and callback. */
  callbackDelayMs: number;
}

interface Leg {
  id: string;
  direction: 'inbound' | 'outbound';
  createdUs: number;
  answeredUs: number;
  caller: Caller;
  /** Playback under way. */
  playing: { id: string; timer: NodeJS.Timeout } | undefined;
  bridge: { id: string; legId: string } | undefined;
}

const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);

/**
 * The other side of the event socket, played from a script: no SIP, no RTP. Events and their order are those of the
 * recordings of a real FreeSWITCH, cut down to the headers an agent reads.
 */
export class ScriptedSwitch {
  readonly #esl: () => EslServer;
  readonly #behaviour: Behaviour;
  readonly #latencies: Latencies;
  readonly #legs = new Map<string, Leg>();
  /** When callers who rang here hung up, by number; another switch may be the one to call back. */
  readonly #hungUp = new Map<string, number>();
  /** When something happened that the platform has to answer, by leg and what is awaited. */
  readonly #asked = new Map<string, number>();
  #tasks = 0;
  completed = 0;
  /** Ended before A and B were up. */
  broken = 0;
  onFree: (caller: Caller) => void = () => {};

  constructor(esl: () => EslServer, behaviour: Behaviour, latencies: Latencies) {
    this.#esl = esl;
    this.#behaviour = behaviour;
    this.#latencies = latencies;
  }

  /** Rings the access number, and hangs up. */
  trigger(caller: Caller): void {
    const leg = this.#leg(crypto.randomUUID(), 'inbound', caller);
    const { number, accessNumber } = caller;
    const trace = crypto.randomUUID().replaceAll('-', '');
    this.#tell('CHANNEL_PARK', leg, {
      'Answer-State': 'ringing',
      'variable_sip_h_X-Ringback-Caller': number,
      'variable_sip_h_X-Ringback-Access-Number': accessNumber,
      'variable_sip_h_X-Ringback-Trunk': 'carrier',
      'variable_sip_h_X-Ringback-Trusted': '1',
      'variable_sip_h_X-Ringback-Mode': 'callback',
      'variable_sip_h_X-Ringback-Country': 'PL',
      'variable_sip_h_X-Traceparent': `00-${trace}-${trace.slice(0, 16)}-00`,
    });
    setTimeout(() => {
      this.#end(leg, 'ORIGINATOR_CANCEL');
      this.#hungUp.set(number, performance.now());
    }, this.#behaviour.triggerMs);
  }

  api(line: string): string {
    const [command = '', uuid = '', second = ''] = line.split(' ');
    switch (command) {
      case 'version':
        return 'FreeSWITCH Version 0.0.0-scripted';
      case 'strepoch':
        return String(Math.floor(Date.now() / 1000));
      case 'show':
        return '{"row_count":0}';
      case 'uuid_exists':
        return String(this.#legs.has(uuid));
      case 'uuid_dump':
        return '-ERR No such channel!';
      case 'sched_hangup': {
        // The time comes first here.
        const leg = this.#legs.get(second);
        if (!leg) return '-ERR No such channel!';
        this.#schedule(leg, uuid);
        return '+OK';
      }
      case 'sched_del':
        return '+OK Deleted: 1';
      case 'uuid_kill': {
        const leg = this.#legs.get(uuid);
        if (!leg) return '-ERR No such channel!';
        setImmediate(() => this.#hangUp(leg, second || 'NORMAL_CLEARING'));
        return '+OK';
      }
      case 'uuid_break': {
        const leg = this.#legs.get(uuid);
        if (leg) this.#played(leg);
        return '+OK';
      }
      default:
        return '+OK';
    }
  }

  /** `originate {variables}endpoint &park()`. */
  background(line: string): string {
    const id = variable(line, 'origination_uuid');
    const number = /sofia\/[^/]+\/(\+?\d+)@/.exec(line)?.[1] ?? '';
    const accessNumber = variable(line, 'origination_caller_id_number');
    const hungUpMs = this.#hungUp.get(number);
    if (hungUpMs !== undefined) {
      this.#hungUp.delete(number);
      const lateMs = performance.now() - hungUpMs - this.#behaviour.callbackDelayMs;
      this.#latencies.add('trigger over → originate, less the delay', lateMs);
    }
    const leg = this.#leg(id, 'outbound', { number, accessNumber });
    this.#tell('CHANNEL_CREATE', leg, {});
    this.#tell('CHANNEL_PROGRESS', leg, {});
    this.#answer(leg, line);
    this.#tell('CHANNEL_PARK', leg, { 'Answer-State': 'answered' });
    this.#ask(leg, 'A answered → first prompt');
    return `+OK ${id}`;
  }

  execute(uuid: string, app: string, argument: string, id: string): void {
    const leg = this.#legs.get(uuid);
    if (!leg) return;
    if (app === 'playback') this.#play(leg, argument, id);
    if (app === 'bridge') this.#bridge(leg, argument, id);
  }

  #play(leg: Leg, file: string, id: string): void {
    this.#answered(leg, 'A answered → first prompt');
    this.#answered(leg, 'destination keyed → quote');
    leg.playing = { id, timer: setTimeout(() => this.#played(leg), this.#behaviour.promptMs) };
    if (file.includes('ask_destination')) {
      this.#ask(leg, 'destination keyed → quote');
      for (const digit of `${this.#behaviour.destination}#`) {
        this.#tell('DTMF', leg, { 'DTMF-Digit': digit, 'DTMF-Source': 'RTP' });
      }
    }
  }

  #played(leg: Leg): void {
    const { playing } = leg;
    if (!playing) return;
    clearTimeout(playing.timer);
    leg.playing = undefined;
    this.#tell('CHANNEL_EXECUTE_COMPLETE', leg, {
      Application: 'playback',
      'Application-UUID': playing.id,
      'Application-Response': 'FILE PLAYED',
      'Answer-State': 'answered',
    });
    this.#ask(leg, 'quote told → bridge');
  }

  #bridge(a: Leg, argument: string, id: string): void {
    this.#answered(a, 'quote told → bridge');
    const b = this.#leg(variable(argument, 'origination_uuid'), 'outbound', a.caller);
    a.bridge = { id, legId: b.id };
    this.#tell('CHANNEL_OUTGOING', b, {});
    this.#tell('CHANNEL_PROGRESS', b, {});
    this.#answer(b, argument);
    setTimeout(() => this.#hangUp(a, 'NORMAL_CLEARING'), this.#behaviour.talkMs);
  }

  #hangUp(leg: Leg, cause: string): void {
    if (!this.#legs.has(leg.id)) return;
    const b = leg.bridge && this.#legs.get(leg.bridge.legId);
    if (b) {
      this.#end(b, cause);
      this.#tell('CHANNEL_EXECUTE_COMPLETE', leg, {
        Application: 'bridge',
        'Application-UUID': leg.bridge?.id ?? '',
        'Answer-State': 'hangup',
        variable_originate_disposition: 'SUCCESS',
      });
      this.completed += 1;
    } else if (leg.direction === 'outbound') {
      this.broken += 1;
    }
    this.#end(leg, cause);
    if (leg.direction === 'outbound') this.onFree(leg.caller);
  }

  #leg(id: string, direction: Leg['direction'], caller: Caller): Leg {
    const leg: Leg = {
      id,
      direction,
      caller,
      createdUs: nowUs(),
      answeredUs: 0,
      playing: undefined,
      bridge: undefined,
    };
    this.#legs.set(id, leg);
    return leg;
  }

  #answer(leg: Leg, dialString: string): void {
    leg.answeredUs = nowUs();
    this.#tell('CHANNEL_ANSWER', leg, { 'Answer-State': 'answered' });
    const seconds = /sched_hangup \+(\d+)/.exec(dialString)?.[1];
    if (seconds) this.#schedule(leg, `+${seconds}`);
  }

  #schedule(leg: Leg, when: string): void {
    this.#tasks += 1;
    const epoch = when.startsWith('+') ? Math.floor(Date.now() / 1000) + Number(when.slice(1)) : Number(when);
    this.#esl().event('ADD_SCHEDULE', {
      'Task-ID': this.#tasks,
      'Task-Desc': 'switch_ivr_schedule_hangup',
      'Task-Group': leg.id,
      'Task-Runtime': epoch,
    });
  }

  #end(leg: Leg, cause: string): void {
    if (leg.playing) clearTimeout(leg.playing.timer);
    this.#legs.delete(leg.id);
    for (const what of this.#asked.keys()) if (what.startsWith(leg.id)) this.#asked.delete(what);
    this.#tell('CHANNEL_HANGUP_COMPLETE', leg, {
      'Answer-State': 'hangup',
      'Hangup-Cause': cause,
      variable_hangup_cause_q850: 16,
      'Caller-Channel-Hangup-Time': nowUs(),
    });
  }

  #tell(name: string, leg: Leg, headers: Headers): void {
    this.#esl().event(name, {
      'Unique-ID': leg.id,
      'Call-Direction': leg.direction,
      'Caller-Channel-Created-Time': leg.createdUs,
      'Caller-Channel-Answered-Time': leg.answeredUs,
      ...headers,
    });
  }

  #ask(leg: Leg, what: string): void {
    this.#asked.set(`${leg.id} ${what}`, performance.now());
  }

  #answered(leg: Leg, what: string): void {
    const key = `${leg.id} ${what}`;
    const since = this.#asked.get(key);
    if (since === undefined) return;
    this.#asked.delete(key);
    this.#latencies.add(what, performance.now() - since);
  }
}

const variable = (dialString: string, name: string): string =>
  new RegExp(`[[{,]${name}=([^,\\]}]+)`).exec(dialString)?.[1] ?? '';
