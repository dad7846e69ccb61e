/** What is told of money and calls afterwards: statements, totals, CDRs and their export, parts by month, retention. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { billing } from '@ringback/contracts';
import { call, callStream, createLogger, nowUs } from '@ringback/service-kit';
import { monthOf, retireCdrs } from '../src/postgres/cdr-parts.ts';
import { A, B, DECK, fresh, leg, NOON, pays, S, settleRequest, World } from './support/world.ts';

const DAY = 86_400n * S;
let world: World;
before(async () => {
  world = await World.start();
  await world.importDeck(DECK);
});
after(() => world.close());

async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const each of stream) found.push(each);
  return found;
}
const statement = (accountNumber: string, fromUs = 0n, toUs = 0n) =>
  all(callStream(world.ledger, world.ledger.getStatement, { accountNumber, fromUs, toUs }));
const totals = async (by: billing.ListDailyTotalsRequest_By, fromUs: bigint, toUs: bigint) => {
  const told = await call(world.ledger, world.ledger.listDailyTotals, { by, fromUs, toUs });
  return told.totals.map(({ day, key, legs, answered, billedUs, cost }) => [
    day,
    key,
    Number(legs),
    Number(answered),
    Number(billedUs / S),
    cost!.micros,
  ]);
};
const exported = async (filter: Partial<billing.ExportCdrsRequest>) => {
  const request = billing.ExportCdrsRequest.fromPartial(filter);
  const text = (await all(callStream(world.ledger, world.ledger.exportCdrs, request))).map(({ csv }) => csv).join('');
  return text.split('\r\n').slice(0, -1);
};
/** Moves what an account did back in time: for a database that lets nobody do so, as somebody with every right. */
const backdate = (account: string, byUs: bigint) =>
  world.database.query(
    `SET session_replication_role = replica; UPDATE billing.transfer t SET at_us = at_us - ${byUs}
     FROM billing.entry e WHERE e.transfer_id = t.id AND e.account = '${account}'`,
  );

describe('a statement', () => {
  test('goes from the opening balance, entry by entry, to the closing one; periods join without a gap', async () => {
    const account = await world.account(5);
    await world.settle(settleRequest(10, { accountNumber: account }));
    await backdate(account, 10n * DAY);
    await world.settle(settleRequest(60, { accountNumber: account, sessionId: 'of-the-second-call' }));
    await world.topUp(account, 1_000_000n);
    const whole = await statement(account);
    const lines = whole.flatMap((part) => part.lines);
    assert.deepEqual(
      lines.map(({ entry, balanceAfter }) => [entry?.kind, entry?.amount?.micros, balanceAfter?.micros]),
      [
        ['top_up', 5_000_000n, 5_000_000n],
        ['call', -60_000n, 4_940_000n],
        ['call', -110_000n, 4_830_000n],
        ['top_up', 1_000_000n, 5_830_000n],
      ],
    );
    assert.equal(lines[2]?.sessionId, 'of-the-second-call');
    assert.deepEqual([whole[0]?.opening?.micros, whole.at(-1)?.closing?.micros], [0n, 5_830_000n]);
    assert.deepEqual(
      whole.at(-1)?.totals.map(({ kind, amount, entries }) => [kind, amount?.micros, entries]),
      [
        ['top_up', 6_000_000n, 2n],
        ['call', -170_000n, 2n],
      ],
    );
    const border = nowUs() - 5n * DAY;
    const [before, after] = [await statement(account, 0n, border), await statement(account, border)];
    assert.equal(before.at(-1)?.closing?.micros, 4_940_000n);
    assert.deepEqual(after[0]?.opening, before.at(-1)?.closing);
    assert.equal(after.flatMap((part) => part.lines).length, 2);
  });

  test('of nobody, or backwards, is refused', async () => {
    await assert.rejects(statement('nobody'), /account_number: there is no such account/);
    await assert.rejects(statement('a', 5n, 4n), /to_us: is before from_us/);
    await assert.rejects(statement(''), /account_number: is empty/);
  });
});

