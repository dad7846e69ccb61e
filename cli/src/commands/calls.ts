import type { Command } from 'commander';
import { seconds, time } from '../output.ts';
import { call } from '../platform.ts';
import type { Action } from '../run.ts';
import { cdrCommands } from './cdrs.ts';
import { readSpans, renderTrace } from '../trace.ts';

export function callCommands(program: Command, action: Action): void {
  const sessions = program.command('sessions').alias('session').description('callback sessions (also: session)');
  sessions
    .command('list')
    .description('open sessions')
    .option('--all', 'ended ones as well')
    .option('--caller-id <number>', 'of one caller (E.164 with +)')
    .action(
      action(async ({ platform, out }, { all = false, callerId = '' }: { all?: boolean; callerId?: string }) => {
        const request = { all, callerId, pageSize: 200, pageToken: '' };
        const { sessions: rows } = await call(platform.sessions, platform.sessions.listSessions, request);
        out.table(rows, {
          SESSION: ({ id }) => id,
          STATE: ({ state }) => state,
          BEGAN: ({ createdAtUs }) => time(createdAtUs),
          CALLER: ({ callerId: caller }) => caller || 'hidden',
          'ACCESS NUMBER': ({ accessNumber }) => accessNumber,
          ACCOUNT: ({ accountNumber }) => accountNumber,
          SWITCH: ({ switchId }) => switchId,
          RESULT: ({ result, reason }) => [result, reason].filter(Boolean).join(': '),
        });
      }),
    );
  sessions
    .command('show <session>')
    .description('legs and history of one session')
    .option('--trace', 'the tree of its trace, from trigger to ledger')
    .action(
      action(async ({ platform, out }, id: string, { trace = false }: { trace?: boolean }) => {
        const { session, history } = await call(platform.sessions, platform.sessions.getSession, { id });
        if (!session) return;
        if (trace) {
          const spans = await readSpans(platform.natsUrl, session.traceId);
          if (out.json) out.value(spans);
          else out.line(renderTrace(spans));
          return;
        }
        if (out.json) return out.value({ session, history });
        const { state, accessNumber, callerId, accountNumber, traceId, result, reason } = session;
        out.line(`session ${id}: ${state}${result ? `, ${[result, reason].filter(Boolean).join(': ')}` : ''}`);
        out.line(
          `${callerId || 'hidden caller'} on ${accessNumber}, account ${accountNumber || 'unknown'}, trace ${traceId}\n`,
        );
        out.table(session.legs, {
          LEG: ({ legId }) => legId,
          ROLE: ({ role }) => role,
          STATUS: ({ status }) => status,
          NUMBER: ({ number }) => number,
          TRUNK: ({ trunkId }) => trunkId,
          SWITCH: ({ switchId }) => switchId,
          BEGAN: ({ createdAtUs }) => time(createdAtUs),
          TALKED: ({ answeredAtUs, endedAtUs }) => seconds(answeredAtUs, endedAtUs),
          CAUSE: ({ cause }) => cause,
        });
        out.line('');
        out.table(history, {
          AT: ({ atUs }) => time(atUs),
          EVENT: ({ event }) => event,
          FROM: ({ fromState }) => fromState,
          TO: ({ toState }) => toState,
        });
      }),
    );
  sessions
    .command('end <session>')
    .description('hangs up all its legs; it settles and ends')
    .action(
      action(async ({ platform, out }, id: string) => {
        await call(platform.sessions, platform.sessions.endSession, { id });
        out.say(`session ${id} is ending`);
      }),
    );

  const switches = program.command('switches').description('switches of the pool');
  switches
    .command('list')
    .description('state and load of each switch')
    .action(
      action(async ({ platform, out }) => {
        const { switches: rows } = await call(platform.switches, platform.switches.listSwitches, {});
        out.table(rows, {
          SWITCH: ({ status }) => status?.switchId ?? '',
          STATE: ({ state }) => state,
          LEGS: ({ status }) => `${status?.sessions ?? 0}/${status?.maxSessions ?? 0}`,
          SESSIONS: ({ openSessions }) => openSessions,
          SIP: ({ status }) => status?.sipAddress ?? '',
          'CORE UUID': ({ status }) => status?.coreUuid ?? '',
          VERSION: ({ status }) => status?.version ?? '',
        });
      }),
    );
  for (const [name, draining, words] of [
    ['drain', true, 'takes no new session from now on; calls that are up go on'],
    ['resume', false, 'takes sessions again'],
  ] as const) {
    switches
      .command(`${name} <switch>`)
      .description(words)
      .action(
        action(async ({ platform, out }, switchId: string) => {
          await call(platform.switches, platform.switches.drainSwitch, { switchId, draining }, { deadlineMs: 8_000 });
          out.say(`${switchId} ${words}`);
        }),
      );
  }

  cdrCommands(program, action);

  const parked = program.command('parked-events').description('events that no session could take');
  parked
    .command('list')
    .description('newest first')
    .action(
      action(async ({ platform, out }) => {
        const { events } = await call(platform.parked, platform.parked.listParkedEvents, { pageSize: 200 });
        out.table(events, {
          ID: ({ id }) => id,
          AT: ({ atUs }) => time(atUs),
          SHARD: ({ shard }) => shard,
          SOURCE: ({ source }) => source,
          KIND: ({ kind }) => kind,
          SESSION: ({ sessionId }) => sessionId,
          ERROR: ({ error }) => error,
        });
      }),
    );
  parked
    .command('delete <id>')
    .description('it was looked at')
    .action(
      action(async ({ platform, out }, id: string) => {
        await call(platform.parked, platform.parked.deleteParkedEvent, { id });
        out.say(`parked event ${id} was deleted`);
      }),
    );
}
