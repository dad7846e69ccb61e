import { after, before, describe } from 'node:test';
import { sipTests } from './support/hostile-at-the-edge.ts';
import { cliTests, configTests, grpcTests } from './support/hostile-input.ts';
import { eventTests } from './support/hostile-on-the-bus.ts';
import { edgeTests, secretTests } from './support/hostile-state.ts';
import { HostileWorld } from './support/hostile-world.ts';

/**
 * One platform, one conversation that is up from the beginning to the end, and everything that is wrong done to them
 * meanwhile. At the end the two still hear each other, and the ledger balances.
 */
let world: HostileWorld;
const hostile = (): HostileWorld => world;
before(async () => {
  world = await HostileWorld.start();
});
after(async () => {
  await world.close();
});

describe('SIP', { timeout: 240_000 }, () => sipTests(hostile));
describe('gRPC', { timeout: 240_000 }, () => grpcTests(hostile));
describe('events', { timeout: 240_000 }, () => eventTests(hostile));
describe('the command line', { timeout: 240_000 }, () => cliTests(hostile));
describe('configuration', { timeout: 240_000, concurrency: 3 }, () => configTests());
describe('the edge', { timeout: 240_000 }, () => edgeTests(hostile));
describe('secrets', { timeout: 240_000 }, () => secretTests(hostile));
