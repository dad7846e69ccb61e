import type { dialer, sw } from '@ringback/contracts';
import { type EdgeTables, edgeTables, type SwitchRow } from '@ringback/kamailio-config-gen';
import type { Logger } from '@ringback/service-kit';
import {
  desiredState,
  type Routing,
  routingOf,
  type Silence,
  type SwitchRecord,
  switchEntries,
  withoutGone,
  withStatus,
} from './desired.ts';
import { incarnation, perform, readCounters, readSwitches, readTables } from './kamailio.ts';
import { type Actual, applied, reconcile } from './reconcile.ts';
import { RpcFault } from './rpc/binrpc.ts';
import { type KamailioRpc, RpcUnavailable } from './rpc/client.ts';
import type { StateStore, TableFiles } from './store.ts';

export interface AgentOptions extends Silence {
  readonly rpc: KamailioRpc;
  readonly store: StateStore;
  readonly files: TableFiles;
  readonly log: Logger;
  /** ms, monotonic or not: only differences count. */
  readonly now: () => number;
  /** Between two looks at Kamailio when nothing happens, ms. */
  readonly pollMs: number;
  /** After this many looks the tables are read again in full, whatever we think is in them. */
  readonly fullReadEvery: number;
}

/** Between two changes of the dispatcher's list, ms: workers let go of the list before the last long before. */
const PACE_MS = 150;

/** What the edge is doing, for metrics. */
export interface Observed {
  readonly revision: string;
  readonly switches: ReadonlyMap<string, number>;
  readonly counters: ReadonlyMap<string, number>;
  readonly transactions: number;
}

/** Keeps one Kamailio's tables equal to what the platform says: one pass at a time, a pass at each change and each poll. */
export class EdgeAgent {
  readonly #o: AgentOptions;
  #routing: Routing | undefined;
  #switches: readonly SwitchRecord[] = [];
  #hearingSince: number | undefined;
  /** States asked for in the last pass. */
  #asked: ReadonlyMap<string, SwitchRow['state']> = new Map();
  #shadow: { readonly incarnation: string; readonly tables: Actual['tables']; age: number } | undefined;
  #reconciled: string | undefined;
  #trouble: string | undefined = 'not started';
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #stopped = false;
  #draining = false;
  /** Kamailio was told to take nothing new, and then had no transaction. */
  #drained = false;
  observed: Observed = { revision: '', switches: new Map(), counters: new Map(), transactions: 0 };

  constructor(options: AgentOptions) {
    this.#o = options;
  }

  /** Takes up the last known state and makes the first pass (which may fail: Kamailio may start later). */
  async start(): Promise<void> {
    const saved = await this.#o.store.load();
    this.#routing = saved.routing;
    const now = this.#o.now();
    this.#switches = saved.switches.map((s) => ({ ...s, seenAt: now }));
    // The files are there before Kamailio is looked for: it may be waiting for them.
    await this.#o.files.write(this.#tables());
    await this.#turn();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
    this.#o.rpc.close();
  }

  /** No new calls from now on, for good: what is left are requests inside calls, until this process ends. */
  drain(): void {
    this.#draining = true;
    this.#wake();
  }

