import type { SwitchPool } from '@ringback/crds';
import type { ObservedPool, PoolAction } from '../src/domain/switch-pool.ts';
import type { DrainReason, SwitchView } from '../src/domain/switches.ts';

export const SPEC: SwitchPool['spec'] = {
  region: 'eu',
  minSwitches: 1,
  maxSwitches: 6,
  callsPerSwitch: 10,
  callsPerSecondPerSwitch: 10,
  scaling: { targetUtilisation: 60, lowUtilisation: 40, spareSwitches: 0, scaleDownAfterSeconds: 60 },
  codecs: ['PCMA'],
  network: {
    mode: 'Pod',
    mediaPorts: { from: 16_384, to: 29_999 },
    sipPort: 5080,
    eslPort: 8021,
    agentPort: 9080,
    advertise: { signalling: 'PodIP', media: 'PodIP' },
  },
  drainLimitSeconds: 600,
  replaceUnhealthyAfterSeconds: 30,
  maxSurge: 1,
  paused: false,
  switch: { image: 'switch:1', configuration: 'DevSwitch', resources: { cpu: 1, memory: '1Gi' } },
  agent: {},
  allowedEdges: [],
  nodeSelector: {},
  tolerations: [],
};

export function pool(spec: Partial<SwitchPool['spec']> = {}, status?: SwitchPool['status']): SwitchPool {
  return {
    apiVersion: 'ringback.dev/v1alpha1',
    kind: 'SwitchPool',
    metadata: {
      name: 'main',
      namespace: 'ringback',
      uid: '0',
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: { ...SPEC, ...spec },
    ...(status ? { status } : {}),
  };
}

/** A switch of the world: the truth, of which the operator sees a part. */
export interface Truth {
  readonly name: string;
  readonly revision: string;
  readonly createdAt: number;
  startsAt: number;
  calls: number;
  /** Its switch works; an ill one keeps its calls, and takes none. */
  well: boolean;
  /** Its agent is not heard. */
  silent: boolean;
  over: boolean;
  drain: { since: number; reason: DrainReason } | undefined;
  /** Its agent has heard of the drain. */
  draining: boolean;
  idleSince: number | undefined;
  served: boolean;
  readyChangedAt: number;
  wasReady: boolean;
  heard:
    | { at: number; calls: number; state: 'active' | 'draining' | 'disconnected'; idleSince: number | undefined }
    | undefined;
}

/** Every broken promise has a name. */
export class Broken extends Error {}

/**
 * Kubernetes, agents and callers, as far as a pool sees them: switches take time to start, fall ill, fall silent and die,
 * commands get lost, calls come and go. It refuses what must never happen.
 */
export class World {
  now = Date.parse('2026-01-01T00:00:00Z');
  pool: SwitchPool;
  revision = 'r1';
  switches: Truth[] = [];
  /** Commands to agents get lost. */
  deaf = false;
  finalizer = true;
  #names = 0;

  constructor(of: SwitchPool) {
    this.pool = of;
  }

  ready(t: Truth): boolean {
    return !t.over && this.now >= t.startsAt && t.well && !t.draining && t.calls < this.pool.spec.callsPerSwitch;
  }

  tick(ms: number): void {
    this.now += ms;
    for (const t of this.switches) {
      const ready = this.ready(t);
      if (ready !== t.wasReady) t.readyChangedAt = this.now;
      t.wasReady = ready;
      t.served ||= ready;
      if (this.now < t.startsAt || t.over) continue;
      t.idleSince = t.draining && t.calls === 0 ? (t.idleSince ?? this.now) : undefined;
      if (!t.silent) {
        const state = !t.well ? 'disconnected' : t.draining ? 'draining' : 'active';
        t.heard = { at: this.now, calls: t.calls, state, idleSince: t.idleSince };
      }
    }
  }

  /** A call comes in, where the platform would send it. */
  call(): void {
    const [first] = this.switches.filter((t) => this.ready(t)).sort((a, b) => a.calls - b.calls);
    if (first) first.calls += 1;
  }

  hangUp(index: number): void {
    const busy = this.switches.filter((t) => t.calls > 0);
    const t = busy[index % Math.max(1, busy.length)];
    if (t) t.calls -= 1;
  }

  observe(): ObservedPool {
    return { pool: this.pool, revision: this.revision, switches: this.switches.map((t) => this.#view(t)) };
  }

  #view(t: Truth): SwitchView {
    const { heard } = t;
    return {
      name: t.name,
      revision: t.revision,
      createdAt: t.createdAt,
      nodeCordoned: false,
      over: t.over,
      terminating: false,
      ready: t.wasReady,
      readyChangedAt: t.readyChangedAt,
      served: t.served,
      ...(t.drain ? { drain: t.drain } : {}),
      ...(heard
        ? {
            report: {
              state: heard.state,
              calls: heard.calls,
              callsPerSecond: 0,
              heardAt: heard.at,
              ...(heard.idleSince === undefined ? {} : { idleSince: heard.idleSince }),
            },
          }
        : {}),
    };
  }

  apply(action: PoolAction): void {
    const t = 'name' in action ? this.switches.find((s) => s.name === action.name) : undefined;
    if ('name' in action && !t) throw new Broken(`${action.kind} of a switch that is not there`);
    switch (action.kind) {
      case 'create': {
        this.#names += 1;
        const { now } = this;
        this.switches.push({
          name: `main-${String(this.#names).padStart(4, '0')}`,
          revision: this.revision,
          createdAt: now,
          startsAt: now + 4_000,
          calls: 0,
          well: true,
          silent: false,
          over: false,
          drain: undefined,
          draining: false,
          idleSince: undefined,
          served: false,
          readyChangedAt: now,
          wasReady: false,
          heard: undefined,
        });
        return;
      }
      case 'drain':
        if (t?.drain) throw new Broken('drained twice');
        t!.drain = { since: this.now, reason: action.reason };
        if (!this.deaf) t!.draining = true;
        return;
      case 'tell':
        if (!this.deaf) t!.draining = true;
        return;
      case 'undrain':
        if (this.deaf) return;
        t!.draining = false;
        t!.drain = undefined;
        return;
      case 'delete': {
        const { pool: p, now } = this;
        if (t!.calls > 0 && !t!.over) {
          if (!action.cut) throw new Broken(`${t!.calls} live calls cut without saying so`);
          const since = t!.drain?.since ?? Number.POSITIVE_INFINITY;
          if (now - since < p.spec.drainLimitSeconds * 1000) throw new Broken('live calls cut before the drain limit');
        }
        this.switches = this.switches.filter((s) => s !== t);
        return;
      }
      case 'removeFinalizer':
        if (this.switches.length > 0) throw new Broken('finalizer removed while switches are there');
        this.finalizer = false;
        return;
    }
  }
}
