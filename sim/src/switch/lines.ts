import { dialVariables, type Channel } from './channel.ts';
import { aboutChannel, dumpOf } from './events.ts';
import type { SimSwitch } from './switch.ts';
import type { Dialled } from './world.ts';

const NO_CHANNEL = '-ERR No such channel!';
const FILE_US = 1_100_000;

/** What `api <line>` does and answers: the lines that an agent writes, as FreeSWITCH takes them. */
export function answerLine(on: SimSwitch, line: string): string {
  const [word = '', ...words] = line.split(' ');
  const answer = LINES[word];
  if (!answer) throw new Error(`the simulated switch does not know "${word}"`);
  return answer(on, words);
}

const onChannel =
  (work: (on: SimSwitch, channel: Channel, words: string[]) => string) =>
  (on: SimSwitch, [id = '', ...words]: string[]): string => {
    const channel = on.channels.get(id);
    return channel ? work(on, channel, words) : NO_CHANNEL;
  };

const LINES: Record<string, (on: SimSwitch, words: string[]) => string> = {
  global_getvar: (on) => on.core,
  version: () => 'FreeSWITCH Version 1.11.1-simulated',
  strepoch: (on) => String(Math.floor(on.nowUs / 1_000_000)),
  fsctl: () => '+OK',
  uuid_exists: (on, [id = '']) => String(on.channels.has(id)),
  uuid_dump: onChannel((on, channel) => dumpOf(channel, on.core)),
  uuid_setvar: onChannel(() => '+OK'),
  uuid_flush_dtmf: onChannel(() => '+OK'),
  uuid_displace: onChannel(() => '+OK'),
  uuid_kill: onChannel((on, channel, [cause = 'NORMAL_CLEARING']) => {
    on.hangup(channel, cause, channel.answeredUs > 0 ? 'send_bye' : 'send_cancel');
    return '+OK';
  }),
  uuid_answer: onChannel((on, channel) => {
    on.answer(channel);
    return '+OK';
  }),
  uuid_break: onChannel((_on, channel) => {
    channel.playback?.stop();
    return '+OK';
  }),
  sched_del: (on, [what = '']) => (on.unschedule(what) ? '+OK' : '-ERR no such task'),
  sched_hangup: (on, [when = '', id = '', cause = '']) => {
    const channel = on.channels.get(id);
    if (!channel) return NO_CHANNEL;
    const now = Math.floor(on.nowUs / 1_000_000);
    on.schedule(channel, when.startsWith('+') ? now + Number(when.slice(1)) : Number(when), cause);
    return '+OK';
  },
  show: (on) =>
    JSON.stringify({ rows: [...on.channels.values()].map(({ id, direction }) => ({ uuid: id, direction })) }),
};

/** `originate {…}sofia/<profile>/<user>@<gateway> &park()`, `{…}[…]sofia/…`. */
export function readDial(text: string, role: 'a' | 'b'): Dialled {
  const found = /sofia\/[^/]+\/(\S+?)@([^; ]+)/.exec(text);
  const variables = dialVariables(text);
  const cutoff = /sched_hangup \+(\d+)/.exec(variables.get('execute_on_answer') ?? '');
  const [, user = '', gateway = ''] = found ?? [];
  return {
    legId: variables.get('origination_uuid') ?? '',
    number: `+${user.replace(/^(\+|00)/, '')}`,
    gateway,
    role,
    cutoffSeconds: Number(cutoff?.[1] ?? 0),
    answerTimeoutSeconds: Number(variables.get('originate_timeout') ?? 60),
    progressTimeoutSeconds: Number(variables.get('leg_progress_timeout') ?? 0),
  };
}

/** `bgapi originate`: `done` is called at its end. */
export function originate(on: SimSwitch, line: string, done: (text: string) => void): void {
  const dialled = readDial(line, 'a');
  if (on.channels.has(dialled.legId)) done('-ERR DESTINATION_OUT_OF_ORDER');
  else on.dial(dialled, '', done);
}

/** `sendmsg … execute`; the error's text when the channel cannot take it. */
export function execute(
  on: SimSwitch,
  id: string,
  app: string,
  argument: string,
  commandId: string,
): string | undefined {
  const channel = on.channels.get(id);
  if (!channel) return 'invalid session id';
  switch (app) {
    case 'playback':
      play(on, channel, argument, commandId);
      return undefined;
    case 'bridge':
      bridge(on, channel, argument, commandId);
      return undefined;
    case 'bind_digit_action':
      channel.endCode = argument.split(',')[1] ?? '';
      return undefined;
    case 'clear_digit_action':
      channel.endCode = '';
      return undefined;
    default:
      return undefined;
  }
}

function play(on: SimSwitch, channel: Channel, argument: string, id: string): void {
  const files = argument.replace(/^file_string:\/\//, '').split('!');
  let over = false;
  const end = (response: string): void => {
    if (over) return;
    over = true;
    cancel();
    channel.playback = undefined;
    channel.app = 'park';
    on.tell('CHANNEL_EXECUTE_COMPLETE', {
      ...aboutChannel(channel),
      Application: 'playback',
      'Application-UUID': id,
      'Application-Response': response,
    });
  };
  const cancel = on.after(files.length * FILE_US, () => end('FILE PLAYED'));
  channel.app = 'playback';
  channel.playback = { id, stop: () => end('FILE PLAYED') };
  for (const file of files) channel.far.hears(file);
}

function bridge(on: SimSwitch, a: Channel, argument: string, commandId: string): void {
  const dialled = readDial(argument, 'b');
  if (on.channels.has(dialled.legId) || a.bridge) {
    on.bridgeOver(a, commandId, 'DESTINATION_OUT_OF_ORDER');
    on.park(a);
    return;
  }
  a.app = '';
  a.bridge = { commandId, b: dialled.legId, answered: false };
  on.dial(dialled, a.id);
}
