/** The service as a process: killed under load, stopped politely, observed. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { billing, SPAN_SUBJECTS } from '@ringback/contracts';
import {
  call,
  connectNats,
  grpcClient,
  createPool,
  type NatsConnection,
  nowUs,
  type Pool,
} from '@ringback/service-kit';
import { type TestDatabase, testDatabase, type TestNats, testNats } from '@ringback/service-kit/testing';
import { BillingProcess } from './support/process.ts';
import { StatementProxy } from './support/statement-proxy.ts';
import { someBackendWaits } from './support/backends.ts';
import { A, DECK, fresh, leg, pays, reserveRequest, S, settleRequest } from './support/world.ts';

let database: TestDatabase;
let nats: TestNats;
let bus: NatsConnection;
let pool: Pool;
const started: BillingProcess[] = [];
before(async () => {
  [database, nats] = await Promise.all([testDatabase(), testNats()]);
  pool = createPool(database.url);
  bus = await connectNats({ url: nats.url, name: 'test' });
});
after(async () => {
  for (const each of started) await each.end('SIGKILL');
  await bus.close();
  await pool.end();
  await nats.close();
  await database.close();
});

async function start(): Promise<BillingProcess> {
  const billingProcess = await BillingProcess.start({ DATABASE_URL: database.url, NATS_URL: nats.url });
  started.push(billingProcess);
  return billingProcess;
}

/** Work with clients of a process, closed afterwards. */
async function using<T>(
  { grpc }: BillingProcess,
  work: (clients: {
    billing: billing.BillingServiceClient;
    ledger: billing.LedgerServiceClient;
    decks: billing.DeckServiceClient;
  }) => Promise<T>,
): Promise<T> {
  const clients = {
    billing: grpcClient(billing.BillingServiceClient, grpc),
    ledger: grpcClient(billing.LedgerServiceClient, grpc),
    decks: grpcClient(billing.DeckServiceClient, grpc),
  };
  try {
    return await work(clients);
  } finally {
    for (const client of Object.values(clients)) client.close();
  }
}

