import type { CommitResult } from '@ringback/durable';
import { type DialerLoop, type DialerWorld, startDialer } from './dialer-process.ts';
import { Life } from './life.ts';
import type { Network, Node } from './network.ts';
import type { Outages } from './outages.ts';
import type { Random } from './random.ts';
import type { Connection } from './store.ts';
import type { VirtualClock } from './virtual-clock.ts';

export const POSTGRES: Node = 'postgres';
/** What the disk of PostgreSQL takes for a commit, µs. */
const FLUSH_US = 900;
/** A connection that is not made is given up after this. */
const CONNECT_US = 500_000;

/** Where a process is to be killed the next time it gets there. */
export type Trap = 'none' | 'before_commit' | 'after_commit' | 'performing';

/** A place for a dialer: one life after the other, each with a memory of its own. */
export class DialerSlot {
  readonly name: string;
  readonly #clock: VirtualClock;
  readonly #network: Network;
  readonly #random: Random;
  readonly #world: Omit<DialerWorld, 'connection' | 'performing'> & Pick<DialerWorld, 'performing'>;
  readonly #restarted: (name: string, why: string) => void;
  readonly #outages: Outages;
  life: Life;
  loop: DialerLoop | undefined;
  trap: Trap = 'none';
  #restartMs = 1_000;
  /** Share of commits whose outcome is not told. */
  unknown = 0;

  constructor(
    name: string,
    clock: VirtualClock,
    network: Network,
    random: Random,
    world: Omit<DialerWorld, 'connection'>,
    restarted: (name: string, why: string) => void,
    outages: Outages,
  ) {
    this.name = name;
    this.#clock = clock;
    this.#network = network;
    this.#random = random;
    this.#world = world;
    this.#restarted = restarted;
    this.#outages = outages;
    outages.begin(name);
    this.life = new Life(name, clock);
  }

  start(): void {
    if (this.loop && this.life.alive) return;
    this.life = new Life(this.name, this.#clock);
    this.#outages.end(this.name);
    this.#restarted(this.name, 'starts');
    this.loop = startDialer(this.life, {
      ...this.#world,
      connection: (life) => this.#connection(life),
      performing: (...effect) => {
        this.#world.performing(...effect);
        if (this.trap === 'performing') this.#trapped();
      },
    });
  }

  /** The process is gone, and started again after so long. */
  kill(restartMs: number, why = 'is killed'): void {
    if (!this.life.alive) return;
    this.life.kill();
    this.#outages.begin(this.name);
    this.#restarted(this.name, why);
    this.#clock.after(restartMs * 1000, () => this.start());
  }

  setTrap(trap: Trap, restartMs: number): void {
    this.trap = trap;
    this.#restartMs = restartMs;
  }

  #trapped(): void {
    const { trap } = this;
    this.trap = 'none';
    this.kill(this.#restartMs, `is killed (${trap})`);
  }

  /** Shut down in order. */
  leave(restartMs: number): void {
    const { loop, life } = this;
    if (!loop || !life.alive || life.paused) return;
    this.#restarted(this.name, 'is told to stop');
    const done = (): void => {
      if (life.alive && life === this.life) this.kill(restartMs, 'has stopped');
    };
    loop.stop().then(done, done);
  }

  #reaches(): boolean {
    return this.#network.reaches(POSTGRES, `${this.name}/postgres`);
  }

  #connection(life: Life): Connection {
    const delayUs = (): number => this.#network.delayUs();
    const wait = <T>(transaction: () => T, us: number): Promise<T> =>
      this.#reaches()
        ? life.ask(delayUs() + us, delayUs(), () => {
            if (!this.#reaches()) throw new Error('Connection terminated unexpectedly');
            return transaction();
          })
        : life.ask(CONNECT_US, 0, () => {
            throw new Error('connect ECONNREFUSED');
          });
    return {
      run: (transaction) => wait(transaction, 0),
      commit: (transaction) => {
        if (this.trap === 'before_commit') this.#trapped();
        return wait((): CommitResult => {
          if (this.trap === 'after_commit') {
            const result = transaction();
            this.#trapped();
            return result;
          }
          if (!this.#random.chance(this.unknown)) return transaction();
          const done = this.#random.chance(0.5);
          if (done) transaction();
          throw new Error(`connection lost (${done ? 'after' : 'before'} COMMIT)`);
        }, FLUSH_US).catch((error: Error): CommitResult => ({ is: 'unknown', error }));
      },
    };
  }
}
