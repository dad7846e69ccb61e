import { billing } from '@ringback/contracts';
import type { Command } from 'commander';
import { money, seconds, time } from '../output.ts';
import { call, callStream } from '../platform.ts';
import type { Action } from '../run.ts';
import { moment } from './arguments.ts';

interface Filter {
  account?: string;
  session?: string;
  number?: string;
  from?: string;
  to?: string;
  cause?: string;
  result?: string;
}

const filtered = (command: Command): Command =>
  command
    .option('--account <number>', 'of one account')
    .option('--session <id>', 'of one session')
    .option('--number <e164>', 'from or to this number')
    .option('--from <time>', 'attempts from then on (ISO 8601)')
    .option('--to <time>', 'attempts before then (ISO 8601)')
    .option('--cause <cause>', 'USER_BUSY, q850:17 or sip:486')
    .option('--result <result>', 'success, busy, no_answer, …');

const filterOf = (options: Filter) => ({
  accountNumber: options.account ?? '',
  sessionId: options.session ?? '',
  number: options.number ?? '',
  fromUs: moment('from', options.from),
  toUs: moment('to', options.to),
  cause: options.cause ?? '',
  result: options.result ?? '',
});

/** `ringback cdrs …` */
export function cdrCommands(program: Command, action: Action): void {
  const cdrs = program.command('cdrs').description('call detail records: one for every attempted leg');
  filtered(cdrs.command('list').description('newest first, at most 200')).action(
    action(async ({ platform, out }, options: Filter) => {
      const request = billing.ListCdrsRequest.fromPartial({ ...filterOf(options), pageSize: 200 });
      const { cdrs: rows } = await call(platform.ledger, platform.ledger.listCdrs, request);
      out.table(rows, {
        BEGAN: ({ createdAtUs }) => time(createdAtUs),
        ROLE: ({ role }) => role,
        FROM: ({ fromNumber }) => fromNumber,
        TO: ({ toNumber }) => toNumber,
        ACCOUNT: ({ accountNumber }) => accountNumber,
        TALKED: ({ answeredAtUs, endedAtUs }) => seconds(answeredAtUs, endedAtUs),
        COST: ({ cost }) => money(cost),
        RESULT: ({ result, reason }) => [result, reason].filter(Boolean).join(': '),
        CAUSE: ({ cause }) => cause,
        TRUNK: ({ trunkId }) => trunkId,
        SWITCH: ({ switchId }) => switchId,
      });
    }),
  );
  filtered(cdrs.command('export').description('all of them as CSV, oldest first')).action(
    action(async ({ platform, out }, options: Filter) => {
      const request = filterOf(options);
      for await (const { csv } of callStream(platform.ledger, platform.ledger.exportCdrs, request)) out.text(csv);
    }),
  );
}
