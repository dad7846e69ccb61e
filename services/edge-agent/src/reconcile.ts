import { type EdgeTables, HASH_TABLES, type HashTable, type SwitchRow } from '@ringback/kamailio-config-gen';

/** What a running Kamailio knows. */
export interface Actual {
  readonly tables: Readonly<Record<HashTable, ReadonlyMap<string, string>>>;
  readonly switches: ReadonlyMap<string, ActualSwitch>;
}

export interface ActualSwitch {
  /** A active, I inactive, T trying, D disabled: first letter of the dispatcher's flags. */
  readonly flag: string;
  readonly id: string;
}

export type Action =
  | { readonly kind: 'set'; readonly table: HashTable; readonly key: string; readonly value: string }
  | { readonly kind: 'delete'; readonly table: HashTable; readonly key: string }
  | { readonly kind: 'load-sources' }
  | { readonly kind: 'add-switch'; readonly row: SwitchRow }
  | { readonly kind: 'remove-switch'; readonly uri: string }
  | { readonly kind: 'switch-state'; readonly uri: string; readonly state: SwitchRow['state'] };

export interface Plan {
  readonly actions: readonly Action[];
  /** Another pass is needed: the dispatcher's list was to be changed more than once. */
  readonly more: boolean;
}

/**
 * What has to be done so that Kamailio knows what it should, in an order in which every moment between makes sense:
 * a trunk is known before its addresses are, its addresses go before it does, `admit` comes last.
 *
 * At most one destination is added or removed a pass. Each such change makes a new list and frees the one before the
 * last, which a slow worker might still read.
 *
 * @param earlier states asked for in the pass before, by URI: Kamailio's own probes decide between active and inactive
 * until somebody says something new.
 */
export function reconcile(desired: EdgeTables, actual: Actual, earlier: ReadonlyMap<string, SwitchRow['state']>): Plan {
  const order: readonly HashTable[] = ['trunk', 'gateway', 'access'];
  const sourcesDiffer = desired.edge.get('sources') !== actual.tables.edge.get('sources');
  const switches = reconcileSwitches(desired.switches, actual.switches, earlier);
  return {
    actions: [
      ...order.flatMap((table) => sets(table, desired[table], actual.tables[table])),
      ...(sourcesDiffer ? [{ kind: 'load-sources' } as const] : []),
      ...order.toReversed().flatMap((table) => deletes(table, desired[table], actual.tables[table])),
      ...switches.states,
      ...switches.structure.slice(0, 1),
      ...sets('edge', desired.edge, actual.tables.edge),
      ...deletes('edge', desired.edge, actual.tables.edge),
    ],
    more: switches.structure.length > 1,
  };
}

function sets(table: HashTable, desired: ReadonlyMap<string, string>, actual: ReadonlyMap<string, string>): Action[] {
  return [...desired]
    .filter(([key, value]) => actual.get(key) !== value)
    .map(([key, value]) => ({ kind: 'set', table, key, value }));
}

function deletes(
  table: HashTable,
  desired: ReadonlyMap<string, string>,
  actual: ReadonlyMap<string, string>,
): Action[] {
  return [...actual.keys()].filter((key) => !desired.has(key)).map((key) => ({ kind: 'delete', table, key }));
}

function reconcileSwitches(
  desired: readonly SwitchRow[],
  actual: ReadonlyMap<string, ActualSwitch>,
  earlier: ReadonlyMap<string, SwitchRow['state']>,
): { readonly states: Action[]; readonly structure: Action[] } {
  const states: Action[] = [];
  const added: Action[] = [];
  const wanted = new Set<string>();
  for (const row of desired) {
    wanted.add(row.uri);
    const known = actual.get(row.uri);
    if (known === undefined) added.push({ kind: 'add-switch', row });
    else if (stateNeeded(row.state, known.flag, earlier.get(row.uri))) {
      states.push({ kind: 'switch-state', uri: row.uri, state: row.state });
    }
  }
  const removed = [...actual.keys()].filter((uri) => !wanted.has(uri));
  // Those that take calls first.
  added.sort((a, b) => rank(a) - rank(b));
  return { states, structure: [...added, ...removed.map((uri) => ({ kind: 'remove-switch', uri }) as const)] };
}

const rank = (action: Action): number => (action.kind === 'add-switch' && action.row.state === 'active' ? 0 : 1);

function stateNeeded(wanted: SwitchRow['state'], flag: string, earlier: SwitchRow['state'] | undefined): boolean {
  if (wanted === 'disabled') return flag !== 'D';
  if (flag === 'D') return true;
  if (wanted === 'active') return flag !== 'A' && earlier === 'inactive';
  return flag === 'A' && earlier !== 'inactive';
}

/** The tables after these actions: what is expected to be found next time. */
export function applied(actual: Actual, actions: readonly Action[]): Actual['tables'] {
  const tables = Object.fromEntries(HASH_TABLES.map((name) => [name, new Map(actual.tables[name])])) as Record<
    HashTable,
    Map<string, string>
  >;
  for (const action of actions) {
    if (action.kind === 'set') tables[action.table].set(action.key, action.value);
    if (action.kind === 'delete') tables[action.table].delete(action.key);
  }
  return tables;
}
