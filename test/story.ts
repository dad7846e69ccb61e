import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ROOT } from '@ringback/dev-run';
import { answer, busy, type PhoneCall } from '@ringback/dev-telephone';
import { World } from './support/world.ts';

/**
 * The whole story of a caller, played by a scripted telephone, in English and in Polish: missed call, callback, PIN,
 * destination, conversation, #11, the next destination. Prints what happened, what was heard, the CDRs and the ledger.
 * `make story`; with SWITCH=freeswitch FREESWITCH=<program> on real FreeSWITCHes.
 */

const WAIT = 60_000;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

async function play(world: World, language: string, accessNumber: string, destination: string): Promise<void> {
  const { phone } = world;
  const { caller, pin, number } = await world.customer({ language, authorised: false });
  phone.onCallTo(destination, answer(1_500));
  const taken = `${destination.slice(0, -2)}99`;
  phone.onCallTo(taken, busy(300));
  const keyed = (e164: string): string => `00${e164.slice(1)}#`;
  const hear = (call: PhoneCall, id: string, until: 'start' | 'end' = 'start') =>
    call.expectPrompt(`${language}/${id}`, WAIT, { until });

  say(`\n=== ${language}: account ${number}, caller ${caller}, access number ${accessNumber}`);
  const a = await world.calledBack(caller, accessNumber);
  await hear(a, 'your_balance_is');
  await hear(a, 'ask_pin');
  await a.key(`${pin}#`);
  // The question, the first time or again.
  await a.expectPrompt([`${language}/ask_destination`, `${language}/ask_destination_again`], WAIT, { until: 'start' });
  await a.key(keyed(destination));
  await hear(a, 'you_can_talk_for', 'end');
  const b = await phone.expectCall(destination, WAIT);
  await b.expectAnswered(WAIT);
  b.marker(1100);
  await a.heard.expectTone(1100, WAIT);
  await a.key('#11');
  await b.expectEnd(WAIT);
  await hear(a, 'ask_next_destination');
  await a.key(keyed(taken));
  await hear(a, 'reason_busy', 'end');
  await hear(a, 'ask_next_destination');
  await a.key('*');
  await hear(a, 'your_balance_is', 'end');
  a.hangup();
  await world.over(caller);
  say(a.heard.describe());
  for (const command of [
    ['cdrs', 'list', '--account', number],
    ['ledger', 'entries', '--account', number],
    ['ledger', 'check'],
  ]) {
    say(ringback(world, command));
  }
  const [session] = (await world.sessions()).filter(({ callerId }) => callerId === caller);
  say(ringback(world, ['sessions', 'show', session?.id ?? '', '--trace']));
}

const ringback = (world: World, args: string[]): string =>
  execFileSync(join(ROOT, 'bin/ringback'), ['--endpoints', join(world.runDir, 'endpoints.json'), ...args], {
    encoding: 'utf8',
  });

const world = await World.start({ say });
try {
  await play(world, 'en', '+48223000000', '+442079460101');
  await play(world, 'pl', '+48223000001', '+442079460201');
  say('\n=== timeline of the telephone');
  say(world.phone.timeline.text());
  await world.invariants();
  say('\nthe ledger balances, no hold is left, every leg has one CDR');
} finally {
  await world.close();
}
process.exit(0);
