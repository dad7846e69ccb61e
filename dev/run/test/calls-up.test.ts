import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { answer, Telephone } from '@ringback/dev-telephone';
import { call, grpcClient } from '@ringback/service-kit';
import { type Platform, startPlatform } from '../src/platform.ts';
import { settingsFromEnv } from '../src/settings.ts';

const WAIT = 20_000;
const CALLER = '+48601000004';
const DESTINATION = '+442079460911';

let directory: string;
let platform: Platform;

async function start(): Promise<Platform> {
  const server = createServer();
  const free = async (base: number): Promise<number> =>
    (await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(base, '127.0.0.1', () => server.close(() => resolve(true)));
    }))
      ? base
      : free(base + 1_000);
  const settings = settingsFromEnv({ RUN_DIR: directory, PORT_BASE: String(await free(11_000)) });
  const accessNumber = { ringTimeMs: 1_000, callbackDelayMs: 500 };
  return await startPlatform({ ...settings, accessNumber });
}

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'ringback-calls-'));
  platform = await start();
});
after(async () => {
  await platform.stop();
  await rm(directory, { recursive: true, force: true });
});

test('stopped with a conversation up: both telephones are hung up, all is settled, within ten seconds', async () => {
  const { carrier, edge } = platform.endpoints;
  const phone = await Telephone.create({ bind: carrier.sip, edge: edge.sip });
  phone.onCallTo(DESTINATION, answer(100));
  const trigger = await phone.call(CALLER, '+48223000000');
  await trigger.expectEnd(WAIT);
  const a = await phone.expectCall(CALLER, WAIT);
  a.answer();
  // An authorised caller hears neither balance nor PIN, and may key ahead of the prompt.
  await a.key('00442079460911#');
  const b = await phone.expectCall(DESTINATION, WAIT);
  b.marker(1_100);
  await a.heard.expectTone(1_100, WAIT);

  const begun = performance.now();
  await platform.stop();
  const took = performance.now() - begun;
  assert.ok(took < 10_000, `took ${took} ms`);
  await Promise.all([a.expectEnd(1_000), b.expectEnd(1_000)]);
  await phone.close();

  platform = await start();
  const ledger = grpcClient(billing.LedgerServiceClient, platform.endpoints.grpc.billing ?? '');
  const { holds } = await call(ledger, ledger.listHolds, { all: false });
  assert.deepEqual(holds, []);
  assert.deepEqual((await call(ledger, ledger.checkLedger, {})).problems, []);
  const { cdrs } = await call(ledger, ledger.listCdrs, billing.ListCdrsRequest.fromPartial({ pageSize: 10 }));
  const legs = cdrs.map(({ role, answeredAtUs, endedAtUs, transferId }) => ({
    role,
    answered: answeredAtUs > 0n,
    ended: endedAtUs > 0n,
    charged: transferId !== '',
  }));
  assert.deepEqual(
    legs.sort((one, two) => one.role.localeCompare(two.role)),
    [
      { role: 'a', answered: true, ended: true, charged: true },
      { role: 'b', answered: true, ended: true, charged: true },
      { role: 'trigger', answered: false, ended: true, charged: false },
    ],
  );
  ledger.close();
});
