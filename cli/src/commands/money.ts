import type { Command } from 'commander';
import { money, time } from '../output.ts';
import { call, UsageError } from '../platform.ts';
import { type Action, Failure } from '../run.ts';
import { pages } from './arguments.ts';
import { deckCommands } from './decks.ts';
import { movementCommands } from './movements.ts';

export function moneyCommands(program: Command, action: Action): void {
  deckCommands(program, action);

  const ledger = program.command('ledger').description('double-entry ledger');
  ledger
    .command('entries')
    .description('newest first')
    .option('--account <number>', 'of one account')
    .option('--session <id>', 'of one session')
    .action(
      action(async ({ platform, out }, { account = '', session = '' }: { account?: string; session?: string }) => {
        const request = { accountNumber: account, sessionId: session, pageSize: 200, pageToken: '' };
        const { entries } = await call(platform.ledger, platform.ledger.listLedgerEntries, request);
        out.table(entries, {
          AT: ({ atUs }) => time(atUs),
          TRANSFER: ({ transferId }) => transferId,
          ACCOUNT: ({ account: name }) => name,
          AMOUNT: ({ amount }) => money(amount),
          KIND: ({ kind }) => kind,
          LEG: ({ legId }) => legId,
          NOTE: ({ note }) => note,
        });
      }),
    );
  ledger
    .command('holds')
    .description('money that is held now: for which leg, since when, and which dialer owns it')
    .option('--all', 'posted and voided ones as well')
    .option('--account <number>', 'of one account')
    .option('--older-than <seconds>', 'only those at least this old')
    .action(
      action(async ({ platform, out }, options: { all?: boolean; account?: string; olderThan?: string }) => {
        const { all = false, account = '', olderThan = '0' } = options;
        if (!/^\d{1,9}$/.test(olderThan)) throw new UsageError(`--older-than wants seconds, got "${olderThan}"`);
        const filter = { all, accountNumber: account, olderThanUs: BigInt(olderThan) * 1_000_000n, pageSize: 1000 };
        const holds = await pages(async (pageToken) => {
          const page = await call(platform.ledger, platform.ledger.listHolds, { ...filter, pageToken });
          return { rows: page.holds, next: page.nextPageToken };
        });
        out.table(holds, {
          LEG: ({ legId }) => legId,
          SESSION: ({ sessionId }) => sessionId,
          ACCOUNT: ({ account: number }) => number,
          AMOUNT: ({ amount }) => money(amount),
          STATE: ({ state, expired }) => (expired ? `${state} (expired)` : state),
          AGE: ({ ageUs }) => `${ageUs / 1_000_000n} s`,
          OWNER: ({ shard, epoch }) => `shard ${shard}, epoch ${epoch}`,
          'PAID UNTIL': ({ paidUntilUs }) => time(paidUntilUs),
        });
      }),
    );
  ledger
    .command('check')
    .description('every transfer sums to zero, every balance equals its entries')
    .action(
      action(async ({ platform, out }) => {
        const { balanced, problems, transfers } = await call(
          platform.ledger,
          platform.ledger.checkLedger,
          {},
          { deadlineMs: 60_000 },
        );
        out.say(balanced ? `balanced: ${transfers} transfers` : problems.join('\n'), { balanced, problems, transfers });
        if (!balanced) throw new Failure('the ledger is not balanced');
      }),
    );
  movementCommands(ledger, action);
}
