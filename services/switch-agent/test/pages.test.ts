import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { agentPage, type Condition } from '../src/pages.ts';

describe('pages of the agent', () => {
  const state = { away: undefined as string | undefined, draining: false, legs: 0, unconfirmed: 0 };
  const condition: Condition = {
    notReady: () => state.away,
    draining: () => state.draining,
    legs: () => state.legs,
    maxLegs: 2,
    unconfirmed: () => state.unconfirmed,
    drain() {
      state.draining = true;
      return Promise.resolve();
    },
  };
  const server = createServer((request, response) => {
    if (!agentPage(condition, request.url ?? '', response)) response.writeHead(404).end();
  });
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);
    return `${response.status} ${(await response.text()).trim()}`;
  };
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  after(() => server.close());

  it('/serving is 200 only while new calls may come', async () => {
    assert.equal(await get('/serving'), '200 ok');
    state.legs = 2;
    assert.equal(await get('/serving'), '503 full');
    state.away = 'NATS is away';
    assert.equal(await get('/serving'), '503 NATS is away');
    Object.assign(state, { away: undefined, legs: 1 });
  });

  it('/drain begins a drain, and answers when no leg is left and all is confirmed', async () => {
    const states: string[] = [];
    const drained = get('/drain').then((answer) => {
      states.push(`answered with ${state.legs} legs, ${state.unconfirmed} unconfirmed`);
      return answer;
    });
    while (!state.draining) await new Promise(setImmediate);
    assert.equal(await get('/serving'), '503 draining');
    Object.assign(state, { legs: 0, unconfirmed: 3 });
    assert.equal(await get('/serving'), '503 draining');
    state.unconfirmed = 0;
    assert.equal(await drained, '200 ok');
    assert.deepEqual(states, ['answered with 0 legs, 0 unconfirmed']);
  });

  it('there are no others', async () => assert.equal(await get('/fence'), '404 '));
});