describe('CDRs', () => {
  test('tell what an auditor asks: the held amount, the increments, the prefix, the transfer', async () => {
    const account = await world.account(5);
    const [sessionId, a, b] = [fresh('session'), fresh('leg'), fresh('leg')];
    await world.reserve({ sessionId, payer: pays(account), legs: [leg(a, A), leg(b, B)], capUs: 600n * S });
    await world.settle(settleRequest(10, { legId: a, sessionId, accountNumber: account }));
    const settled = await world.settle(
      settleRequest(61, { legId: b, sessionId, accountNumber: account, role: 'b' }, { number: B }),
    );
    const cdrs = [await world.cdr(a), await world.cdr(b)];
    assert.deepEqual(
      cdrs.map(({ held, increments, prefix, ratedNumber }) => [held?.micros, increments, prefix, ratedNumber]),
      [
        [650_000n, '0.05 + 10×1s@0.06', '48', A],
        [1_200_000n, '2×60s@0.12', '44', B],
      ],
    );
    assert.equal(cdrs[1]!.transferId, settled.transferId);
    assert.ok(cdrs[1]!.settledAtUs > NOON);
  });

  test('are searched by cause: its name, its Q.850 or its SIP code; and by result', async () => {
    const account = await world.account(5);
    const busy = { accountNumber: account, cause: 'USER_BUSY', q850: 17, sipStatus: 486, result: 'busy' };
    await world.settle(settleRequest(undefined, busy));
    await world.settle(
      settleRequest(undefined, { accountNumber: account, cause: 'NO_ANSWER', q850: 19, sipStatus: 480 }),
    );
    const count = async (filter: Partial<billing.ListCdrsRequest>) => {
      const request = billing.ListCdrsRequest.fromPartial({ accountNumber: account, ...filter });
      return (await call(world.ledger, world.ledger.listCdrs, request)).cdrs.length;
    };
    assert.deepEqual(
      await Promise.all(
        [
          {},
          { cause: 'USER_BUSY' },
          { cause: 'q850:19' },
          { cause: 'sip:486' },
          { cause: 'sip:200' },
          { result: 'busy' },
        ].map(count),
      ),
      [2, 1, 1, 1, 0, 1],
    );
    await assert.rejects(count({ cause: "x' OR true" }), /cause: is neither a name/);
  });

  test('are exported as CSV, more than a page of them, quoted as RFC 4180 says, formulas as text', async () => {
    const account = await world.account(0);
    const count = 2_345;
    const legs = Array.from({ length: count }, () =>
      settleRequest(undefined, { accountNumber: account, reason: 'a, "b"', cause: '=1+1' }),
    );
    for (let i = 0; i < count; i += 200) await Promise.all(legs.slice(i, i + 200).map((each) => world.settle(each)));
    const [header, ...lines] = await exported({ accountNumber: account });
    assert.equal(lines.length, count);
    const columns = header!.split(',');
    assert.equal(new Set(lines.map((line) => line.split(',')[0])).size, count);
    assert.match(lines[0]!, /,"a, ""b""",'=1\+1,/);
    assert.equal(columns.length, 35);
    assert.deepEqual((await exported({ accountNumber: account, result: 'busy' })).length, 1);
    await assert.rejects(exported({ cause: '?' }), /cause: is neither/);
  });

  test('whose reader leaves in the middle cost no connection', async () => {
    for (let i = 0; i < 30; i++) {
      for await (const part of callStream(
        world.ledger,
        world.ledger.exportCdrs,
        billing.ExportCdrsRequest.fromPartial({}),
      )) {
        assert.ok(part.csv.startsWith('leg_id,'));
        break;
      }
    }
    assert.ok((await exported({})).length > 1);
  });

  test('go by months: each has its part, what was elsewhere moves there, and no part lets a CDR be changed', async () => {
    const account = await world.account(5);
    const { part, fromUs, toUs } = monthOf(NOON, 240);
    const request = settleRequest(undefined, {
      accountNumber: account,
      createdAtUs: fromUs + DAY,
      endedAtUs: fromUs + DAY,
    });
    await world.settle(request);
    const where = async () => {
      const rows = await world.database.query(
        `SELECT tableoid::regclass::text AS part FROM billing.cdr WHERE leg_id = '${request.cdr!.legId}'`,
      );
      return rows.map((row) => row.part);
    };
    assert.deepEqual(await where(), ['billing.cdr_other']);
    await world.pool.query('SELECT billing.make_cdr_part($1, $2, $3)', [part, fromUs, toUs]);
    assert.deepEqual(await where(), [`billing.${part}`]);
    await assert.rejects(world.pool.query(`DELETE FROM billing.${part}`), /append-only/);
    await assert.rejects(world.pool.query(`UPDATE billing.${part} SET cost = 1`), /append-only/);
    await assert.rejects(world.pool.query('DELETE FROM billing.cdr_other'), /append-only/);
    assert.equal((await world.settle(request)).outcome, 'OUTCOME_SETTLED');
    assert.equal((await world.settle({ ...request, requestId: fresh('again') })).outcome, 'OUTCOME_ALREADY_SETTLED');
  });

  test('past their retention go by the month; totals, money and tombstones stay', async () => {
    const account = await world.account(5);
    const month = monthOf(NOON, -120);
    await world.pool.query('SELECT billing.make_cdr_part($1, $2, $3)', [month.part, month.fromUs, month.toUs]);
    const at = month.fromUs + 3n * DAY + 5n * S;
    const times = { createdAtUs: at, answeredAtUs: at, endedAtUs: at + 60n * S };
    const request = settleRequest(60, { accountNumber: account, trunkId: 'old-trunk', ...times });
    await world.settle(request);
    await world.settle(
      settleRequest(
        undefined,
        { accountNumber: account, trunkId: 'old-trunk', toNumber: B, createdAtUs: at },
        { number: B },
      ),
    );
    const months = [month.fromUs, month.toUs] as const;
    const before = await totals('BY_COUNTRY', ...months);
    assert.equal(before.length, 2);
    const log = createLogger('test', 'silent');
    assert.deepEqual(await retireCdrs(world.pool, month.toUs - 1n, nowUs(), log), []);
    assert.deepEqual(await retireCdrs(world.pool, month.toUs, nowUs(), log), [month.part]);
    assert.equal((await exported({ accountNumber: account })).length, 1);
    assert.deepEqual(await totals('BY_COUNTRY', ...months), before);
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
    assert.deepEqual(await world.problems(), []);
    // Whoever asks again with the same key gets the stored answer; a late report under another one charges nothing.
    assert.equal((await world.settle(request)).cost?.micros, 110_000n);
    await assert.rejects(world.settle({ ...request, requestId: fresh('late') }), /its CDR is past its retention/);
    assert.deepEqual(await world.purse(account), [4_890_000n, 0n]);
  });
});

test('daily totals by trunk, deck and country are what the CDRs sum to', async () => {
  const account = await world.account(50);
  const day = (NOON / DAY + 1_000n) * DAY;
  const one = (seconds: number | undefined, day_: bigint, trunkId: string, number: string) => {
    const at = day + day_ * DAY + 7n * S;
    const times = {
      createdAtUs: at,
      ...(seconds === undefined ? {} : { answeredAtUs: at, endedAtUs: at + BigInt(seconds) * S }),
    };
    const request = settleRequest(seconds, { accountNumber: account, trunkId, toNumber: number, ...times }, { number });
    return world.settle(request);
  };
  await Promise.all([
    one(60, 0n, 't1', A),
    one(30, 0n, 't1', B),
    one(60, 0n, 't2', A),
    one(undefined, 0n, 't2', A),
    one(60, 1n, 't2', '+48601000002'),
  ]);
  const period = [day, day + 2n * DAY] as const;
  const [first, second] = [day, day + DAY].map((us) => new Date(Number(us / 1000n)).toISOString().slice(0, 10));
  assert.deepEqual(await totals('BY_TRUNK', ...period), [
    [first, 't1', 2, 2, 90, 230_000n],
    [first, 't2', 2, 1, 60, 110_000n],
    [second, 't2', 1, 1, 60, 110_000n],
  ]);
  assert.deepEqual(await totals('BY_COUNTRY', ...period), [
    [first, 'GB', 1, 1, 30, 120_000n],
    [first, 'PL', 3, 2, 120, 220_000n],
    [second, 'PL', 1, 1, 60, 110_000n],
  ]);
  assert.deepEqual(await totals('BY_DECK', day, day + DAY), [
    [first, '', 1, 0, 0, 0n],
    [first, 'standard', 3, 3, 150, 340_000n],
  ]);
  await assert.rejects(totals('BY_UNSPECIFIED', ...period), /by: is none of/);
  await assert.rejects(totals('BY_DECK', 0n, NOON), /to_us: is more than 400 days on/);
});
