import type { Logger } from '@ringback/service-kit';
import { type Kube, KubeError } from './client.ts';
import { KINDS, type KubeObject } from './objects.ts';

export interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

export interface LeaseTimes {
  /** Others may take a lease that was not renewed for so long, ms. */
  readonly durationMs: number;
  /** A leader that could not renew for so long is none any more: shorter than the duration, so that there are never two. */
  readonly renewWithinMs: number;
  /** Between two looks, ms. */
  readonly everyMs: number;
}

export const LEASE_TIMES: LeaseTimes = { durationMs: 15_000, renewWithinMs: 10_000, everyMs: 2_000 };

/** What was last seen of a lease, and since when by our own clock: clocks of others are not to be trusted. */
export interface Seen {
  readonly resourceVersion: string;
  readonly since: number;
}

export type LeaseStep = 'create' | 'renew' | 'take' | 'wait';

/** What to do about a lease. Expiry counts from when *we* saw it change last. */
export function leaseStep(lease: Lease | undefined, seen: Seen | undefined, me: string, now: number): LeaseStep {
  if (lease === undefined) return 'create';
  const { holderIdentity = '', leaseDurationSeconds = 0 } = lease.spec;
  if (holderIdentity === me) return 'renew';
  if (holderIdentity === '') return 'take';
  if (seen === undefined || seen.resourceVersion !== lease.metadata.resourceVersion) return 'wait';
  return now - seen.since > leaseDurationSeconds * 1000 ? 'take' : 'wait';
}

/** Whoever holds the Lease acts; others watch, and are ready to. */
export class LeaderElection {
  readonly #kube: Kube;
  readonly #name: string;
  readonly #namespace: string;
  readonly #me: string;
  readonly #times: LeaseTimes;
  readonly #log: Logger;
  readonly #gained: () => void;
  readonly #lost: () => void;
  #seen: Seen | undefined;
  #renewedAt = 0;
  #leading = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #lease: Lease | undefined;

  constructor(options: {
    readonly kube: Kube;
    readonly name: string;
    readonly namespace: string;
    readonly me: string;
    readonly times?: LeaseTimes;
    readonly log: Logger;
    readonly gained: () => void;
    readonly lost: () => void;
  }) {
    this.#kube = options.kube;
    this.#name = options.name;
    this.#namespace = options.namespace;
    this.#me = options.me;
    this.#times = options.times ?? LEASE_TIMES;
    this.#log = options.log;
    this.#gained = options.gained;
    this.#lost = options.lost;
  }

  get leading(): boolean {
    return this.#leading && performance.now() - this.#renewedAt < this.#times.renewWithinMs;
  }

  start(): void {
    this.#running = this.#turn();
  }

  async #turn(): Promise<void> {
    const began = performance.now();
    try {
      await this.#step(began);
    } catch (error) {
      const raced = error instanceof KubeError && (error.status === 409 || error.status === 404);
      if (!raced) this.#log.warn({ err: error }, 'the lease cannot be looked at');
    }
    if (this.#leading && performance.now() - this.#renewedAt >= this.#times.renewWithinMs) this.#resign();
    if (this.#stopped) return;
    this.#timer = setTimeout(() => this.start(), Math.max(0, this.#times.everyMs - (performance.now() - began)));
  }

  #resign(): void {
    this.#leading = false;
    this.#log.warn('leader no more: the lease could not be renewed in time');
    this.#lost();
  }

  async #step(now: number): Promise<void> {
    const lease = await this.#kube.get<Lease>(KINDS.Lease, this.#name, this.#namespace);
    const version = lease?.metadata.resourceVersion ?? '';
    const step = leaseStep(lease, this.#seen, this.#me, now);
    if (this.#seen?.resourceVersion !== version) this.#seen = { resourceVersion: version, since: now };
    if (step === 'wait') {
      if (this.#leading) this.#resign();
      return;
    }
    const time = new Date().toISOString().replace('Z', '000Z');
    const taken = step !== 'renew';
    const spec: Lease['spec'] = {
      holderIdentity: this.#me,
      leaseDurationSeconds: Math.ceil(this.#times.durationMs / 1000),
      acquireTime: taken ? time : lease?.spec.acquireTime,
      renewTime: time,
      leaseTransitions: (lease?.spec.leaseTransitions ?? -1) + (taken ? 1 : 0),
    };
    const metadata = { ...lease?.metadata, name: this.#name, namespace: this.#namespace };
    this.#lease =
      lease === undefined
        ? await this.#kube.create(KINDS.Lease, { metadata, spec })
        : await this.#kube.replace(KINDS.Lease, { metadata, spec });
    // From when we asked: the server may have counted from then.
    this.#renewedAt = now;
    if (this.#leading) return;
    this.#leading = true;
    this.#log.info({ transitions: spec.leaseTransitions }, 'leader');
    this.#gained();
  }

  /** Gives the lease back, so that the next one need not wait for its end. Call it when nothing acts any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    if (!this.#leading || !this.#lease) return;
    this.#leading = false;
    const { metadata, spec } = this.#lease;
    try {
      await this.#kube.replace(KINDS.Lease, {
        metadata,
        spec: { ...spec, holderIdentity: '', leaseDurationSeconds: 1 },
      });
    } catch (error) {
      this.#log.warn({ err: error }, 'the lease could not be given back; the next leader waits for its end');
    }
  }
}
