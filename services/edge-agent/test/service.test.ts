import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { sw } from '@ringback/contracts';
import { CARRIER, fakeSwitch, makeWorld, until, type World } from './world.ts';

const { ACTIVE, DRAINING } = sw.SwitchStatus_State;
const NUMBER = '+48223000000';
const access = (number: string) => ({ number, mode: 'callback', ringTimeMs: 12_500, rejectCode: 486 });
const trunk = {
  id: 'carrier',
  sources: [CARRIER],
  gateway: `${CARRIER}:5070`,
  trusted: true,
  country: 'PL',
  identity: 'from',
};

/** The tests of this file are one story, in order: each starts from what the one before left. */
describe('the edge-agent beside a real Kamailio', () => {
  let world: World;
  let one: Awaited<ReturnType<typeof fakeSwitch>>;
  let two: Awaited<ReturnType<typeof fakeSwitch>>;
  const beats: NodeJS.Timeout[] = [];
  const said = new Map<string, Partial<sw.SwitchStatus>>();

  afterEach((context) => {
    if (!(context as unknown as { passed: boolean }).passed)
      process.stderr.write(`${world.kamailioLog()}\n${world.agentLog()}\n`);
  });
  before(async () => {
    world = await makeWorld();
    [one, two] = await Promise.all([fakeSwitch('127.95.3.1'), fakeSwitch('127.95.3.2')]);
    // Agents of switches speak again and again, as real ones do.
    beats.push(setInterval(() => void Promise.all([...said.values()].map((s) => world.tell(s))), 200));
  });
  after(async () => {
    for (const beat of beats) clearInterval(beat);
    await world.close();
    one.close();
    two.close();
  });

  const becomes = (number: string, status: number): Promise<void> =>
    until(`${number} gives ${status}`, async () => (await world.call(number)) === status);

  test('nothing is admitted before a configuration is there, and the reason is said', async () => {
    world.startAgent();
    await until('the reason', () =>
      world.ready().then(
        (words) => /no configuration/.test(words),
        () => false,
      ),
    );
    await world.dialer.up();
    world.dialer.set({ accessNumbers: [access(NUMBER)], trunks: [trunk] });
    await until('Kamailio is missed', async () => /control socket/.test(await world.ready()));
    world.startKamailio();
    await until('a switch is missed', async () => /no switch takes calls/.test(await world.ready()));
    assert.equal(await world.call(NUMBER), 503);
  });

  test('switches are added when their agents say active, and calls reach both', async () => {
    said.set('a', { switchId: 'a', sipAddress: one.address, state: ACTIVE });
    said.set('b', { switchId: 'b', sipAddress: two.address, state: ACTIVE });
    await becomes(NUMBER, 486);
    await until('ready', async () => (await world.ready()) === 'ok\n');
    await until('both get calls', async () => {
      await world.call(NUMBER);
      return one.calls() > 0 && two.calls() > 0;
    });
  });

  test('numbers and trunks come and go without a restart', async () => {
    assert.equal(await world.call('+48223000001'), 404);
    world.dialer.set({ accessNumbers: [access(NUMBER), access('+48223000001')], trunks: [trunk] });
    await becomes('+48223000001', 486);
    world.dialer.set({ accessNumbers: [access(NUMBER)], trunks: [{ ...trunk, disabled: true }] });
    await becomes(NUMBER, 403);
    world.dialer.set({ accessNumbers: [access(NUMBER)], trunks: [] });
    await becomes(NUMBER, 0);
    world.dialer.set({ accessNumbers: [access(NUMBER), { ...access('nonsense') }], trunks: [trunk] });
    await becomes(NUMBER, 486);
    assert.equal(await world.call('+48223000001'), 404);
    assert.match(world.agentLog(), /access_numbers\[1\].*left out/);
  });

  test('a draining switch gets no calls', async () => {
    said.set('b', { switchId: 'b', sipAddress: two.address, state: DRAINING, sessions: 1 });
    await until('disabled', async () => /switches\{[^}]*disabled[^}]*\} 1/.test(await world.metrics()));
    const before = two.calls();
    for (let i = 0; i < 4; i += 1) assert.equal(await world.call(NUMBER), 486);
    assert.equal(two.calls(), before);
  });

  test('Kamailio killed: it comes back with the last known state, and ready means it', async () => {
    await until('it says that it serves', () => world.edgeSaid()?.serving === true);
    assert.match(world.edgeSaid()?.sipAddress ?? '', /^127\./);
    await world.killKamailio();
    await until('it says that it does not', () => world.edgeSaid()?.serving === false);
    await until('the loss is noticed', async () => (await world.ready()) !== 'ok\n');
    world.startKamailio();
    await until('ready', async () => (await world.ready()) === 'ok\n');
    const before = two.calls();
    for (let i = 0; i < 4; i += 1) assert.equal(await world.call(NUMBER), 486);
    assert.equal(two.calls(), before);
    assert.match(world.agentLog(), /Kamailio was restarted|control socket/);
  });

  test('without dialer and NATS the last state stays, over restarts of agent and Kamailio', async () => {
    await world.dialer.down();
    await world.nats.restart();
    said.clear();
    assert.equal(await world.killAgent('SIGTERM'), 0);
    assert.equal(await world.call(NUMBER), 486);
    await world.killKamailio();
    world.startKamailio();
    await becomes(NUMBER, 486);
    world.startAgent();
    await until('ready', () =>
      world.ready().then(
        (words) => words === 'ok\n',
        () => false,
      ),
    );
    assert.equal(await world.call(NUMBER), 486);
  });

  test('a silent agent’s switch is only no longer preferred: a good probe revives it', async () => {
    await until('silence noticed', () =>
      /switch-state/.test(world.agentLog().split('Kamailio knows all it should').at(-1) ?? ''),
    );
    await becomes(NUMBER, 486);
  });

  test('the dialer back again is followed again', async () => {
    await world.dialer.up();
    world.dialer.set({ accessNumbers: [access('+48223000002')], trunks: [trunk] });
    await becomes('+48223000002', 486);
    assert.equal(await world.call(NUMBER), 404);
  });

  test('logs quote no caller, metrics count outcomes', async () => {
    assert.doesNotMatch(world.agentLog(), /601000001|22300000/);
    assert.match(await world.metrics(), /ringback_edge_requests_total\{[^}]*outcome="unknown_number"[^}]*\} [1-9]/);
  });
});
