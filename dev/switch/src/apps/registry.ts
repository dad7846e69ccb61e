import { parseCause, sipToCause } from '../causes.ts';
import { splitOutside } from '../dial-string.ts';
import { bridgeApp } from '../session/bridge.ts';
import { park } from '../session/park.ts';
import { playback } from '../session/playback.ts';
import type { Session } from '../session/session.ts';
import { SilenceFiller } from '../session/silence.ts';
import { playAndGetDigits } from './play-and-get-digits.ts';

export type Application = (session: Session, data: string) => Promise<void> | void;

function setVariable(session: Session, data: string): void {
  const at = data.indexOf('=');
  const name = at < 0 ? data : data.slice(0, at);
  const value = at < 0 ? '' : data.slice(at + 1);
  session.channel.set(name.trim(), value === '_undef_' ? undefined : value);
}

/** `export`: set here, and copied to legs bridged later (`nolocal:` only there). */
function exportVariable(session: Session, data: string): void {
  setVariable(session, data.replace(/^nolocal:/, ''));
  const name = data.split('=')[0] ?? '';
  const list = (session.channel.get('export_vars') ?? '').split(',').filter((entry) => entry !== '');
  if (!list.includes(name)) list.push(name);
  session.channel.set('export_vars', list.join(','));
}

/** `event`: `name=value` pairs become headers of a CUSTOM, CHANNEL_APPLICATION or named event of this channel. */
function fireEvent(session: Session, data: string): void {
  let name = 'CHANNEL_APPLICATION';
  const own: [string, string][] = [];
  for (const pair of splitOutside(data, ',')) {
    const at = pair.indexOf('=');
    if (at < 0) continue;
    const key = pair.slice(0, at).trim();
    const value = pair.slice(at + 1).trim();
    if (key.toLowerCase() === 'event-name') name = value;
    else own.push([key, value]);
  }
  session.channel.emit(name, own);
}

/** `realm,digits,action[,argument…]`; a comma inside the argument is written `\,`. */
function bindDigitAction(session: Session, data: string): void {
  const [realm = '', digits = '', action = '', argument = ''] = splitOutside(data, ',').map((part) =>
    part.replace(/\\(.)/g, '$1'),
  );
  if (realm !== '' && digits !== '' && action !== '')
    session.digits.bind(realm, digits, argument === '' ? action : `${action},${argument}`);
}

async function sleep(session: Session, data: string): Promise<void> {
  const until = performance.now() + (Number.parseInt(data, 10) || 0);
  const silence = new SilenceFiller(session);
  session.breakFlag = false;
  while (session.ready && !session.breakFlag && performance.now() < until) {
    await session.round();
    while (session.takeDigit() !== undefined);
    silence.fill();
  }
  session.breakFlag = false;
}

function schedHangup(session: Session, data: string): void {
  const [when = '', cause = ''] = data.split(' ');
  session.core.scheduler.add(when, 'switch_ivr_schedule_hangup', session.uuid, () => {
    session.hangup(parseCause(cause) ?? 'NORMAL_CLEARING');
  });
}

function respond(session: Session, data: string): void {
  const status = Number.parseInt(data, 10);
  if (Number.isNaN(status)) return;
  session.leg.respond(status, data.replace(/^\d+\s*/, ''));
  if (status >= 300) session.hangup(sipToCause(status));
}

const nothing = (): void => undefined;

/** The dialplan applications this switch has: each behaves as FreeSWITCH's of the same name. */
export const applications: ReadonlyMap<string, Application> = new Map<string, Application>([
  ['answer', async (session) => void (await session.leg.answer())],
  ['pre_answer', async (session) => void (await session.leg.preAnswer())],
  ['ring_ready', (session) => session.leg.ringReady()],
  ['park', park],
  ['playback', playback],
  [
    'endless_playback',
    async (session, data) => {
      while (session.ready) await playback(session, data);
    },
  ],
  ['sleep', sleep],
  ['set', setVariable],
  [
    'multiset',
    (session, data) => {
      for (const pair of data.split(' ')) setVariable(session, pair);
    },
  ],
  ['export', exportVariable],
  ['unset', (session, data) => session.channel.set(data, undefined)],
  ['hangup', (session, data) => void session.hangup(parseCause(data) ?? 'NORMAL_CLEARING')],
  ['respond', respond],
  ['bridge', bridgeApp],
  ['event', fireEvent],
  ['bind_digit_action', bindDigitAction],
  ['digit_action_set_realm', (session, data) => session.digits.setRealm(data)],
  ['clear_digit_action', (session, data) => session.digits.clear(data === '' || data === 'all' ? undefined : data)],
  ['sched_hangup', schedHangup],
  ['displace_session', (session, data) => void session.displacements.start(...displaceArguments(data))],
  ['stop_displace_session', (session, data) => void session.displacements.stop(data)],
  [
    'start_dtmf',
    (session) => {
      session.leg.startInbandDtmf();
      session.channel.emit('MEDIA_BUG_START', [
        ['Media-Bug-Function', 'inband_dtmf'],
        ['Media-Bug-Target', 'N/A'],
      ]);
    },
  ],
  ['stop_dtmf', nothing],
  [
    'send_dtmf',
    (session, data) => {
      const [digits = '', duration] = data.split('@');
      session.leg.sendDtmf(digits, duration === undefined ? undefined : Number(duration) / 8);
    },
  ],
  ['play_and_get_digits', playAndGetDigits],
  ['flush_dtmf', (session) => session.flushDigits()],
  ['log', nothing],
  ['info', nothing],
]);

/** `<file> [<flags>] [+time]`: flags m = mux, l = loop. */
function displaceArguments(data: string): [file: string, flags: string, seconds: number] {
  const [file = '', ...rest] = data.split(' ');
  const limit = rest.find((part) => part.startsWith('+'));
  return [file, rest.find((part) => !part.startsWith('+')) ?? '', Number.parseInt(limit ?? '0', 10) || 0];
}
