import type { dialer } from '@ringback/contracts';
import { REGISTRAR_LEASE } from '@ringback/kamailio-config-gen';
import type { Logger } from '@ringback/service-kit';
import {
  performRegistration,
  planRegistrations,
  type Record,
  readRegistrations,
  type Wanted,
} from './registrations.ts';
import type { KamailioRpc } from './rpc/client.ts';

export interface RegistrarOptions {
  readonly rpc: KamailioRpc;
  readonly edgeId: string;
  readonly log: Logger;
  /** Epoch ms: Kamailio compares with its own clock, which is this machine's. */
  readonly now: () => number;
  /** Kamailio is there, and knows all it should. */
  readonly serving: () => boolean;
  readonly draining: () => boolean;
  /** Between two turns, ms: far less than the lease lasts. */
  readonly turnMs: number;
  /** Asks the dialer for the lease, keeps it, or gives it back. */
  readonly ask: (request: dialer.HoldRegistrationsRequest) => Promise<dialer.HoldRegistrationsResponse>;
  /** @throws Error when it was sealed with another key, or for another trunk. */
  readonly open: (sealed: Buffer, trunkId: string) => string;
}

/** While something is on its way. */
const BUSY_MS = 300;

/**
 * Keeps registrations at carriers while this edge holds the lease for it. A lease that runs out is in Kamailio as well,
 * which then sends no REGISTER by itself: an agent that is gone, or cut off, cannot keep two edges registering.
 */
export class Registrar {
  readonly #o: RegistrarOptions;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #stopped = false;
  #held = false;
  #trouble = '';
  /** Trunks whose password cannot be opened, and of whom that was said. */
  readonly #unopened = new Set<string>();
  /** As read in the last turn. */
  records: readonly Record[] = [];

  constructor(options: RegistrarOptions) {
    this.#o = options;
  }

  start(): void {
    this.#turn();
  }

  /** The registrations stay, for as long as the lease and they last: whoever restarts the agent goes on with them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Nothing of ours is bound at a registrar any more, or going to be. */
  get idle(): boolean {
    return !this.#held && this.records.length === 0;
  }

  #turn(): void {
    this.#running = this.#pass()
      .catch((error: unknown) => {
        const { message } = error as Error;
        if (message !== this.#trouble) this.#o.log.warn({ err: error }, 'registrations could not be kept');
        this.#trouble = message;
        return this.#o.turnMs;
      })
      .then((pauseMs) => {
        if (!this.#stopped) this.#timer = setTimeout(() => this.#turn(), pauseMs);
      });
  }

  /** @returns when to look again, ms. */
  async #pass(): Promise<number> {
    const { rpc, edgeId, now } = this.#o;
    // The lease runs out by itself, and somebody else may have it.
    if (!this.#o.serving() && !this.#o.draining()) return this.#o.turnMs;
    this.#saw(await readRegistrations(rpc));
    const leaving = this.#o.draining();
    if (leaving && this.idle) return this.#o.turnMs;
    const release = leaving && this.records.length === 0;
    const askedAt = now();
    const states = this.records.map(({ trunkId, registered }) => ({ trunkId, registered }));
    const answer = await this.#o.ask({ edgeId, release, states });
    if (answer.held !== this.#held) {
      this.#o.log.info({ held: answer.held }, 'lease of the registrations');
      this.#held = answer.held;
    }
    const untilS = answer.held ? Math.floor((askedAt + answer.ttlMs) / 1_000) : 0;
    await rpc.call('htable.seti', REGISTRAR_LEASE.table, REGISTRAR_LEASE.key, untilS);
    if (!answer.held) {
      // Without the lease not a word is said to registrars, not even a farewell.
      for (const { trunkId } of this.records) await performRegistration(rpc, { kind: 'remove', trunkId });
      this.#trouble = '';
      return this.#o.turnMs;
    }
    const actions = planRegistrations(leaving ? [] : this.#wanted(answer.registrations), this.records);
    for (const action of actions) await performRegistration(rpc, action);
    this.#trouble = '';
    return leaving || actions.length > 0 || this.records.some(({ ongoing }) => ongoing) ? BUSY_MS : this.#o.turnMs;
  }

  #wanted(registrations: readonly dialer.Registration[]): Wanted[] {
    return registrations.flatMap(({ trunkId, registrar, username, sealedPassword, expiresSeconds }) => {
      try {
        const password = this.#o.open(Buffer.from(sealedPassword), trunkId);
        this.#unopened.delete(trunkId);
        return [{ trunkId, registrar, username, password, expiresSeconds }];
      } catch (error) {
        if (!this.#unopened.has(trunkId))
          this.#o.log.error({ trunk: trunkId, err: error }, 'password cannot be opened');
        this.#unopened.add(trunkId);
        return [];
      }
    });
  }

  #saw(records: readonly Record[]): void {
    const before = new Map(this.records.map(({ trunkId, registered }) => [trunkId, registered]));
    for (const { trunkId, registered, ongoing } of records) {
      // While it is renewed it is neither.
      if (ongoing || before.get(trunkId) === registered) continue;
      if (registered) this.#o.log.info({ trunk: trunkId }, 'registered at the carrier');
      else if (before.get(trunkId) === true)
        this.#o.log.warn({ trunk: trunkId }, 'no longer registered at the carrier');
    }
    this.records = records;
  }
}
