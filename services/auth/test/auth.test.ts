import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { verify } from '@node-rs/argon2';
import { auth } from '@ringback/contracts';
import { seal } from '@ringback/sealing';
import { createPool, GrpcError, migrate, type Pool } from '@ringback/service-kit';
import { type TestDatabase, testDatabase } from '@ringback/service-kit/testing';
import { accountHandlers } from '../src/api/accounts.ts';
import { batchAnswers } from '../src/api/ask-stream.ts';
import { Questions } from '../src/api/questions.ts';
import { inTurn, type LockoutRules } from '../src/lockouts.ts';
import { createPins, type Pins } from '../src/pins.ts';
import { PostgresAuthStore } from '../src/postgres-store.ts';
import { loadSealingKey, type SealingKey } from '../src/sealing-key.ts';

let database: TestDatabase;
let pool: Pool;
let key: SealingKey;
let questions: Questions;
let accounts: ReturnType<typeof accountHandlers>;
let pins: Pins;
let next = 0;

const rules: LockoutRules = { tries: { account: 3, caller: 3, access: 100 }, windowMs: 60_000, lockMs: 60_000 };

const PIN = '471100';
const {
  VerifyPinResponse_Outcome: Outcome,
  IdentifyResponse_Status: Status,
  ResolveDestinationResponse_Outcome: Resolved,
} = auth;

before(async () => {
  database = await testDatabase();
  pool = createPool(database.url);
  await migrate(pool, new URL('../migrations/', import.meta.url), 'auth');
  key = await loadSealingKey(pool, 'a secret');
  pins = await createPins({ memoryKib: 8_192, passes: 1 });
  questions = new Questions({ store: new PostgresAuthStore(pool, rules), pins, key });
  accounts = accountHandlers(pool, pins);
});
after(async () => {
  await pool.end();
  await database.close();
});

/** A fresh account with a caller ID of its own. */
async function account(fields: Partial<auth.CreateAccountRequest> = {}): Promise<{ number: string; callerId: string }> {
  const created = await accounts.createAccount(
    auth.CreateAccountRequest.fromPartial({ pin: PIN, country: 'PL', ...fields }),
  );
  const number = created.account!.number;
  const callerId = `+48601${String(100_000 + ++next)}`;
  await accounts.putCallerId({ accountNumber: number, number: callerId, authorised: false, move: false });
  return { number, callerId };
}

function pinRequest(accountNumber: string, callerId: string, pin: string, fields: Partial<auth.VerifyPinRequest> = {}) {
  const context = { account: accountNumber, sessionId: 's', legId: 'l', commandId: `c${++next}` };
  const sealed = seal(pin, key.keyId, key.publicKey, context);
  return auth.VerifyPinRequest.fromPartial({
    requestId: `r${next}`,
    accountNumber,
    ...sealed,
    sessionId: context.sessionId,
    legId: context.legId,
    commandId: context.commandId,
    callerId,
    accessNumber: '+48223000000',
    ...fields,
  });
}

const identify = (callerId: string, trusted = true) =>
  questions.identify({ requestId: 'i', callerId, trusted, accessNumber: '+48223000000' });

