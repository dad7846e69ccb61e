import type { Core } from '../core.ts';
import { localStamp } from '../events/bus.ts';
import type { Session } from '../session/session.ts';

function channelRow(core: Core, session: Session): [string, string][] {
  const { channel } = session;
  const p = channel.profile;
  const created = channel.times.created;
  const media: [string, string][] = ['read', 'write'].flatMap((way) => [
    [`${way}_codec`, channel.codec ?? ''] as [string, string],
    [`${way}_rate`, channel.codec === undefined ? '' : '8000'] as [string, string],
    [`${way}_bit_rate`, channel.codec === undefined ? '' : '64000'] as [string, string],
  ]);
  const inbound = channel.direction === 'inbound';
  const address = inbound ? (p?.networkAddr ?? '') : '';
  return [
    ['uuid', channel.uuid],
    ['direction', channel.direction],
    ['created', localStamp(created)],
    ['created_epoch', String(Math.floor(created / 1_000_000))],
    ['name', channel.name],
    ['state', channel.runningState],
    ['cid_name', p?.callerIdName ?? ''],
    ['cid_num', p?.callerIdNumber ?? ''],
    ['ip_addr', address],
    ['dest', p?.destinationNumber ?? ''],
    ['application', channel.lastApp ?? ''],
    ['application_data', channel.lastArg],
    ['dialplan', p?.dialplan ?? ''],
    ['context', p?.context ?? ''],
    ...media,
    ['secure', ''],
    ['hostname', core.config.name],
    ['presence_id', ''],
    ['presence_data', ''],
    ['accountcode', channel.get('accountcode') ?? ''],
    ['callstate', channel.callState],
    ['callee_name', p?.calleeIdName ?? ''],
    ['callee_num', p?.calleeIdNumber ?? ''],
    ['callee_direction', channel.get('bridge_to') === undefined ? '' : 'SEND'],
    ['call_uuid', channel.callUuid === channel.uuid && channel.get('bridge_to') === undefined ? '' : channel.callUuid],
    ['sent_callee_name', channel.get('last_sent_callee_id_name') ?? ''],
    ['sent_callee_num', channel.get('last_sent_callee_id_number') ?? ''],
    ['initial_cid_name', p?.origCallerIdName ?? ''],
    ['initial_cid_num', p?.origCallerIdNumber ?? ''],
    ['initial_ip_addr', address],
    ['initial_dest', p?.destinationNumber ?? ''],
    ['initial_dialplan', p?.dialplan ?? ''],
    ['initial_context', p?.context ?? ''],
  ];
}

function table(rows: [string, string][][], asJson: boolean): string {
  if (asJson) {
    if (rows.length === 0) return '{"row_count": 0}\n';
    return `${JSON.stringify({ row_count: rows.length, rows: rows.map((row) => Object.fromEntries(row)) })}\n`;
  }
  if (rows.length === 0) return '\n0 total.\n';
  const cell = (value: string): string => (value.includes(',') ? `"${value}"` : value);
  const lines = [
    (rows[0] as [string, string][]).map(([name]) => name),
    ...rows.map((row) => row.map(([, value]) => cell(value))),
  ];
  return `${lines.map((line) => line.join(',')).join('\n')}\n\n${rows.length} total.\n`;
}

/** `show channels|calls [count] [as json]`; `calls` counts a bridge once. */
export function showChannels(core: Core, what: string, count: boolean, asJson: boolean): string {
  let sessions = [...core.sessions.values()].filter((session) => session.channel.runningState !== 'CS_DESTROY');
  if (what !== 'channels') sessions = sessions.filter((session) => session.channel.callUuid === session.uuid);
  if (count) return asJson ? `{"row_count": ${sessions.length}}\n` : `\n${sessions.length} total.\n`;
  return table(
    sessions.map((session) => channelRow(core, session)),
    asJson,
  );
}

export function showTasks(core: Core, asJson: boolean): string {
  return table(
    core.scheduler.list().map((task) => [
      ['task_id', String(task.id)],
      ['task_desc', task.desc],
      ['task_group', task.group],
      ['task_runtime', String(task.runtime)],
      ['task_sql_manager', '0'],
      ['hostname', core.config.name],
    ]),
    asJson,
  );
}
