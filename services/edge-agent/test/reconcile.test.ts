import assert from 'node:assert/strict';
import { test } from 'node:test';
import { edgeTables, type EdgeState, type HashTable, type SwitchEntry } from '@ringback/kamailio-config-gen';
import fc from 'fast-check';
import { type Action, type Actual, type ActualSwitch, applied, reconcile } from '../src/reconcile.ts';

const empty: EdgeState = { admit: false, trunks: [], accessNumbers: [], switches: [] };
const trunk = (id: string, octet: number) => ({
  id,
  sources: [`192.0.2.${octet}`],
  gateways: [`192.0.2.${octet}:5060`],
  trusted: true,
  country: 'PL',
  identity: 'pai' as const,
  callsPerSecond: { inbound: 0, outbound: 0 },
  diversion: 'mark' as const,
});
const access = (n: number) => ({
  number: `+4822300000${n}`,
  mode: 'callback' as const,
  ringTimeMs: 5000,
  rejectWith: 486 as const,
});
const entry = (n: number, state: SwitchEntry['state']): SwitchEntry => ({
  id: `s${n}`,
  address: `192.0.2.${100 + n}:5080`,
  state,
});

const fresh: Actual = {
  tables: { access: new Map(), trunk: new Map(), gateway: new Map(), edge: new Map() },
  switches: new Map(),
};

/** What Kamailio knows after the actions, as the real one does them. */
function perform(actual: Actual, actions: readonly Action[]): Actual {
  const switches = new Map<string, ActualSwitch>(actual.switches);
  const flag = { active: 'A', inactive: 'I', disabled: 'D' } as const;
  for (const action of actions) {
    if (action.kind === 'add-switch') switches.set(action.row.uri, { flag: flag[action.row.state], id: action.row.id });
    if (action.kind === 'remove-switch') switches.delete(action.uri);
    if (action.kind === 'switch-state') switches.set(action.uri, { flag: flag[action.state], id: '' });
  }
  return { tables: applied(actual, actions) as Record<HashTable, ReadonlyMap<string, string>>, switches };
}

const kinds = (actions: readonly Action[]): string[] =>
  actions.map((a) => ('table' in a ? `${a.kind} ${a.table}` : a.kind));

test('an empty Kamailio learns a trunk before its addresses, and admits last', () => {
  const desired = edgeTables({
    ...empty,
    admit: true,
    trunks: [trunk('t', 1)],
    accessNumbers: [access(1)],
    switches: [entry(1, 'active')],
  });
  assert.deepEqual(kinds(reconcile(desired, fresh, new Map()).actions), [
    'set trunk',
    'set gateway',
    'set access',
    'load-sources',
    'add-switch',
    'set edge',
    'set edge',
  ]);
});

test('a trunk that goes loses its addresses before it is forgotten', () => {
  const before = perform(fresh, reconcile(edgeTables({ ...empty, trunks: [trunk('t', 1)] }), fresh, new Map()).actions);
  const plan = reconcile(edgeTables(empty), before, new Map());
  assert.deepEqual(kinds(plan.actions), ['load-sources', 'delete gateway', 'delete trunk', 'set edge']);
});

test('nothing to do is nothing done', () => {
  const desired = edgeTables({ ...empty, trunks: [trunk('t', 1)], switches: [entry(1, 'active')] });
  const actual = perform(fresh, reconcile(desired, fresh, new Map()).actions);
  assert.deepEqual(reconcile(desired, actual, new Map()), { actions: [], more: false });
});

// state wanted, flag found, state asked for before → is it set?
const table: readonly [SwitchEntry['state'], string, SwitchEntry['state'] | undefined, boolean, string][] = [
  ['active', 'A', undefined, false, 'as wanted'],
  ['active', 'D', 'disabled', true, 'drain is over'],
  ['active', 'D', undefined, true, 'disabled by somebody before us'],
  ['active', 'I', 'active', false, 'Kamailio found it silent: its probes decide'],
  ['active', 'I', undefined, false, 'the same, after our own restart'],
  ['active', 'I', 'inactive', true, 'its agent speaks again'],
  ['disabled', 'A', 'active', true, 'drain begins'],
  ['disabled', 'I', 'active', true, 'only D sticks'],
  ['disabled', 'D', 'disabled', false, 'as wanted'],
  ['inactive', 'A', 'active', true, 'its agent fell silent'],
  ['inactive', 'A', 'inactive', false, 'a probe revived it: that stands'],
  ['inactive', 'D', 'disabled', true, 'no longer draining'],
  ['inactive', 'I', undefined, false, 'as wanted'],
];
for (const [state, flag, earlier, isSet, why] of table) {
  test(`${state} wanted, ${flag} found, ${earlier ?? 'nothing'} asked before: ${isSet ? 'set' : 'left'} (${why})`, () => {
    const desired = edgeTables({ ...empty, switches: [entry(1, state)] });
    const uri = 'sip:192.0.2.101:5080';
    const actual: Actual = { ...fresh, switches: new Map([[uri, { flag, id: 's1' }]]) };
    const asked = earlier === undefined ? new Map() : new Map([[uri, earlier]]);
    const states = reconcile(desired, actual, asked).actions.filter((a) => a.kind === 'switch-state');
    assert.deepEqual(states, isSet ? [{ kind: 'switch-state', uri, state }] : []);
  });
}

const someState = fc.record({
  admit: fc.boolean(),
  trunks: fc.uniqueArray(fc.integer({ min: 1, max: 9 })).map((ids) => ids.map((n) => trunk(`t${n}`, n))),
  accessNumbers: fc.uniqueArray(fc.integer({ min: 1, max: 9 })).map((ids) => ids.map(access)),
  switches: fc
    .uniqueArray(
      fc.tuple(
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom('active' as const, 'inactive' as const, 'disabled' as const),
      ),
      {
        selector: ([n]) => n,
      },
    )
    .map((list) => list.map(([n, state]) => entry(n, state))),
});

test('from anything to anything: it converges, one destination a pass, and a known trunk is never without settings', () => {
  fc.assert(
    fc.property(someState, someState, (from, to) => {
      let actual = fresh;
      for (const state of [from, to]) {
        const desired = edgeTables(state);
        for (let pass = 0; ; pass += 1) {
          assert.ok(pass < 20, 'does not converge');
          const plan = reconcile(desired, actual, new Map());
          const structural = plan.actions.filter((a) => a.kind === 'add-switch' || a.kind === 'remove-switch');
          assert.ok(structural.length <= 1);
          for (let i = 0; i <= plan.actions.length; i += 1) {
            const { tables } = perform(actual, plan.actions.slice(0, i));
            for (const owner of tables.gateway.values()) assert.ok(tables.trunk.has(owner));
          }
          actual = perform(actual, plan.actions);
          if (plan.actions.length === 0) break;
        }
        for (const name of ['access', 'trunk', 'gateway', 'edge'] as const)
          assert.deepEqual(actual.tables[name], desired[name]);
        assert.deepEqual([...actual.switches.keys()].toSorted(), desired.switches.map((s) => s.uri).toSorted());
      }
    }),
  );
});
