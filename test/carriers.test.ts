import assert from 'node:assert/strict';
import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '@ringback/dev-run';
import { answer, type Behaviour, ExpectationFailed, type PhoneCall } from '@ringback/dev-telephone';
import { Baresip } from './support/baresip.ts';
import { ringback } from './support/hostile-cli.ts';
import { freePort, sipp } from './support/sipp.ts';
import { type Customer, until, World } from './support/world.ts';

/**
 * Programs that are not ours play a carrier: what our telephone and our switch might misread alike shows here. Each has a
 * trunk of its own, added while the platform runs. One platform, two of whose prompts are exchanged: the last test is to
 * notice that.
 */
const CALLBACK = '+48223000000';
const WAIT = 40_000;
const SIPP_HOST = '127.0.3.1';
const BARESIP_HOST = '127.0.3.2';
/** SIPp as a carrier that wants digest authentication. */
const DIGEST_HOST = '127.0.3.3';
/** And one that wants us to register. */
const REGISTRAR_HOST = '127.0.3.4';
const DIGEST = { username: 'ringback-at-carrier', password: 'only-we-two-know' };

let world: World;
let sounds: string;
let sippPort: number;
let baresipPort: number;
let digestPort: number;
let digest: string[];

const cli = async (...args: string[]): Promise<string> => {
  const { status, stdout, stderr } = await ringback(join(world.runDir, 'endpoints.json'), ...args);
  assert.equal(status, 0, stderr);
  return stdout;
};

/** A trunk that takes calls to these numbers, and whose calls are taken. */
async function addTrunk(id: string, host: string, port: number, prefix: string, ...more: string[]): Promise<void> {
  const where = ['--sources', host, '--gateway', `${host}:${port}`, '--prefixes', prefix, ...more];
  await cli('trunks', 'put', id, ...where, '--trusted', '--country', 'PL', '--priority', '0', '--forward-caller-id');
}

before(async () => {
  sounds = await mkdtemp(join(tmpdir(), 'sounds-'));
  await cp(join(ROOT, 'packages/prompts/sounds'), sounds, { recursive: true });
  const prompt = (id: string): string => join(sounds, 'en', `${id}.wav`);
  await rename(prompt('ask_destination'), prompt('moved'));
  await rename(prompt('ask_pin'), prompt('ask_destination'));
  await rename(prompt('moved'), prompt('ask_pin'));
  world = await World.start({ env: { agent: { PROMPTS_DIR: sounds } } });
  sippPort = await freePort(SIPP_HOST);
  baresipPort = await freePort(BARESIP_HOST);
  digestPort = await freePort(DIGEST_HOST);
  await addTrunk('sipp', SIPP_HOST, sippPort, '+486077710');
  await addTrunk('baresip', BARESIP_HOST, baresipPort, '+486077720');
  const file = join(sounds, 'password');
  await writeFile(file, `${DIGEST.password}\n`);
  digest = ['--username', DIGEST.username, '--password-file', file];
  await addTrunk('digest', DIGEST_HOST, digestPort, '+486077730', ...digest);
});
after(async () => {
  try {
    await world.settled();
    await world.invariants();
  } finally {
    await world.close();
    await rm(sounds, { recursive: true });
  }
});

/** A customer of that carrier with two speed-dial codes for a number that the telephone answers. */
async function customer(caller: string, destination: string, behaviour: Behaviour): Promise<Customer> {
  const made = await world.customer({ caller });
  for (const code of ['1', '2']) await world.speedDial(made.number, code, destination);
  world.phone.onCallTo(destination, behaviour);
  return made;
}

/** Sound comes: not silence, not a tone. */
const speaks = (heard: PhoneCall['heard']): Promise<void> =>
  until('something is heard', () => Promise.resolve(loudness(heard) > 200), WAIT);
function loudness(heard: PhoneCall['heard']): number {
  return heard.samples().reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
}

async function outcome(caller: string): Promise<string[]> {
  const cdrs = await world.cdrs({ number: caller });
  return cdrs.map(({ role, result, trunkId }) => `${role} ${result} ${trunkId}`).sort();
}

/** Ends the caller's session as an operator does. */
async function endSession(caller: string): Promise<void> {
  const session = (await world.sessions()).find(({ callerId, state }) => callerId === caller && state !== 'ended');
  await cli('sessions', 'end', session?.id ?? '');
}

