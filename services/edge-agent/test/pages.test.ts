import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { ofPools } from '@ringback/contracts';
import { edgePage } from '../src/pages.ts';

describe('switches of an edge', () => {
  for (const [id, pools, expected] of [
    ['main-x7k2p', ['main'], true],
    ['main-x7k2p', [], true],
    ['main-b-x7k2p', ['main'], false],
    ['main-b-x7k2p', ['other', 'main-b'], true],
    ['switch1', ['main'], false],
  ] as const) {
    it(`${id} behind ${pools.join(', ') || 'all'}: ${expected}`, () => assert.equal(ofPools(id, pools), expected));
  }
});

describe('pages of the edge', () => {
  const agent = {
    told: 0,
    drained: false,
    drain() {
      this.told += 1;
    },
  };
  const server = createServer((request, response) => {
    if (!edgePage(agent, request.url ?? '', response)) response.writeHead(404).end();
  });
  before(() => once(server.listen(0, '127.0.0.1'), 'listening'));
  after(() => server.close());

  it('/drain answers when no transaction is open any more', async () => {
    let answered = false;
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const drained = fetch(`${url}/drain`).then((response) => {
      answered = true;
      return response.status;
    });
    while (agent.told === 0) await new Promise(setImmediate);
    assert.equal((await fetch(`${url}/other`)).status, 404);
    assert.equal(answered, false);
    agent.drained = true;
    assert.equal(await drained, 200);
  });
});
