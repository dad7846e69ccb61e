import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { edgeStatusSubject, sw } from '@ringback/contracts';
import { uuidv7 } from '@ringback/service-kit';
import { Edges } from '../src/core/edges.ts';
import { World } from './world.ts';

const SECOND = 1_000_000;
const A = '10.0.0.1:5060';
const B = '10.0.0.2:5060';

/** Two edges in the configuration, and a clock in seconds. */
function edges(configured: readonly string[] = [A, B]) {
  let now = 0;
  const book = new Edges('main-x', configured, () => now * SECOND);
  return {
    at(seconds: number) {
      now = seconds;
      return this;
    },
    says(sipAddress: string, serving: boolean, switchPools: string[] = []) {
      book.heard(sw.EdgeStatus.fromPartial({ sipAddress, serving, switchPools }));
      return this;
    },
    /** Those that the next calls go out by. */
    used: () => [...new Set([1, 2, 3, 4].map(() => book.next()))].toSorted(),
  };
}

describe('which edge a call goes out by', () => {
  test('all in turn, while nothing is known', () => assert.deepEqual(edges().used(), [A, B]));

  test('none where there is none', () => assert.deepEqual(edges([]).used(), ['']));

  test('one that serves before one of which nothing is known', () => {
    assert.deepEqual(edges().says(A, true).used(), [A]);
  });

  test('not one that says that it does not serve', () => {
    assert.deepEqual(edges().says(A, false).used(), [B]);
    assert.deepEqual(edges().says(A, false).says(B, true).used(), [B]);
  });

  test('not one that has fallen silent; all of them when there is nothing better', () => {
    assert.deepEqual(edges().says(A, true).says(B, true).at(3).says(B, true).at(5).used(), [B]);
    assert.deepEqual(edges().says(A, true).says(B, true).at(60).used(), [A, B]);
    assert.deepEqual(edges().says(A, false).says(B, false).used(), [A, B]);
  });

  test('one that nobody configured, of its pool', () => {
    assert.deepEqual(edges([]).says(A, true, ['main']).says(B, true, ['other']).used(), [A]);
    assert.deepEqual(edges([]).says(A, true).at(4_000).used(), [''], 'forgotten after an hour');
  });
});

test('a call goes out by the edge that serves, not by the dead one', async (t) => {
  const dead = '127.0.0.9:5060';
  const world = await World.start({ EDGES: dead });
  t.after(() => world.stop());
  const { address, port } = { address: world.edge.address.host, port: world.edge.address.port };
  const says = (edgeId: string, sipAddress: string, serving: boolean): void => {
    const status = sw.EdgeStatus.encode(sw.EdgeStatus.fromPartial({ edgeId, sipAddress, serving }));
    world.connection.publish(edgeStatusSubject(edgeId), status.finish());
  };
  says('dead', dead, false);
  says('alive', `${address}:${port}`, true);
  const leg = uuidv7();
  await world.give(leg, { $case: 'originate', value: { dial: world.dial('+48601000077') } });
  const phone = await world.answers('+48601000077');
  await world.until('the answer is told', () => world.told('answered').length === 1);
  phone.call.hangup();
  await world.until('the end is told', () => world.told('ended').length === 1);
});
