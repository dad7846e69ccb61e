import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { EVENT_STREAM, TRUNK_PASSWORD } from '@ringback/contracts';
import { Box } from '@ringback/sealing';
import { uuidv7 } from '@ringback/service-kit';
import { World } from './world.ts';

const KEY = 'k'.repeat(40);
const box = new Box(KEY, TRUNK_PASSWORD);
const OLD = { username: 'ringback', password: 'an-old-secret-0815' };
const NEW = { username: 'ringback', password: '<"a new secret & more">' };

let world: World;
before(async () => {
  world = await World.start({ EVENT_KEY: KEY }, new Box(KEY, EVENT_STREAM));
});
after(() => world?.stop());

/** Sealed once, as the dialer does it when the trunk is put. */
const sealed = (password: string) => box.seal(Buffer.from(password), 't1');
const oldSealed = sealed(OLD.password);
const dial = (user: string, username: string, sealedPassword: Buffer) => ({
  ...world.dial(user),
  credentials: { username, sealedPassword },
});
const files = (): string[] => readdirSync(world.gatewaysDir).filter((name) => name.startsWith('t1-'));

/** The tests are one story: a trunk's password changes. */
describe('a trunk that wants digest authentication', () => {
  test('gets it for leg A, and for leg B', async () => {
    world.challenge = () => OLD;
    const a = uuidv7();
    await world.give(a, { $case: 'originate', value: { dial: dial('+48601000030', OLD.username, oldSealed) } });
    await world.answers('+48601000030');
    await world.event('parked', a);
    const b = uuidv7();
    const to = dial('+48221110030', OLD.username, oldSealed);
    await world.give(a, { $case: 'bridge', value: { bLegId: b, dial: to, endCode: '#11', ringbackCountry: 'PL' } });
    await world.answers('+48221110030');
    await world.event('answered', b);
    await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
    await Promise.all([world.event('ended', a), world.event('ended', b)]);
    assert.equal(files().length, 1, 'one gateway for both');
    assert.equal(statSync(join(world.gatewaysDir, files()[0]!)).mode & 0o077, 0, 'for its owner alone');
  });

  test('whose password was changed elsewhere refuses, and the reason is told', async () => {
    world.challenge = () => NEW;
    const a = uuidv7();
    await world.give(a, { $case: 'originate', value: { dial: dial('+48601000031', OLD.username, oldSealed) } });
    const { body } = await world.event('ended', a);
    assert.equal(body.value.answeredAtUs, 0n);
    // sofia's own status for credentials that were not taken.
    assert.deepEqual([body.value.cause, body.value.sipStatus], ['NORMAL_UNSPECIFIED', 904]);
  });

  test('works with the new one; the old gateway is gone', async () => {
    const [before] = files();
    const a = uuidv7();
    const to = dial('+48601000032', NEW.username, sealed(NEW.password));
    await world.give(a, { $case: 'originate', value: { dial: to } });
    await world.answers('+48601000032');
    await world.event('parked', a);
    await world.give(a, { $case: 'hangup', value: { cause: 'NORMAL_CLEARING' } });
    await world.event('ended', a);
    await world.until('the old one is gone', () => files().length === 1 && files()[0] !== before);
  });

  test('whose password cannot be opened is not dialled, and the reason is told', async () => {
    const a = uuidv7();
    const wrong = new Box(KEY, 'something else').seal(Buffer.from(NEW.password), 't1');
    await world.give(a, { $case: 'originate', value: { dial: dial('+48601000033', 'x', wrong) } });
    const { body } = await world.event('commandFailed', a);
    assert.match(`${body.value.code} ${body.value.message}`, /SWITCH_REFUSED .*password/);
  });

  test('no password is told or logged', () => {
    const told = JSON.stringify(world.events, (_key, value) => (typeof value === 'bigint' ? String(value) : value));
    for (const secret of [OLD.password, NEW.password]) {
      assert.ok(!told.includes(secret));
      assert.ok(!world.output.includes(secret));
    }
  });
});
