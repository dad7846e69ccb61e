import { type Cause, parseCause } from '../causes.ts';
import type { Core } from '../core.ts';
import { splitOutside } from '../dial-string.ts';
import { serializePlain } from '../events/event.ts';
import { originate } from '../originate.ts';
import { hold } from '../session/hold.ts';
import type { AppCall, Session } from '../session/session.ts';
import { transfer } from '../session/transfer.ts';
import { uuidBridge } from '../session/uuid-bridge.ts';
import type { ApiCommand } from './api.ts';

const NO_CHANNEL = '-ERR No such channel!\n';
const ORIGINATE_USAGE =
  '-USAGE: <call url> <exten>|&<application_name>(<app_args>) [<dialplan>] [<context>] [<cid_name>] [<cid_num>] [<timeout_sec>]\n';

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

/** Splits off `count - 1` words; the last part is the rest as it is. */
function fields(text: string, count: number): string[] {
  const out: string[] = [];
  let rest = text.trim();
  while (out.length < count - 1 && rest !== '') {
    const at = rest.search(/\s/);
    if (at < 0) break;
    out.push(rest.slice(0, at));
    rest = rest.slice(at).trimStart();
  }
  if (rest !== '') out.push(rest);
  return out;
}

function withSession(
  usage: string,
  count: number,
  run: (session: Session, args: string[], core: Core) => string | Promise<string>,
  missing = NO_CHANNEL,
): ApiCommand {
  return (core, argument) => {
    const args = fields(argument, count);
    if (args[0] === undefined) return `-USAGE: ${usage}\n`;
    const session = core.sessions.get(args[0]);
    return session === undefined ? missing : run(session, args, core);
  };
}

/** `&app(args)`; also `'&app(args)'`. Undefined when it is an extension. */
function parseApplication(text: string): AppCall | undefined {
  const bare = text.replace(/^'(.*)'$/s, '$1');
  const match = /^&([a-z_0-9]+)(?:\((.*)\))?$/s.exec(bare);
  return match === null ? undefined : { app: match[1] ?? '', data: match[2] ?? '' };
}

async function originateCommand(core: Core, argument: string): Promise<string> {
  const [dial, target, , , , , timeout] = splitOutside(argument, ' ').filter((part) => part !== '');
  if (dial === undefined || target === undefined) {
    return dial !== undefined && dial.startsWith('{') ? '-ERR DESTINATION_OUT_OF_ORDER\n' : ORIGINATE_USAGE;
  }
  if (core.outboundPaused) return '-ERR Channel destination is out of order\n';
  const app = parseApplication(target);
  if (app === undefined) return '-ERR NO_ROUTE_DESTINATION\n';
  const result = await originate(core, { dial, ...(timeout === undefined ? {} : { timeoutSeconds: Number(timeout) }) });
  if (!result.ok) return `-ERR ${result.cause}\n`;
  const { session } = result;
  session.apps = [app];
  session.channel.flipCallerId();
  session.setState('CS_EXECUTE', { transfer: true });
  return `+OK ${session.uuid}\n`;
}

function kill(session: Session, args: string[]): string {
  session.hangup(parseCause(args[1] ?? '') ?? 'NORMAL_CLEARING');
  return '+OK\n';
}

function broadcast(session: Session, args: string[]): string {
  const [, path = '', leg = 'aleg'] = args;
  const app = /^([a-z_]+)::(.*)$/s.exec(path);
  const targets: Session[] = [];
  if (leg !== 'bleg') targets.push(session);
  const peer = session.core.sessions.get(session.channel.get('bridge_uuid') ?? '');
  if (leg !== 'aleg' && peer !== undefined) targets.push(peer);
  for (const target of targets) {
    target.messages.push({
      headers: [
        ['call-command', 'execute'],
        ['execute-app-name', app?.[1] ?? 'playback'],
        ['execute-app-arg', app?.[2] ?? path],
        ['lead-frames', '5'],
      ],
    });
  }
  return '+OK Message sent\n';
}

function bridge(core: Core, argument: string): string {
  const [a, b] = words(argument);
  if (a === undefined || b === undefined) return '-USAGE: <uuid> <other_uuid>\n';
  const first = core.sessions.get(a);
  const second = core.sessions.get(b);
  if (first === undefined || second === undefined || !first.up || !second.up) return '-ERR Invalid uuid\n';
  uuidBridge(first, second);
  return `+OK ${b}\n`;
}

function sendDtmf(session: Session, args: string[]): string {
  const [, digits = ''] = args;
  const [keys = '', samples] = digits.split('@');
  session.leg.sendDtmf(keys, samples === undefined ? undefined : Number(samples) / 8);
  return `+OK ${session.uuid} sent DTMF ${digits}.\n`;
}