describe('SIPp is the carrier', { timeout: 180_000 }, () => {
  for (const [scenario, trunk, caller, destination] of [
    ['callback-rfc4733.xml', 'sipp', '+48607771001', '+442079467001'],
    ['callback-info.xml', 'sipp', '+48607771002', '+442079467002'],
    ['callback-digest.xml', 'digest', '+48607773001', '+442079467004'],
  ] as const) {
    test(`${scenario}: a missed call, called back, digits keyed, connected, heard`, async () => {
      await customer(caller, destination, answer(100));
      const host = trunk === 'digest' ? DIGEST_HOST : SIPP_HOST;
      const port = trunk === 'digest' ? digestPort : sippPort;
      const keys = { digestuser: DIGEST.username, digestpassword: DIGEST.password };
      const called = await sipp({ scenario, host, port, mediaPort: await freePort(host), keys });
      try {
        const trigger = await sipp({
          scenario: 'trigger.xml',
          host: SIPP_HOST,
          port: await freePort(SIPP_HOST),
          mediaPort: await freePort(SIPP_HOST),
          to: world.endpoints.edge.sip,
          keys: { caller, called: CALLBACK },
          service: CALLBACK,
        });
        await trigger.done;
        const b = await world.phone.expectCall(destination, WAIT);
        assert.equal(b.from, caller);
        await b.expectAnswered(WAIT);
        await speaks(b.heard);
        await endSession(caller);
        await called.done;
        await b.expectEnd(WAIT);
      } finally {
        called.stop();
      }
      await until('all is settled', async () => (await outcome(caller)).length === 3);
      assert.deepEqual(await outcome(caller), [`a success ${trunk}`, 'b success carrier', 'trigger success sipp']);
    });
  }
});

describe('a carrier that wants us to register', { timeout: 120_000 }, () => {
  const trunk = 'registered';
  const registered = async (): Promise<boolean> => {
    const trunks = JSON.parse(await cli('--json', 'trunks', 'list')) as {
      id: string;
      registration: { registered: boolean } | null;
    }[];
    return trunks.find(({ id }) => id === trunk)?.registration?.registered ?? false;
  };

  test('the edge registers by digest, and calls come to its Contact', async () => {
    const port = await freePort(REGISTRAR_HOST);
    const keys = { digestuser: DIGEST.username, digestpassword: DIGEST.password };
    const mediaPort = await freePort(REGISTRAR_HOST);
    const registrar = await sipp({ scenario: 'register.xml', host: REGISTRAR_HOST, port, mediaPort, keys });
    try {
      const where = ['--sources', REGISTRAR_HOST, '--registrar', `${REGISTRAR_HOST}:${port}`, ...digest];
      await cli('trunks', 'put', trunk, ...where, '--trusted', '--country', 'PL');
      await registrar.done;
    } finally {
      registrar.stop();
    }
    await until('the list says so', registered, WAIT);
    assert.match(await cli('trunks', 'list'), /by edge-1/);
    const trigger = await sipp({
      scenario: 'trigger.xml',
      host: REGISTRAR_HOST,
      port: await freePort(REGISTRAR_HOST),
      mediaPort,
      to: world.endpoints.edge.sip,
      keys: { caller: '+48607774001', called: CALLBACK },
      service: trunk,
    });
    await trigger.done;
    await until('the trigger is booked', async () => (await outcome('+48607774001')).length === 1, WAIT);
    // Nobody knows that caller: the trigger is in the books, and that is all.
    assert.deepEqual(await outcome('+48607774001'), [`trigger refused ${trunk}`]);
  });
});

describe('baresip is the carrier', { timeout: 180_000 }, () => {
  test('a missed call, called back, digits keyed, connected, heard', async () => {
    const [caller, destination] = ['+48607772001', '+442079467003'];
    await customer(caller, destination, answer(100));
    const baresip = await Baresip.start({ host: BARESIP_HOST, port: baresipPort, user: caller, hz: 1_100 });
    try {
      baresip.command('dial', `sip:${CALLBACK}@${world.endpoints.edge.sip}`);
      await baresip.event(({ type, param }) => type === 'CALL_CLOSED' && /486/.test(param ?? ''), WAIT);
      await baresip.event(({ type, direction }) => type === 'CALL_INCOMING' && direction === 'incoming', WAIT);
      baresip.command('accept');
      await baresip.event(({ type, direction }) => type === 'CALL_ESTABLISHED' && direction === 'incoming', WAIT);
      for (const digit of '1#') baresip.command('sndcode', digit);
      const b = await world.phone.expectCall(destination, WAIT);
      assert.equal(b.from, caller);
      await b.expectAnswered(WAIT);
      await b.heard.expectTone(1_100, WAIT);
      baresip.command('hangup');
      await b.expectEnd(WAIT);
    } finally {
      await baresip.stop();
    }
    await until('all is settled', async () => (await outcome(caller)).length === 3);
    assert.deepEqual(await outcome(caller), ['a success baresip', 'b success carrier', 'trigger success baresip']);
  });
});

describe('the telephone', { timeout: 120_000 }, () => {
  test('notices two prompt files that were exchanged', async () => {
    const { caller } = await world.customer();
    const a = await world.calledBack(caller, CALLBACK);
    // Where this caller is asked for a destination, the file asks for the PIN.
    const wrong = await a.expectPrompt('ask_pin', WAIT);
    assert.ok(wrong.complete);
    await assert.rejects(a.expectPrompt('ask_destination', 2_000), ExpectationFailed);
    assert.ok(!a.heard.prompts.some(({ id }) => id === 'ask_destination'));
    a.hangup();
  });
});
