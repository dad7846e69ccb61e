import { createHash } from 'node:crypto';
import { parseHostPort, parseIpv4, parseSource } from './address.ts';
import { type AccessNumber, type EdgeState, REJECT_CAUSE, type SwitchEntry, type Trunk } from './model.ts';
import { validateState } from './validate.ts';

/**
 * The tables a running Kamailio looks things up in. Hash tables (module htable) are changed entry by entry by RPC;
 * sources (module permissions) are replaced as a whole by file and RPC; switches (module dispatcher) one by one by RPC.
 * Each value is one string `name=value;…`, so that an entry changes as a whole.
 */
export interface EdgeTables {
  /** Key: access number, E.164 with +. */
  readonly access: ReadonlyMap<string, string>;
  /** Key: trunk id. */
  readonly trunk: ReadonlyMap<string, string>;
  /** Key: gateway, host:port in lower case; value: trunk id. */
  readonly gateway: ReadonlyMap<string, string>;
  /** `admit`: 1 or 0; `sources`: digest of the sources, for whoever has to know which ones Kamailio loaded. */
  readonly edge: ReadonlyMap<string, string>;
  readonly sources: readonly SourceRow[];
  readonly switches: readonly SwitchRow[];
}

export const HASH_TABLES = ['access', 'trunk', 'gateway', 'edge'] as const;
export type HashTable = (typeof HASH_TABLES)[number];

/** Group number of trunks' addresses in the module permissions. */
export const TRUNK_GROUP = 1;
/** Set number of the switches in the module dispatcher. */
export const SWITCH_SET = 1;

export interface SourceRow {
  readonly address: string;
  readonly prefix: number;
  /** 0: any. */
  readonly port: number;
  readonly trunk: string;
}

export interface SwitchRow {
  /** SIP URI as the dispatcher knows it. */
  readonly uri: string;
  readonly id: string;
  readonly state: SwitchEntry['state'];
}

/** @throws EdgeConfigError when the state makes no sense. */
export function edgeTables(state: EdgeState): EdgeTables {
  validateState(state);
  const byKey = (a: readonly [string, string], b: readonly [string, string]): number => (a[0] < b[0] ? -1 : 1);
  const sources = state.trunks.flatMap(sourceRows);
  return {
    access: new Map(state.accessNumbers.map((a) => [a.number, accessValue(a)] as const).toSorted(byKey)),
    trunk: new Map(state.trunks.map((t) => [t.id, trunkValue(t)] as const).toSorted(byKey)),
    gateway: new Map(
      state.trunks
        .filter((t) => t.disabled !== true)
        .flatMap((t) => t.gateways.map((g) => [g.toLowerCase(), t.id] as const))
        .toSorted(byKey),
    ),
    edge: new Map([
      ['admit', state.admit ? '1' : '0'],
      ['sources', sourcesDigest(sources)],
    ]),
    sources,
    switches: state.switches.map((s) => ({ uri: `sip:${s.address}`, id: s.id, state: s.state })),
  };
}

function sourcesDigest(sources: readonly SourceRow[]): string {
  return createHash('sha256').update(JSON.stringify(sources)).digest('hex').slice(0, 16);
}

function accessValue(access: AccessNumber): string {
  // The switch's sched_hangup counts whole seconds (recording s11): never ring shorter than asked for.
  const ring = Math.ceil(access.ringTimeMs / 1000);
  return `mode=${access.mode};ring=${ring};reject=${REJECT_CAUSE[access.rejectWith]}`;
}

function trunkValue(trunk: Trunk): string {
  const settings = {
    in: trunk.sources.length > 0 && trunk.disabled !== true ? 1 : 0,
    trusted: trunk.trusted ? 1 : 0,
    country: trunk.country,
    identity: trunk.trusted ? trunk.identity : 'from',
    cpsin: trunk.callsPerSecond.inbound,
    cpsout: trunk.callsPerSecond.outbound,
    diversion: trunk.diversion,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}`)
    .join(';');
}

/**
 * A trunk's sources, and its gateways' literal addresses: a BYE of an outbound call comes from the gateway, whether or
 * not calls may come in from there (`in` decides that).
 */
function sourceRows(trunk: Trunk): SourceRow[] {
  const rows: SourceRow[] = [];
  for (const text of trunk.sources) {
    const range = parseSource(text);
    if (range !== undefined) {
      rows.push({ address: range.address, prefix: range.prefix, port: range.port, trunk: trunk.id });
    }
  }
  for (const gateway of trunk.gateways) {
    const { host, port } = parseHostPort(gateway) ?? { host: '', port: 0 };
    const value = parseIpv4(host);
    if (value === undefined) continue;
    const covered = trunk.sources.some((text) => {
      const range = parseSource(text);
      if (range === undefined || (range.port !== 0 && range.port !== port)) return false;
      return Math.floor(value / 2 ** (32 - range.prefix)) === Math.floor(range.first / 2 ** (32 - range.prefix));
    });
    if (!covered) rows.push({ address: host, prefix: 32, port, trunk: trunk.id });
  }
  return rows;
}
