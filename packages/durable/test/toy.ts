import type {
  Clock,
  Lease,
  Loop,
  LoopOptions,
  Machine,
  Observer,
  Outcome,
  Parked,
  Performer,
  Source,
  Sourced,
} from '@ringback/durable';

/** A counter that owes the world one effect a count: the smallest thing the loop can keep. */
export interface Counter {
  over?: boolean;
  count: number;
  told: number;
}
export type CounterEvent = 'count' | 'throw' | 'close' | 'told';
export type CounterEffect = { tell: number };

export const counterMachine: Machine<Counter, CounterEvent, CounterEffect> = {
  version: 1,
  encode: (state) => JSON.stringify(state),
  decode: (_, text) => JSON.parse(text) as Counter,
  aliases: () => [],
  step(state = { count: 0, told: 0 }, trigger, context) {
    const event = trigger.type === 'event' ? trigger.event : trigger.type === 'outcome' ? trigger.outcome : undefined;
    if (event === 'throw') throw new Error('this event is poison');
    const decision = { state, effects: [], timers: {}, facts: [], closed: state.over === true };
    if (event === 'count') {
      const count = state.count + 1;
      return {
        ...decision,
        state: { ...state, count },
        effects: [{ lane: 'l', body: { tell: count }, giveUpAfterMs: 60_000 }],
      };
    }
    if (event === 'told') return { ...decision, state: { ...state, told: state.told + 1 } };
    return { ...decision, state: { ...state, over: true }, closed: true, facts: [{ closed: context.sessionId }] };
  },
};

/** A stream in memory that several loops read, each from its own cursor. */
export class Stream {
  readonly messages: Omit<Sourced<CounterEvent>, 'streamSeq' | 'last' | 'stream'>[] = [];
  readonly #readers = new Set<() => void>();

  publish(shard: number, seq: number, event: CounterEvent, key = `k${shard}`): void {
    this.messages.push({ shard, source: 's/1', seq, address: { key }, kind: event, opens: true, event });
    for (const wake of this.#readers) wake();
  }

  source(): Source<CounterEvent> & { republished: [string, number[]][] } {
    let reading = 0;
    let wake = (): void => {};
    const source = {
      republished: [] as [string, number[]][],
      read: (leases: Lease[], deliver: (events: Sourced<CounterEvent>[]) => Promise<void>) => {
        const mine = ++reading;
        const shards = new Set(leases.map(({ shard }) => shard));
        let at = leases.length === 0 ? this.messages.length : Math.min(...leases.map(({ cursor }) => cursor));
        this.#readers.delete(wake);
        let busy = false;
        wake = () => {
          if (busy) return;
          busy = true;
          void (async () => {
            while (mine === reading && at < this.messages.length) {
              const message = this.messages[at]!;
              at += 1;
              if (shards.has(message.shard)) await deliver([{ ...message, streamSeq: at, last: true, stream: 'one' }]);
            }
            busy = false;
          })();
        };
        this.#readers.add(wake);
        wake();
        return Promise.resolve();
      },
      republish: (name: string, shards: number[]) => void source.republished.push([name, shards]),
      progress: () => {},
      close: () => {
        reading += 1;
        this.#readers.delete(wake);
        return Promise.resolve();
      },
    };
    return source;
  }
}

export const realClock: Clock = {
  nowUs: () => Date.now() * 1000,
  newId: () => crypto.randomUUID(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};

/** Remembers by effect id what was performed, and in which epoch, as an agent would. */
export class Agent implements Performer<CounterEvent, CounterEffect> {
  readonly performed = new Map<string, number>();
  readonly attempts: { id: string; epoch: number }[] = [];
  /** Effects wait for this. */
  gate: Promise<void> = Promise.resolve();

  async perform({
    id,
    epoch,
    body,
  }: {
    id: string;
    epoch: number;
    body: CounterEffect;
  }): Promise<Outcome<CounterEvent>> {
    this.attempts.push({ id, epoch });
    this.performed.set(id, body.tell);
    await this.gate;
    return { done: true, event: 'told' };
  }
}

export class Watcher implements Observer<Counter, CounterEvent, CounterEffect> {
  readonly parkedEvents: Parked[] = [];
  readonly notes: string[] = [];
  fatalError: Error | undefined;
  #waiting: (() => void)[] = [];

  committed(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
  parked(parked: Parked): void {
    this.parkedEvents.push(parked);
  }
  note(_level: string, message: string): void {
    this.notes.push(message);
    for (const wake of this.#waiting.splice(0)) wake();
  }
  fatal(error: Error): void {
    this.fatalError = error;
  }
  /** Resolves at the first commit (or note) after which `holds` is true. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.fatalError) throw this.fatalError;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }
}

export type CounterLoop = Loop<Counter, CounterEvent, CounterEffect>;
export type CounterOptions = LoopOptions<Counter, CounterEvent, CounterEffect>;