function displace(session: Session, args: string[]): string {
  const [, action, file = '', limit = '0', mux] = args;
  if (action === 'start' && file !== '') {
    return session.displacements.start(file, mux === 'mux' ? 'm' : '', Number.parseInt(limit, 10) || 0)
      ? '+OK Success\n'
      : '-ERR Cannot displace session!\n';
  }
  if (action === 'stop' && file !== '')
    return session.displacements.stop(file) ? '+OK Success\n' : '-ERR Cannot stop displace session!\n';
  return '-USAGE: <uuid> [start|stop] <path> [<limit>] [mux]\n';
}

function schedHangup(core: Core, argument: string): string {
  const [when, uuid, cause] = words(argument);
  if (when === undefined || uuid === undefined) return '-USAGE: [+]<time> <uuid> [<cause>]\n';
  const session = core.sessions.get(uuid);
  if (session === undefined) return NO_CHANNEL;
  if (/^\+0+$/.test(when)) {
    session.hangup(parseCause(cause ?? '') ?? 'NORMAL_CLEARING');
    return '+OK\n';
  }
  core.scheduler.add(when, 'switch_ivr_schedule_hangup', uuid, () => {
    core.sessions.get(uuid)?.hangup(parseCause(cause ?? '') ?? 'NORMAL_CLEARING');
  });
  return '+OK\n';
}

function setMulti(session: Session, args: string[]): string {
  for (const pair of splitOutside(args.slice(1).join(' '), ';')) {
    const at = pair.indexOf('=');
    if (at > 0) session.channel.set(pair.slice(0, at).trim(), pair.slice(at + 1).trim());
  }
  return '+OK\n';
}

function park(session: Session): string {
  session.setState('CS_PARK', { transfer: true });
  return '+OK\n';
}

function breakPlay(session: Session, args: string[]): string {
  if (args[1] === 'all') session.messages.flush();
  session.breakFlag = true;
  return '+OK\n';
}

/** The uuid_* commands and those that start or plan for a channel. */
export const channelCommands: [string, ApiCommand][] = [
  ['originate', originateCommand],
  ['uuid_kill', withSession('<uuid> [cause]', 2, kill)],
  ['uuid_exists', (core, argument) => String(core.sessions.has(argument))],
  ['uuid_getvar', withSession('<uuid> <var>', 2, (session, [, name = '']) => session.channel.get(name) ?? '_undef_')],
  [
    'uuid_setvar',
    withSession('<uuid> <var> [value]', 3, (session, [, name = '', value]) => {
      session.channel.set(name, value);
      return '+OK\n';
    }),
  ],
  ['uuid_setvar_multi', withSession('<uuid> <var>=<value>;<var>=<value>...', 2, setMulti)],
  ['uuid_dump', withSession('<uuid> [format]', 2, (session) => serializePlain(session.channel.dump()))],
  ['uuid_break', withSession('<uuid> [all]', 2, breakPlay)],
  ['uuid_broadcast', withSession('<uuid> <path> [aleg|bleg|holdb|both]', 3, broadcast, '-ERR invalid uuid\n')],
  ['uuid_bridge', bridge],
  ['uuid_transfer', withSession('<uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]', 5, transfer)],
  ['uuid_park', withSession('<uuid>', 1, park)],
  [
    'uuid_answer',
    async (core, argument) => {
      const session = core.sessions.get(argument);
      return session !== undefined && session.up && (await session.leg.answer()) ? '+OK\n' : '-ERROR\n';
    },
  ],
  ['uuid_send_dtmf', withSession('<uuid> <dtmf_data>', 2, sendDtmf, '-ERR Cannot locate session!\n')],
  [
    'uuid_displace',
    withSession('<uuid> [start|stop] <path> [<limit>] [mux]', 5, displace, '-ERR Cannot locate session!\n'),
  ],
  [
    'uuid_hold',
    (core, argument) => {
      const [first, second] = words(argument);
      const session = core.sessions.get((first === 'off' || first === 'toggle' ? second : first) ?? '');
      if (session !== undefined) hold(session, first !== 'off');
      return '+OK Success\n';
    },
  ],
  [
    'uuid_flush_dtmf',
    withSession('<uuid>', 1, (session) => {
      session.flushDigits();
      return '+OK\n';
    }),
  ],
  ['sched_hangup', schedHangup],
  [
    'hupall',
    (core, argument) => {
      const cause: Cause = parseCause(words(argument)[0] ?? '') ?? 'MANAGER_REQUEST';
      core.hangupAll(cause);
      return `+OK hangup all channels with cause ${cause}\n`;
    },
  ],
];
