import { randomUUID } from 'node:crypto';
import type { Core } from '../core.ts';
import type { ApiCommand } from './api.ts';
import { showChannels, showTasks } from './show.ts';
import { sofia } from './sofia-command.ts';
import { words } from './words.ts';

function status(core: Core): string {
  return (
    `UP ${core.api.upTime()}\n` +
    `FreeSWITCH (Version 1.11.1-release  64bit) is ${core.shuttingDown || (core.inboundPaused && core.outboundPaused) ? 'not ready' : 'ready'}\n` +
    `${core.sessionsSinceStart} session(s) since startup\n` +
    `${core.sessions.size} session(s) - peak ${core.peakSessions}, last 5min ${core.peakSessions} \n` +
    `${core.currentSps()} session(s) per Sec out of max ${core.sessionsPerSecond}, peak ${core.peakPerSecond}, last 5min ${core.peakPerSecond} \n` +
    `${core.maxSessions} session(s) max\n` +
    'min idle cpu 0.00/100.00\nCurrent Stack Size/Max 240K/8192K\n'
  );
}

function pause(core: Core, which: string | undefined, paused: boolean): string {
  if (which !== 'outbound') core.inboundPaused = paused;
  if (which !== 'inbound') core.outboundPaused = paused;
  return '+OK\n';
}

function fsctl(core: Core, argument: string): string {
  const [command, value, ...rest] = words(argument);
  switch (command) {
    case 'pause':
      return pause(core, value, true);
    case 'resume':
      return pause(core, value, false);
    case 'pause_check':
      return value === 'outbound'
        ? String(core.outboundPaused)
        : value === 'inbound'
          ? String(core.inboundPaused)
          : String(core.inboundPaused && core.outboundPaused);
    case 'sps':
      if (value !== undefined && Number(value) > 0) core.sessionsPerSecond = Number(value);
      return `+OK sessions per second: ${core.sessionsPerSecond}\n`;
    case 'max_sessions':
      if (value !== undefined && Number(value) > 0) core.maxSessions = Number(value);
      return `+OK max sessions: ${core.maxSessions}\n`;
    case 'hupall':
      core.hangupAll('MANAGER_REQUEST');
      return '+OK\n';
    case 'shutdown':
      core.requestShutdown([value, ...rest].includes('elegant'));
      return '+OK\n';
    case 'shutdown_check':
      return String(core.shuttingDown);
    case 'ready_check':
      return String(!core.shuttingDown);
    default:
      return '-USAGE: [send_sighup|hupall|pause [inbound|outbound]|resume [inbound|outbound]|shutdown [cancel|elegant|asap|now|restart]|sps|max_sessions]\n';
  }
}

function schedApi(core: Core, argument: string): string {
  const [when, group, command, ...rest] = words(argument);
  if (when === undefined || group === undefined || command === undefined)
    return '-ERR Invalid syntax. USAGE: [+@]<time> <group_name> <command_string>[&]\n';
  const id = core.scheduler.add(when, 'sched_api_function', group === 'none' ? '' : group, () => {
    core.api
      .run(command, rest.join(' ').replace(/&$/, ''))
      .catch((error: unknown) => core.log.error('scheduled command failed', { error: String(error) }));
  });
  return `+OK Added: ${id}\n`;
}

function show(core: Core, argument: string): string {
  const [what, ...rest] = words(argument);
  const asJson = rest[0] === 'as' && rest[1] === 'json';
  if (what === 'tasks') return showTasks(core, asJson);
  if (what === 'channels' || what === 'calls' || what === 'bridged_calls')
    return showChannels(core, what, rest[0] === 'count', asJson);
  return '-USAGE: codec|endpoint|application|api|dialplan|file|timer|calls [count]|channels [count|like <match string>]|calls|detailed_calls|tasks\n';
}

/** Commands about the switch itself. */
export const systemCommands: [string, ApiCommand][] = [
  ['status', status],
  ['version', () => 'FreeSWITCH Version 1.11.1-release~64bit ( 64bit)\n'],
  ['create_uuid', () => randomUUID()],
  ['global_getvar', (core, name) => core.globals.get(name) ?? ''],
  [
    'global_setvar',
    (core, argument) => {
      const at = argument.indexOf('=');
      if (at > 0) core.globals.set(argument.slice(0, at), argument.slice(at + 1));
      return '+OK\n';
    },
  ],
  ['echo', (_core, argument) => argument],
  ['hostname', (core) => core.config.name],
  ['switchname', (core) => core.config.name],
  ['strepoch', (core) => String(Math.floor(core.bus.now() / 1_000_000))],
  ['fsctl', fsctl],
  ['show', show],
  ['sofia', sofia],
  ['sched_api', schedApi],
  ['sched_del', (core, argument) => `+OK Deleted: ${argument === '' ? 0 : core.scheduler.delete(argument)}\n`],
  [
    'reloadxml',
    (core) => {
      core.bus.publish('RELOADXML', []);
      return '+OK [Success]\n';
    },
  ],
  ['conference', (_core, argument) => `-ERR Conference ${words(argument)[0] ?? ''} not found\n`],
  ['uuid_record', () => '-ERR Cannot locate session!\n'],
];
