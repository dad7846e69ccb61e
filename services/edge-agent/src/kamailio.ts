import { HASH_TABLES, type HashTable, SWITCH_FLAGS, SWITCH_SET, switchAttributes } from '@ringback/kamailio-config-gen';
import type { Action, Actual, ActualSwitch } from './reconcile.ts';
import { deepMembers, isStruct, member, RpcFault, type Value } from './rpc/binrpc.ts';
import type { KamailioRpc } from './rpc/client.ts';

/** Dispatcher states as `dispatcher.set_state` wants them; `p`: probed. */
const STATE_WORD = { active: 'ap', inactive: 'ip', disabled: 'd' } as const;

/** Which run of Kamailio this is: its main process and when it began. */
export async function incarnation(rpc: KamailioRpc): Promise<string> {
  const [uptime, processes] = await Promise.all([rpc.call('core.uptime'), rpc.call('core.ps')]);
  return `${String(processes[0])} ${String(member(uptime[0], 'up_since'))}`;
}

export async function readTables(rpc: KamailioRpc): Promise<Actual['tables']> {
  const tables: Partial<Record<HashTable, ReadonlyMap<string, string>>> = {};
  for (const name of HASH_TABLES) tables[name] = tableOf(await rpc.call('htable.dump', name));
  return tables as Record<HashTable, ReadonlyMap<string, string>>;
}

/** `htable.dump`: a struct a slot, `slot` holding a struct an entry. */
function tableOf(slots: readonly Value[]): Map<string, string> {
  const table = new Map<string, string>();
  for (const slot of slots) {
    for (const group of deepMembers(slot, 'slot')) {
      for (const entry of entries(group)) {
        table.set(String(member(entry, 'name')), String(member(entry, 'value')));
      }
    }
  }
  return table;
}

function entries(group: Value): readonly Value[] {
  return isStruct(group) ? group.members.map(([, value]) => value) : [];
}

export async function readSwitches(rpc: KamailioRpc): Promise<ReadonlyMap<string, ActualSwitch>> {
  let answer: readonly Value[];
  try {
    answer = await rpc.call('dispatcher.list');
  } catch (error) {
    // An empty list is a fault in Kamailio's words.
    if (error instanceof RpcFault && /no destination sets/i.test(error.message)) return new Map();
    throw error;
  }
  const switches = new Map<string, ActualSwitch>();
  for (const destination of answer.flatMap((value) => deepMembers(value, 'DEST'))) {
    const flags = String(member(destination, 'FLAGS') ?? '');
    const id = String(member(member(destination, 'ATTRS'), 'DUID') ?? '');
    switches.set(String(member(destination, 'URI')), { flag: flags.slice(0, 1), id });
  }
  return switches;
}

/** Counters of the script (`script.<name>`) and what tm holds at this moment. */
export async function readCounters(
  rpc: KamailioRpc,
): Promise<{ readonly script: ReadonlyMap<string, number>; readonly transactions: number }> {
  const [counters, tm] = await Promise.all([rpc.call('stats.fetch', 'script:'), rpc.call('tm.stats')]);
  const script = new Map<string, number>();
  const [first] = counters;
  if (typeof first === 'object' && 'members' in first) {
    for (const [name, value] of first.members) script.set(name.replace(/^script\./, ''), Number(value));
  }
  return { script, transactions: Number(member(tm[0], 'current') ?? 0) };
}

/** Does the actions one after the other. @throws RpcFault, RpcUnavailable: those before it are done. */
export async function perform(rpc: KamailioRpc, actions: readonly Action[]): Promise<void> {
  for (const action of actions) await performOne(rpc, action);
}

async function performOne(rpc: KamailioRpc, action: Action): Promise<void> {
  switch (action.kind) {
    case 'set':
      await rpc.call('htable.sets', action.table, action.key, action.value);
      return;
    case 'delete':
      await ignoring(404, rpc.call('htable.delete', action.table, action.key));
      return;
    case 'load-sources':
      await rpc.call('permissions.addressReload');
      return;
    case 'add-switch': {
      const { uri, state } = action.row;
      await rpc.call('dispatcher.add', SWITCH_SET, uri, SWITCH_FLAGS[state], 0, switchAttributes(action.row));
      return;
    }
    case 'remove-switch':
      await rpc.call('dispatcher.remove', SWITCH_SET, action.uri);
      return;
    case 'switch-state':
      await rpc.call('dispatcher.set_state', STATE_WORD[action.state], SWITCH_SET, action.uri);
  }
}

/** What was to be deleted is gone already. */
async function ignoring(code: number, call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof RpcFault) || error.code !== code) throw error;
  }
}