describe('the process', () => {
  test('killed under load: what was answered has happened, what was not is done once when it is asked again', async () => {
    const CALLS = 400;
    const account = 'killed';
    // Calls of now: holds of the past would be posted as expired.
    const startAtUs = nowUs();
    const requests = Array.from({ length: CALLS }, () =>
      reserveRequest({ payer: pays(account), capUs: 60n * S, legs: [leg(fresh('leg'), A, { startAtUs })] }),
    );
    const first = await start();
    const answers = await using(first, async ({ billing: client, ledger, decks }) => {
      const deck = billing.ImportDeckRequest.fromPartial({ name: 'standard', csv: DECK, validFromUs: 1n });
      assert.deepEqual((await call(decks, decks.importDeck, deck)).problems, []);
      await call(ledger, ledger.openAccount, { accountNumber: account, currency: 'EUR', deck: 'standard' });
      const amount = { micros: 1_000_000_000n, currency: 'EUR' };
      await call(ledger, ledger.topUp, { requestId: 'top', accountNumber: account, amount, note: '' });
      const ask = (request: billing.ReserveRequest) => call(client, client.reserve, request, { deadlineMs: 10_000 });
      const answered = await Promise.allSettled(requests.slice(0, CALLS / 4).map(ask));
      // The others are decided, and wait to be written, when it dies.
      const blocker = await pool.connect();
      await blocker.query('BEGIN; LOCK TABLE billing.answer IN SHARE MODE');
      const asked = Promise.allSettled(requests.slice(CALLS / 4).map(ask));
      await someBackendWaits(pool);
      await first.end('SIGKILL');
      const lost = await asked;
      await blocker.query('ROLLBACK');
      blocker.release();
      assert.ok(lost.every(({ status }) => status === 'rejected'));
      return [...answered, ...lost];
    });

    const second = await start();
    await using(second, async ({ billing: client, ledger }) => {
      const again = await Promise.all(
        requests.map((request) => call(client, client.reserve, request, { deadlineMs: 10_000 })),
      );
      for (const [index, answer] of answers.entries()) {
        if (answer.status === 'fulfilled') assert.deepEqual(again[index], answer.value);
        assert.equal(again[index]!.outcome, 'OUTCOME_OK');
      }
      const { held } = await call(client, client.getBalance, { requestId: '', accountNumber: account });
      assert.equal(held?.micros, BigInt(CALLS) * 110_000n);
      const ends = requests.map(({ sessionId, legs }) =>
        settleRequest(30, {
          legId: legs[0]!.legId,
          sessionId,
          accountNumber: account,
          answeredAtUs: startAtUs,
          endedAtUs: startAtUs + 30n * S,
        }),
      );
      await Promise.all(ends.map((end) => call(client, client.settle, end, { deadlineMs: 10_000 })));
      const { balance } = await call(client, client.getBalance, { requestId: '', accountNumber: account });
      assert.equal(balance?.micros, 1_000_000_000n - BigInt(CALLS) * 80_000n);
      assert.deepEqual((await call(ledger, ledger.checkLedger, {})).problems, []);
    });
    assert.equal(await second.end('SIGTERM'), 0);
  });

  test('killed after each statement of a settlement: its successor charges the call once', async (t) => {
    const proxy = await StatementProxy.start(database.url);
    t.after(() => proxy.close());
    const boot = async () => {
      const one = await BillingProcess.start({ DATABASE_URL: proxy.url, MAINTENANCE_INTERVAL: '1h' });
      started.push(one);
      return one;
    };
    const account = fresh('acc');
    let killed = 0;
    let running = await boot();
    await using(running, async ({ ledger, decks }) => {
      const deck = billing.ImportDeckRequest.fromPartial({ name: 'standard', csv: DECK, validFromUs: 1n });
      await call(decks, decks.importDeck, deck);
      await call(ledger, ledger.openAccount, { accountNumber: account, currency: 'EUR', deck: 'standard' });
      const amount = { micros: 1_000_000_000n, currency: 'EUR' };
      await call(ledger, ledger.topUp, { requestId: fresh('top'), accountNumber: account, amount, note: '' });
    });
    for (let statement = 1, calls = 1; ; statement++, calls++) {
      const request = reserveRequest({ payer: pays(account), capUs: 60n * S });
      const { sessionId, legs } = request;
      const end = settleRequest(30, { legId: legs[0]!.legId, sessionId, accountNumber: account });
      const dying = running;
      const lost = await using(dying, async ({ billing: client }) => {
        await call(client, client.reserve, request);
        const dead = Promise.withResolvers<unknown>();
        proxy.arm({ statement, when: 'after', also: () => void dying.end('SIGKILL').then(dead.resolve) });
        const [asked] = await Promise.allSettled([call(client, client.settle, end)]);
        if (!proxy.disarm()) return false;
        assert.equal(asked.status, 'rejected');
        await dead.promise;
        return true;
      });
      if (lost) {
        killed++;
        running = await boot();
      }
      await using(running, async ({ billing: client, ledger }) => {
        assert.equal((await call(client, client.settle, end)).cost?.micros, 80_000n);
        const { balance, held } = await call(client, client.getBalance, { requestId: '', accountNumber: account });
        assert.deepEqual([balance?.micros, held?.micros], [1_000_000_000n - BigInt(calls) * 80_000n, 0n]);
        assert.deepEqual((await call(ledger, ledger.checkLedger, {})).problems, []);
      });
      if (!lost) break;
    }
    assert.ok(killed >= 5, `killed ${killed} times`);
    assert.equal(await running.end('SIGTERM'), 0);
  });

  test('tells metrics and traces, and no number of a telephone', async () => {
    const spans: { name: string; traceId: string; spanId: string; parentSpanId: string }[] = [];
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const told = new Promise<void>((resolve) => {
      bus.subscribe(SPAN_SUBJECTS, {
        callback: (_, message) => {
          spans.push(...message.json<typeof spans>());
          if (spans.some((span) => span.traceId === traceId)) resolve();
        },
      });
    });
    await bus.flush();
    const process = await start();
    await using(process, async ({ billing: client }) => {
      const legs = [leg('leg-observed', A, { startAtUs: nowUs() })];
      const request = reserveRequest({ requestId: 'observed', payer: pays('killed'), legs, capUs: S });
      const stream = client.askStream();
      await new Promise<void>((resolve, reject) => {
        stream.on('data', () => resolve());
        stream.on('error', reject);
        stream.write({
          questions: [
            { traceparent: `00-${traceId}-b7ad6b7169203331-01`, question: { $case: 'reserve', value: request } },
          ],
        });
      });
      stream.end();
      // A question that fails must not quote numbers either.
      await assert.rejects(call(client, client.reserve, { ...request, requestId: 'x', sessionId: '' }));
    });
    await told;
    const [ledger, served] = spans.filter((each) => each.traceId === traceId);
    assert.deepEqual([served?.name, served?.parentSpanId], ['billing reserve', 'b7ad6b7169203331']);
    assert.deepEqual([ledger?.name, ledger?.parentSpanId], ['ledger reserve', served?.spanId]);
    const ready = await fetch(`http://${process.http}/readyz`);
    assert.equal(ready.status, 200);
    let metrics = '';
    for (const deadline = Date.now() + 10_000; !/holds_open[^\n]* 1\n/.test(metrics) && Date.now() < deadline; ) {
      await pause(20);
      metrics = await (await fetch(`http://${process.http}/metrics`)).text();
    }
    for (const pattern of [
      /ringback_billing_holds_open[^\n]* 1\n/,
      /ringback_billing_ledger_imbalance_micros[^\n]* 0\n/,
      /ringback_billing_legs_unsettled[^\n]* \d+\n/,
      /ringback_billing_holds_oldest_seconds[^\n]* \d+\n/,
      /ringback_billing_questions_total\{[^}]*question="reserve"[^}]*outcome="OUTCOME_OK"[^}]*\} 1\n/,
    ]) {
      assert.match(metrics, pattern);
    }
    assert.equal(await process.end('SIGTERM'), 0);
    const everything = [...process.lines, JSON.stringify(spans), metrics].join('\n');
    assert.ok(!everything.includes(A.slice(1)), 'a number of a telephone was told');
  });
});