  get drained(): boolean {
    return this.#drained;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** Why calls should not be sent to this edge, or undefined. */
  notReady(): string | undefined {
    if (this.#draining) return 'draining';
    if (this.#routing === undefined) return 'no configuration from the dialer yet';
    if (this.#trouble !== undefined) return this.#trouble;
    return [...this.#asked.values()].includes('active') ? undefined : 'no switch takes calls';
  }

  /** Whether switches may send calls out by this edge: that needs its trunks, not other switches. */
  get serving(): boolean {
    return !this.#draining && this.#routing !== undefined && this.#trouble === undefined;
  }

  configure(snapshot: dialer.WatchEdgeConfigResponse): void {
    const { routing, problems } = routingOf(snapshot);
    for (const { knob, problem } of problems) {
      this.#o.log.error({ revision: routing.revision, knob, problem }, 'entry of the configuration left out');
    }
    this.#routing = routing;
    this.#o.log.info(
      { revision: routing.revision, accessNumbers: routing.accessNumbers.length, trunks: routing.trunks.length },
      'configuration',
    );
    this.#wake();
  }

  switchStatus(status: sw.SwitchStatus): void {
    const known = this.#switches;
    const { switches, problem } = withStatus(known, status, this.#o.now());
    if (problem !== undefined) {
      this.#o.log.warn({ problem }, 'status of a switch is of no use');
      return;
    }
    this.#switches = switches;
    const before = known.find((s) => s.id === status.switchId);
    const after = switches.find((s) => s.id === status.switchId);
    const same = before?.said === after?.said && before?.address === after?.address;
    // A status a second a switch: only what changes something makes a pass at once.
    if (!same || this.#asked.get(`sip:${after?.address}`) === 'inactive') this.#wake();
  }

  /** Whether status messages can reach us at all: while they cannot, nobody's silence means anything. */
  hearing(heard: boolean): void {
    this.#hearingSince = heard ? this.#o.now() : undefined;
  }

  #tables(): EdgeTables {
    const entries = switchEntries(this.#switches, this.#o.now(), this.#hearingSince, this.#o);
    const desired = desiredState(this.#routing, entries);
    return edgeTables(this.#draining ? { ...desired, admit: false } : desired);
  }

  #wake(): void {
    if (this.#stopped) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    clearTimeout(this.#timer);
    void this.#turn();
  }

  /** One pass, then the next one is planned; never throws. */
  #turn(): Promise<void> {
    this.#again = false;
    this.#running = this.#pass()
      .catch((error: unknown) => {
        this.#failed(error);
        return undefined;
      })
      .then((pause) => {
        this.#running = undefined;
        if (this.#stopped) return;
        const wait = pause ?? this.#o.pollMs;
        // Something came in meanwhile: at once, but never faster than the dispatcher's pace.
        this.#timer = setTimeout(() => void this.#turn(), this.#again ? Math.min(wait, PACE_MS) : wait);
      });
    return this.#running;
  }

  #failed(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    const known = error instanceof RpcUnavailable || error instanceof RpcFault;
    if (this.#trouble !== reason)
      this.#o.log[known ? 'warn' : 'error']({ err: error }, 'Kamailio is not as it should be');
    this.#trouble = reason;
    // What was done before the failure is not known: read all of it next time.
    this.#shadow = undefined;
  }

  /** @returns when to look again, if earlier than usual. */
  async #pass(): Promise<number | undefined> {
    this.#switches = withoutGone(this.#switches, this.#o.now(), this.#hearingSince, this.#o);
    const tables = this.#tables();
    await this.#o.store.save({ routing: this.#routing, switches: this.#switches.map((s) => ({ ...s, seenAt: 0 })) });
    // Files first: a Kamailio that restarts in this moment comes up with the new state.
    await this.#o.files.write(tables);
    const { rpc } = this.#o;
    const run = await incarnation(rpc);
    const actual: Actual = { tables: await this.#known(run), switches: await readSwitches(rpc) };
    const plan = reconcile(tables, actual, this.#asked);
    await perform(rpc, plan.actions);
    this.#asked = new Map(tables.switches.map((s) => [s.uri, s.state]));
    this.#shadow = { incarnation: run, tables: applied(actual, plan.actions), age: (this.#shadow?.age ?? 0) + 1 };
    if (plan.actions.length > 0) {
      const kinds = Object.entries(Object.groupBy(plan.actions, (a) => a.kind)).map(([k, a]) => [k, a?.length]);
      this.#o.log.info({ ...Object.fromEntries(kinds), more: plan.more }, 'tables changed');
    }
    await this.#observe(actual);
    // Without an action in this pass: the tables said so before the transactions were counted.
    this.#drained = this.#draining && plan.actions.length === 0 && this.observed.transactions === 0;
    if (plan.more) {
      this.#trouble ??= 'switches are being added';
      return PACE_MS;
    }
    if (this.#reconciled !== run) this.#o.log.info({ incarnation: run }, 'Kamailio knows all it should');
    this.#reconciled = run;
    this.#trouble = undefined;
    return undefined;
  }

  /** Tables of this run of Kamailio: as we left them, or read in full. */
  async #known(run: string): Promise<Actual['tables']> {
    const shadow = this.#shadow;
    if (shadow?.incarnation === run && shadow.age < this.#o.fullReadEvery) return shadow.tables;
    if (shadow !== undefined && shadow.incarnation !== run) {
      this.#trouble = 'Kamailio was restarted';
      this.#o.log.warn({ incarnation: run }, 'Kamailio was restarted');
    }
    this.#shadow = undefined;
    return await readTables(this.#o.rpc);
  }

  async #observe(actual: Actual): Promise<void> {
    const { script, transactions } = await readCounters(this.#o.rpc);
    const byFlag = new Map<string, number>();
    for (const { flag } of actual.switches.values()) byFlag.set(flag, (byFlag.get(flag) ?? 0) + 1);
    const revision = this.#routing?.revision ?? '';
    this.observed = { revision, switches: byFlag, counters: script, transactions };
  }
}
