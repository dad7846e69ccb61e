import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dialer, sw } from '@ringback/contracts';
import { routingOf, type SwitchRecord, switchEntries, withoutGone, withStatus } from '../src/desired.ts';

const silence = { silentAfterMs: 5000, forgetAfterMs: 100_000 };
const status = (id: string, address: string, state: sw.SwitchStatus_State, sessions = 0): sw.SwitchStatus =>
  sw.SwitchStatus.fromPartial({ switchId: id, sipAddress: address, state, sessions });
const { ACTIVE, DRAINING, DISCONNECTED, UNSPECIFIED } = sw.SwitchStatus_State;

function heard(...messages: readonly (readonly [sw.SwitchStatus, number])[]): readonly SwitchRecord[] {
  return messages.reduce<readonly SwitchRecord[]>((known, [m, at]) => withStatus(known, m, at).switches, []);
}

test('a switch is what its agent says last', () => {
  const known = heard([status('a', '192.0.2.1:5080', ACTIVE), 0], [status('a', '192.0.2.1:5080', DRAINING), 10]);
  assert.deepEqual(switchEntries(known, 20, 0, silence), [{ id: 'a', address: '192.0.2.1:5080', state: 'disabled' }]);
  const lost = heard([status('a', '192.0.2.1:5080', DISCONNECTED), 0]);
  assert.equal(switchEntries(lost, 20, 0, silence)[0]?.state, 'inactive');
});

test('an address belongs to whoever spoke last, and a switch has one address', () => {
  const known = heard(
    [status('old', '192.0.2.1:5080', ACTIVE), 0],
    [status('new', '192.0.2.1:5080', ACTIVE), 1],
    [status('moves', '192.0.2.2:5080', ACTIVE), 2],
    [status('moves', '192.0.2.3:5080', ACTIVE), 3],
  );
  assert.deepEqual(
    known.map((s) => [s.id, s.address]),
    [
      ['moves', '192.0.2.3:5080'],
      ['new', '192.0.2.1:5080'],
    ],
  );
});

test('a status that makes no sense changes nothing and says why', () => {
  for (const [message, words] of [
    [status('a', 'switch.example:5080', ACTIVE), /address/],
    [status('a b', '192.0.2.1:5080', ACTIVE), /id/],
    [status('a', '192.0.2.1:5080', UNSPECIFIED), /state/],
  ] as const) {
    const { switches, problem } = withStatus([], message, 0);
    assert.deepEqual(switches, []);
    assert.match(problem ?? '', words);
  }
});

test('silence makes inactive, not gone; not while we hear nobody; and it begins anew when we hear again', () => {
  const known = heard([status('a', '192.0.2.1:5080', ACTIVE), 0]);
  const stateAt = (now: number, since: number | undefined): string | undefined =>
    switchEntries(withoutGone(known, now, since, silence), now, since, silence)[0]?.state;
  assert.equal(stateAt(4999, 0), 'active');
  assert.equal(stateAt(5000, 0), 'inactive');
  assert.equal(stateAt(90_000, undefined), 'active');
  assert.equal(stateAt(90_000, 89_000), 'active');
  assert.equal(stateAt(99_999, 0), 'inactive');
  assert.equal(stateAt(100_000, 0), undefined);
});

test('a drained, empty switch is gone when it falls silent; one with calls is not', () => {
  const known = heard(
    [status('empty', '192.0.2.1:5080', DRAINING, 0), 0],
    [status('busy', '192.0.2.2:5080', DRAINING, 3), 0],
  );
  assert.deepEqual(
    withoutGone(known, 5000, 0, silence).map((s) => s.id),
    ['busy'],
  );
  assert.equal(withoutGone(known, 4000, 0, silence), known);
});

test('an entry that makes no sense is left out and named; the others work', () => {
  const access = { number: '+48223000000', mode: 'callback', ringTimeMs: 12_500, rejectCode: 486 };
  const trunk = {
    id: 'a',
    sources: ['192.0.2.1'],
    gateway: '192.0.2.1:5060',
    country: 'PL',
    identity: 'pai',
    trusted: true,
  };
  const { routing, problems } = routingOf(
    dialer.WatchEdgeConfigResponse.fromPartial({
      revision: 7n,
      accessNumbers: [
        access,
        { ...access, number: '48' },
        { ...access },
        { ...access, number: '+48223000001', rejectCode: 500 },
      ],
      trunks: [
        trunk,
        { ...trunk, id: 'b' },
        { ...trunk, id: 'c', sources: [], gateway: 'nowhere' },
        { ...trunk, id: 'd', sources: ['198.51.100.0/24'], gateway: '', disabled: true },
      ],
    }),
  );
  assert.equal(routing.revision, '7');
  assert.deepEqual(
    routing.accessNumbers.map((a) => a.number),
    ['+48223000000'],
  );
  assert.deepEqual(
    routing.trunks.map((t) => [t.id, t.disabled, t.gateways.length]),
    [
      ['a', false, 1],
      ['d', true, 0],
    ],
  );
  const words = problems.map((p) => `${p.knob}: ${p.problem}`).join('\n');
  for (const named of [
    /access_numbers\[1\]/,
    /access_numbers\[2\]/,
    /access_numbers\[3\].*rejectWith/,
    /trunks\[1\].*sources/,
    /trunks\[2\].*gateways/,
  ]) {
    assert.match(words, named);
  }
});
