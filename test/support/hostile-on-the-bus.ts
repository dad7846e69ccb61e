import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shardOf, type sw } from '@ringback/contracts';
import { uuidv7 } from '@ringback/service-kit';
import { RogueAgent } from './hostile-events.ts';
import { CALLBACK, type HostileWorld } from './hostile-world.ts';
import { until } from './world.ts';

interface Parked {
  shard: number;
  source: string;
  kind: string;
  sessionId: string;
  error: string;
}

type Events = NonNullable<Parameters<typeof sw.EventBatch.fromPartial>[0]['events']>;

const CALLER = '+48609111222';
const SHARD = shardOf(CALLER);
const AT = 1_790_000_000_000_000n;
const offered = (accessNumber: string, over: Record<string, unknown> = {}) => ({
  seq: 1n,
  legId: uuidv7(),
  atUs: AT,
  body: { $case: 'offered' as const, value: { accessNumber, callerE164: CALLER, callerRaw: CALLER, ...over } },
});
const ended = (sessionId: string, legId: string = uuidv7()) => ({
  seq: 1n,
  sessionId,
  legId,
  atUs: AT,
  body: { $case: 'ended' as const, value: { cause: 'NORMAL_CLEARING' } },
});

/** Whoever is on the bus: what no session can take is parked, where an operator sees it; calls go on. */
export function eventTests(hostile: () => HostileWorld): void {
  const parked = async (source: string): Promise<Parked[]> => {
    const { status, stdout, stderr } = await hostile().cli('--json', 'parked-events', 'list');
    assert.equal(status, 0, stderr);
    return (JSON.parse(stdout) as Parked[]).filter((event) => event.source.includes(source));
  };
  const rogue = async (work: (rogue: RogueAgent) => Promise<void>): Promise<void> => {
    const { endpoints, runDir } = hostile().world;
    const agent = await RogueAgent.connect(endpoints.nats, runDir);
    try {
      await work(agent);
    } finally {
      await agent.close();
    }
  };
  let sources = 0;
  const newSource = (): string => `rogue-${(sources += 1)}`;
  const parks = (what: string, error: RegExp, publish: (rogue: RogueAgent, source: string) => Promise<void>): void => {
    test(`${what}: parked`, () =>
      rogue(async (agent) => {
        const source = newSource();
        await publish(agent, source);
        await until('it is parked', async () => (await parked(source)).length === 1);
        assert.match((await parked(source))[0]?.error ?? '', error);
      }));
  };
  const batch = (source: string, events: Events, shard = SHARD) => ({ source, run: 'r', shard, events });

  parks('garbage', /not an EventBatch/, (agent, source) => agent.publishBytes(3, source, Buffer.from('garbage')));
  parks(
    'an event that was not sealed with our key',
    /not an EventBatch.*cannot be opened|not a sealed/,
    (agent, source) => agent.publishBytes(3, source, Buffer.concat([Buffer.of(1), Buffer.alloc(80, 7)])),
  );
  parks('sealed garbage', /not an EventBatch/, (agent, source) =>
    agent.publishSealed(3, source, Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])),
  );
  parks('a batch for another shard', /for another shard/, (agent, source) =>
    agent.publish(batch(source, [offered(CALLBACK)], 7), 8),
  );
  parks('an empty batch', /without events/, (agent, source) => agent.publish(batch(source, [])));
  parks('an event without a leg', /without a leg/, (agent, source) =>
    agent.publish(batch(source, [{ ...offered(CALLBACK), legId: '' }])),
  );
  parks('an event without a number', /without a number/, (agent, source) =>
    agent.publish(batch(source, [{ ...offered(CALLBACK), seq: 0n }])),
  );
  parks('an event that says nothing', /kind that is not known/, (agent, source) =>
    agent.publish(batch(source, [{ seq: 1n, legId: uuidv7(), atUs: AT }])),
  );
  parks('an event of an unknown session', /no open session/, (agent, source) =>
    agent.publish(batch(source, [ended('07-nobody')])),
  );
  parks('an event of an unknown leg', /no open session/, (agent, source) => agent.publish(batch(source, [ended('')])));
  parks('a call to a number that is not ours', /not ours/, (agent, source) =>
    agent.publish(batch(source, [offered('+48221111111')])),
  );
  parks('the same event three times', /not ours/, async (agent, source) => {
    const event = offered('+48221111111');
    for (let times = 0; times < 3; times += 1) await agent.publish(batch(source, [event]));
    // What follows has been read after them.
    await agent.publish(batch(source, [{ seq: 2n, legId: uuidv7(), atUs: AT, body: { $case: 'endCode', value: {} } }]));
  });
  parks('an event that PostgreSQL refuses', /./, (agent, source) =>
    agent.publish(batch(source, [offered(CALLBACK, { callerE164: '+48\u0000', trunkId: '\u0000' })])),
  );
  parks('a source that PostgreSQL refuses', /./, (agent, source) =>
    agent.publish({ ...batch(`${source}\u0000`, [ended('07-nobody')]) }, SHARD, source),
  );

  test('an event that comes late, to a session that is over: parked when it matters, dropped when it does not', () =>
    rogue(async (agent) => {
      const { world } = hostile();
      const { to: caller } = await hostile().anotherCallWorks();
      await world.over(caller);
      const session = (await world.sessions()).find(({ callerId }) => callerId === caller);
      assert.equal(session?.state, 'ended');
      const { id = '', shard = 0, legs = [] } = session ?? {};
      const legId = legs[0]?.legId ?? '';
      const source = newSource();
      const late = { ...ended(id, legId), body: { $case: 'commandFailed' as const, value: { code: 'INTERNAL' } } };
      await agent.publish(batch(source, [late, { ...ended(id, legId), seq: 2n }], shard));
      await until('one is parked', async () => (await parked(source)).length === 1);
      assert.deepEqual(
        (await parked(source)).map(({ kind, sessionId }) => [kind, sessionId]),
        [['ended', id]],
      );
    }));

  test('an operator deletes what was looked at', async () => {
    const { stdout } = await hostile().cli('--json', 'parked-events', 'list');
    const all = JSON.parse(stdout) as { id: string }[];
    assert.ok(all.length > 10);
    for (const { id } of all) assert.equal((await hostile().cli('parked-events', 'delete', id)).status, 0);
    assert.equal((await hostile().cli('parked-events', 'list')).stdout, 'none\n');
  });

  test('nothing was restarted, the two still talk, and a new call works', async () => {
    await hostile().anotherCallWorks();
    await hostile().stillTalking();
    assert.deepEqual(hostile().pids, hostile().firstPids);
  });
}
