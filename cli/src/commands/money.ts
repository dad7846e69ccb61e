import { readFileSync } from 'node:fs';
import { billing } from '@ringback/contracts';
import type { Command } from 'commander';
import { money, time } from '../output.ts';
import { call, UsageError } from '../platform.ts';
import { type Action, Failure } from '../run.ts';
import { moment, pages } from './arguments.ts';
import { movementCommands } from './movements.ts';

export function moneyCommands(program: Command, action: Action): void {
  const decks = program.command('decks').description('rate decks');
  decks
    .command('list')
    .description('all decks and their versions')
    .action(
      action(async ({ platform, out }) => {
        const all = await call(platform.decks, platform.decks.listDecks, {});
        out.table(all.decks, {
          DECK: ({ name }) => name,
          VERSION: ({ version }) => version,
          CURRENCY: ({ currency }) => currency,
          ROWS: ({ rows }) => rows,
          'VALID FROM': ({ validFromUs }) => time(validFromUs),
        });
      }),
    );
  decks
    .command('import <deck> <file>')
    .description('a new version from a CSV file (docs/decks.md); nothing is applied when a row is wrong')
    .option('--currency <code>', 'ISO 4217', 'EUR')
    .option('--valid-from <time>', 'ISO 8601; now when not given')
    .option('--dry-run', 'only says what is wrong')
    .action(
      action(
        async (
          { platform, out },
          name: string,
          file: string,
          options: { currency: string; validFrom?: string; dryRun?: boolean },
        ) => {
          let csv: string;
          try {
            csv = readFileSync(file, 'utf8');
          } catch (error) {
            throw new UsageError(`${file}: ${(error as Error).message}`);
          }
          const request = billing.ImportDeckRequest.fromPartial({
            name,
            csv,
            currency: options.currency,
            validFromUs: moment('valid-from', options.validFrom),
            dryRun: options.dryRun ?? false,
          });
          const { version, rows, problems } = await call(platform.decks, platform.decks.importDeck, request, {
            deadlineMs: 60_000,
          });
          if (problems.length === 0) {
            out.say(options.dryRun ? `${rows} rows, nothing wrong` : `deck ${name}, version ${version}: ${rows} rows`, {
              version,
              rows,
            });
            return;
          }
          out.table(problems, {
            ROW: ({ row }) => row,
            COLUMN: ({ column }) => column,
            PROBLEM: ({ message }) => message,
          });
          throw new Failure('nothing was imported');
        },
      ),
    );
  decks
    .command('explain <deck> <number> <seconds>')
    .description('how the cost of a call comes about')
    .option('--start <time>', 'ISO 8601; now when not given')
    .action(
      action(
        async ({ platform, out }, deck: string, number: string, seconds: string, { start }: { start?: string }) => {
          if (!/^\d+(\.\d+)?$/.test(seconds)) throw new UsageError(`seconds: wants a number, got "${seconds}"`);
          const startAtUs = moment('start', start ?? new Date().toISOString());
          const durationUs = BigInt(Math.round(Number(seconds) * 1e6));
          const answer = await call(platform.decks, platform.decks.explain, { deck, number, startAtUs, durationUs });
          if (out.json) return out.value(answer);
          for (const step of answer.steps) out.line(step);
          out.line(`cost: ${money(answer.cost)} (prefix ${answer.prefix}, version ${answer.deckVersion})`);
        },
      ),
    );

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