describe('a PIN', () => {
  test('that is right saves the caller ID: next time neither balance nor PIN, over a trusted path', async () => {
    const { number, callerId } = await account();
    assert.equal((await identify(callerId)).authorised, false);
    const answer = await questions.verifyPin(pinRequest(number, callerId, PIN, { saveCallerId: true }));
    assert.equal(answer.outcome, Outcome.OK);
    assert.equal(answer.callerIdSaved, true);
    assert.equal((await identify(callerId)).authorised, true);
    assert.equal((await identify(callerId, false)).authorised, false, 'an untrusted path always leads to the PIN');
  });

  test('that is right takes no caller ID away from another account', async () => {
    const [one, other] = [await account(), await account()];
    const answer = await questions.verifyPin(pinRequest(one.number, other.callerId, PIN, { saveCallerId: true }));
    assert.deepEqual([answer.outcome, answer.callerIdSaved], [Outcome.OK, false]);
    const { account: its } = await identify(other.callerId);
    assert.equal(its?.number, other.number);
  });

  test('wrong ones count across calls, also at the same time, and lock; the right one comes too late', async () => {
    const { number, callerId } = await account();
    const outcomes = await Promise.all(
      [1, 2, 3].map(() => questions.verifyPin(pinRequest(number, callerId, '000000'))),
    );
    assert.equal(outcomes.filter(({ outcome }) => outcome === Outcome.LOCKED).length, 1);
    assert.equal((await questions.verifyPin(pinRequest(number, callerId, PIN))).outcome, Outcome.LOCKED);
    assert.equal((await identify(callerId)).status, Status.LOCKED);
    await accounts.unlock({ number });
    assert.equal((await questions.verifyPin(pinRequest(number, callerId, PIN))).outcome, Outcome.OK);
  });

  test('a guesser is locked by caller ID over many accounts, an unknown account looks like a wrong PIN', async () => {
    const callerId = '+48601999999';
    const outcomes: string[] = [];
    for (const number of ['777700', '777701', '777702']) {
      outcomes.push((await questions.verifyPin(pinRequest(number, callerId, PIN))).outcome);
    }
    assert.deepEqual(outcomes, [Outcome.WRONG, Outcome.WRONG, Outcome.LOCKED]);
  });

  test('asked twice under one id gives one answer and counts once', async () => {
    const { number, callerId } = await account();
    const request = pinRequest(number, callerId, '000000');
    const answers = await Promise.all([questions.verifyPin(request), questions.verifyPin(request)]);
    answers.push(await questions.verifyPin(request));
    assert.deepEqual(new Set(answers.map(({ outcome }) => outcome)), new Set([Outcome.WRONG]));
    const [row] = await database.query('SELECT failures FROM auth.lockout WHERE subject = $1', [`account:${number}`]);
    assert.equal(row?.failures, 1);
  });

  test('the right PIN among many guesses made at once finds the lock as well', async () => {
    const { number, callerId } = await account();
    const gate = await pool.connect();
    const waiting = async (): Promise<number> => {
      const [row] = await database.query(
        `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`,
      );
      return Number(row?.waiting);
    };
    await gate.query('BEGIN');
    await inTurn(gate, { account: number, callerId, accessNumber: '' });
    const answers: Promise<auth.VerifyPinResponse>[] = [];
    for (const pin of ['000000', '000001', '000002', PIN]) {
      answers.push(questions.verifyPin(pinRequest(number, callerId, pin)));
      // PostgreSQL serves those who wait in the order in which they came.
      while ((await waiting()) < answers.length) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await gate.query('COMMIT');
    gate.release();
    const outcomes = (await Promise.all(answers)).map(({ outcome }) => outcome);
    assert.deepEqual(outcomes, [Outcome.WRONG, Outcome.WRONG, Outcome.LOCKED, Outcome.LOCKED]);
  });

  test('a repetition needs no second connection: a full pool does not wait for itself', async () => {
    const { number, callerId } = await account();
    const one = createPool(database.url, { max: 1 });
    const narrow = new Questions({ store: new PostgresAuthStore(one, rules), pins, key });
    const request = pinRequest(number, callerId, '000000');
    const answers = await Promise.all([1, 2, 3].map(() => narrow.verifyPin(request)));
    assert.deepEqual(
      answers.map(({ outcome }) => outcome),
      [Outcome.WRONG, Outcome.WRONG, Outcome.WRONG],
    );
    await one.end();
  });

  test('of no account takes as long as a wrong one', async () => {
    const compared: string[] = [];
    const slow = await createPins({ memoryKib: 19_456, passes: 2 }, (stored, pin) => {
      compared.push(String(stored));
      return verify(stored, pin);
    });
    const stored = await slow.hash(PIN);
    for (const against of [undefined, stored]) assert.equal(await slow.matches('000000', against), false);
    // One comparison each, of the same cost.
    assert.deepEqual(
      compared.map((each) => each.split('$').slice(0, 4).join('$')),
      Array.from({ length: 2 }, () => '$argon2id$v=19$m=19456,t=2,p=1'),
    );
    assert.equal(compared[1], stored);
    assert.equal(await slow.matches(PIN, undefined), false);
  });

  test('a seal is single use, and bound to its leg', async () => {
    const { number, callerId } = await account();
    const request = pinRequest(number, callerId, PIN);
    assert.equal((await questions.verifyPin({ ...request, legId: 'another' })).outcome, Outcome.WRONG);
    await assert.rejects(questions.verifyPin({ ...request, requestId: 'again' }), /ciphertext: was used before/);
  });

  test('stands nowhere in the database in the clear', async () => {
    const { number, callerId } = await account({ pin: '90909012' });
    await questions.verifyPin(pinRequest(number, callerId, '90909012'));
    for (const table of ['account', 'verification', 'lockout']) {
      const rows = await database.query(`SELECT t::text AS row FROM auth.${table} t`);
      assert.ok(rows.every(({ row }) => !String(row).includes('90909012')));
    }
  });
});

test('a caller ID is taken from another account only on request', async () => {
  const [one, other] = [await account(), await account()];
  const request = { accountNumber: one.number, number: other.callerId, authorised: true, move: false };
  await assert.rejects(accounts.putCallerId(request), /number: belongs to another account/);
  assert.equal((await identify(other.callerId)).account?.number, other.number);
  await accounts.putCallerId({ ...request, move: true });
  const { account: owner, authorised } = await identify(other.callerId);
  assert.deepEqual([owner?.number, authorised], [one.number, true]);
});

describe('a destination', () => {
  test('speed-dial codes win over national numbers; emergency is never dialled', async () => {
    const { number } = await account();
    await accounts.putSpeedDial({ accountNumber: number, code: '42', number: '+442079460000' });
    for (const code of ['112', '911', '211']) {
      const put = accounts.putSpeedDial({ accountNumber: number, code, number: '+442079460000' });
      await assert.rejects(put, /^.*code: is an emergency or service number/);
    }
    const resolve = (digits: string) => questions.resolveDestination({ requestId: 'q', accountNumber: number, digits });
    assert.deepEqual(await resolve('42'), { outcome: Resolved.OK, e164: '+442079460000' });
    assert.equal((await resolve('999')).outcome, Resolved.EMERGENCY);
    assert.equal((await resolve('77')).outcome, Resolved.UNKNOWN_SPEED_DIAL);
    assert.equal((await resolve('12345678')).outcome, Resolved.INVALID);
    assert.deepEqual(await resolve('601000002'), { outcome: Resolved.OK, e164: '+48601000002' });
  });
});

describe('bad requests name the field', () => {
  for (const [what, call, said] of [
    [
      'account number',
      () => accounts.createAccount(auth.CreateAccountRequest.fromPartial({ number: '12' })),
      /^number: wants 4 to 12/,
    ],
    [
      'pin',
      () => accounts.createAccount(auth.CreateAccountRequest.fromPartial({ pin: 'abcd' })),
      /^pin: wants 4 to 12 digits/,
    ],
    [
      'country',
      () => accounts.createAccount(auth.CreateAccountRequest.fromPartial({ country: 'Poland' })),
      /^country: wants ISO/,
    ],
    [
      'caller ID',
      async () =>
        accounts.putCallerId({
          accountNumber: (await account()).number,
          number: '601',
          authorised: false,
          move: false,
        }),
      /^number: wants E.164/,
    ],
    [
      'speed dial',
      async () =>
        accounts.putSpeedDial({ accountNumber: (await account()).number, code: '1234', number: '+48601000001' }),
      /^code: wants 1 to 3/,
    ],
    ['key', () => questions.verifyPin(pinRequest('1001', '', PIN, { keyId: 'other' })), /^key_id: is not a key/],
    ['leg', () => questions.verifyPin(pinRequest('1001', '', PIN, { legId: '' })), /^leg_id: is missing/],
    ['session', () => questions.verifyPin(pinRequest('1001', '', PIN, { sessionId: '' })), /^session_id: is missing/],
    ['command', () => questions.verifyPin(pinRequest('1001', '', PIN, { commandId: '' })), /^command_id: is missing/],
    ['request', () => questions.verifyPin(pinRequest('1001', '', PIN, { requestId: '' })), /^request_id: is missing/],
    ['account keyed', () => questions.verifyPin(pinRequest('10 01', '', PIN)), /^account_number: wants 1 to 32/],
    ['caller', () => questions.verifyPin(pinRequest('1001', '601', PIN)), /^caller_id: wants E.164/],
    [
      'access number',
      () => questions.verifyPin(pinRequest('1001', '', PIN, { accessNumber: '22' })),
      /^access_number: wants E.164/,
    ],
    [
      'ephemeral key',
      () => questions.verifyPin(pinRequest('1001', '', PIN, { ephemeralPublicKey: Buffer.alloc(31) })),
      /^ephemeral_public_key: wants 32 bytes, got 31/,
    ],
    [
      'ciphertext',
      () => questions.verifyPin(pinRequest('1001', '', PIN, { ciphertext: Buffer.alloc(3) })),
      /^ciphertext: wants 80 bytes, got 3/,
    ],
    ['caller to identify', () => identify('601000001'), /^caller_id: wants E.164/],
    [
      'account to resolve for',
      () => questions.resolveDestination({ requestId: 'q', accountNumber: '', digits: '1' }),
      /^account_number: is missing/,
    ],
    [
      'language',
      () => accounts.createAccount(auth.CreateAccountRequest.fromPartial({ language: 'English' })),
      /^language: wants a language tag/,
    ],
    [
      'speed-dial number',
      async () =>
        accounts.putSpeedDial({ accountNumber: (await account()).number, code: '1', number: '00442079460000' }),
      /^number: wants E.164/,
    ],
    ['new PIN', async () => accounts.setPin({ number: (await account()).number, pin: '123' }), /^pin: wants 4 to 12/],
    ['account to unlock', () => accounts.unlock({ number: '99999999' }), /^number: there is no such account/],
    [
      'caller ID to delete',
      () => accounts.deleteCallerId({ accountNumber: '1001', number: '+48601777777' }),
      /^number: the account has no such/,
    ],
    [
      'code to delete',
      () => accounts.deleteSpeedDial({ accountNumber: '1001', code: '9' }),
      /^code: the account has no such/,
    ],
  ] as const) {
    test(what, () => assert.rejects(call(), (error) => error instanceof GrpcError && said.test(error.message)));
  }

  test('in a batch the bad one is refused and the rest answered', async () => {
    const { callerId } = await account();
    const { answers } = await batchAnswers(questions)({
      questions: [
        {
          traceparent: '',
          question: { $case: 'identify', value: { requestId: '1', callerId, trusted: true, accessNumber: '' } },
        },
        {
          traceparent: '',
          question: {
            $case: 'identify',
            value: { requestId: '2', callerId, trusted: true, accessNumber: '+48223000000' },
          },
        },
        { traceparent: '', question: undefined },
      ],
    });
    assert.deepEqual(
      answers.map(({ answer }) => answer?.$case),
      ['refusal', 'identify', 'refusal'],
    );
  });
});

test('the sealing key stays the same, and opens only with its secret', async () => {
  assert.deepEqual(await loadSealingKey(pool, 'a secret'), key);
  await assert.rejects(loadSealingKey(pool, 'another'), /SEALING_KEY_SECRET: does not open/);
  await assert.rejects(loadSealingKey(pool, ''), /SEALING_KEY_SECRET: is needed/);
});
