import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { answer, type PhoneCall } from '@ringback/dev-telephone';
import { KINDS } from '@ringback/operator';
import { eventually } from '../src/eventually.ts';
import { Installed } from '../src/installed.ts';

const WAIT = 60_000;

let it_: Installed;
const started = performance.now();
const say = (words: string): void => console.error(`${((performance.now() - started) / 1000).toFixed(1)} s ${words}`);
before(async () => {
  it_ = await Installed.start('tests', 11, say);
});
after(async () => {
  await it_?.stop();
});

/** A caller gives a missed call and is called back; the leg to the caller, answered. */
async function calledBack(caller: string): Promise<PhoneCall> {
  const { phone } = it_;
  phone.onCallTo(caller, answer(300));
  const trigger = await phone.call(caller, '+48223000000', { assertedIdentity: caller });
  const { status } = await trigger.expectEnd(WAIT);
  assert.equal(status, 486, 'the trigger is rejected busy');
  const a = await phone.expectCall(caller, WAIT);
  await a.expectAnswered(WAIT);
  return a;
}

/** A caller who is talking to a destination. */
async function conversation(destination: string): Promise<{ a: PhoneCall; b: PhoneCall; caller: string }> {
  const { caller } = await it_.customer();
  const a = await calledBack(caller);
  await a.expectPrompt(['en/ask_destination', 'en/ask_destination_again'], WAIT, { until: 'start' });
  it_.phone.onCallTo(destination, answer(300));
  await a.key(`00${destination.slice(1)}#`);
  const b = await it_.phone.expectCall(destination, WAIT);
  await b.expectAnswered(WAIT);
  await hearEachOther(a, b);
  return { a, b, caller };
}

async function hearEachOther(a: PhoneCall, b: PhoneCall): Promise<void> {
  b.marker(1100);
  await a.heard.expectTone(1100, WAIT);
  a.marker(1900);
  await b.heard.expectTone(1900, WAIT);
}

async function over(caller: string): Promise<void> {
  await eventually(async () => {
    const mine = (await it_.sessions()).filter((s) => s.callerId === caller);
    assert.deepEqual(
      mine.map((s) => s.state),
      ['ended'],
    );
  }, WAIT);
}

describe('the platform on a real cluster', () => {
  it('install → a callback end to end', async () => {
    const { a, b, caller } = await conversation('+442079460001');
    await a.key('#11');
    await b.expectEnd(WAIT);
    await a.expectPrompt('en/ask_next_destination', WAIT, { until: 'start' });
    a.hangup();
    await over(caller);
  });

  it('scale down under live calls → none is cut, the emptiest goes', async () => {
    const talking = await conversation('+442079460002');
    const session = (await it_.sessions()).find((s) => s.callerId === talking.caller);
    await it_.cluster.kubectl('-n', it_.namespace, 'scale', 'switchpool/main', '--replicas=1');
    await eventually(async () => {
      const pods = await it_.pods('ringback.dev/pool=main');
      assert.deepEqual(
        pods.map((p) => p.metadata.name),
        [session?.switchId],
      );
    }, WAIT);
    await hearEachOther(talking.a, talking.b);
    // Its own switch is replaced under it: it drains, and the conversation goes on.
    await it_.cluster.kubectl('-n', it_.namespace, 'scale', 'switchpool/main', '--replicas=0');
    await eventually(async () => {
      const status = (await it_.pool())?.status;
      const [straggler] = (status?.['stragglers'] ?? []) as { switch: string; calls: number }[];
      assert.deepEqual([straggler?.switch, straggler?.calls], [session?.switchId, 2]);
    }, WAIT);
    await talking.a.key('#11');
    await talking.b.expectEnd(WAIT);
    await talking.a.expectPrompt('en/ask_next_destination', WAIT, { until: 'start' });
    talking.a.hangup();
    await over(talking.caller);
    await eventually(async () => assert.deepEqual(await it_.pods('ringback.dev/pool=main'), []), WAIT);
    await it_.cluster.kubectl('-n', it_.namespace, 'scale', 'switchpool/main', '--replicas=2');
    await eventually(async () => assert.equal((await it_.pool())?.status?.['ready'], 2), WAIT);
  });

  it('the eviction API does not get a switch with calls', async () => {
    const talking = await conversation('+442079460003');
    const session = (await it_.sessions()).find((s) => s.callerId === talking.caller);
    const eviction = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: session!.switchId, namespace: it_.namespace },
    };
    const path = `/api/v1/namespaces/${it_.namespace}/pods/${session!.switchId}/eviction`;
    await assert.rejects(it_.kube.send('POST', path, { body: eviction }), /disruption budget/);
    await hearEachOther(talking.a, talking.b);
    talking.a.hangup();
    await over(talking.caller);
  });

  it('a deleted switch Pod drains before it goes: preStop waits for the last call', async () => {
    const talking = await conversation('+442079460004');
    const session = (await it_.sessions()).find((s) => s.callerId === talking.caller);
    const pod = (await it_.kube.get(KINDS.Pod, session!.switchId, it_.namespace))!;
    await it_.kube.delete(KINDS.Pod, pod);
    // Its successor is there while it still carries the call.
    await eventually(async () => assert.equal((await it_.pods('ringback.dev/pool=main')).length, 3), WAIT);
    await hearEachOther(talking.a, talking.b);
    await talking.a.key('#11');
    await talking.b.expectEnd(WAIT);
    talking.a.hangup();
    await over(talking.caller);
    await eventually(
      async () => assert.equal(await it_.kube.get(KINDS.Pod, session!.switchId, it_.namespace), undefined),
      WAIT,
    );
  });

  it('the leading operator killed in mid-rollout → it goes on', async () => {
    await it_.cluster.kubectl('-n', it_.namespace, 'scale', 'switchpool/main', '--replicas=3');
    const lease = await it_.cluster.kubectl(
      '-n',
      it_.namespace,
      'get',
      'lease',
      'ringback-operator',
      '-o',
      'jsonpath={.spec.holderIdentity}',
    );
    const leader = (await it_.kube.get(KINDS.Pod, lease.trim(), it_.namespace))!;
    await it_.kube.delete(KINDS.Pod, leader, 0);
    await eventually(async () => assert.equal((await it_.pool())?.status?.['ready'], 3), WAIT);
    assert.equal((await it_.pods('ringback.dev/pool=main')).length, 3);
  });
});
