import { uuidv7 } from '@ringback/service-kit';
import type { Command } from 'commander';
import { money, time } from '../output.ts';
import { call } from '../platform.ts';
import { type Action, Failure } from '../run.ts';
import { amountOf, moment } from './arguments.ts';
import { UsageError } from '../platform.ts';

/** `ringback vouchers …` */
export function voucherCommands(program: Command, action: Action): void {
  const vouchers = program.command('vouchers').description('prepaid vouchers, in batches');
  vouchers
    .command('list')
    .description('batches, newest first')
    .action(
      action(async ({ platform, out }) => {
        const { batches } = await call(platform.ledger, platform.ledger.listVoucherBatches, {});
        out.table(batches, {
          BATCH: ({ batchId }) => batchId,
          VALUE: ({ value }) => money(value),
          COUNT: ({ count }) => count,
          REDEEMED: ({ redeemed }) => redeemed,
          EXPIRES: ({ expiresAtUs }) => time(expiresAtUs),
          VOIDED: ({ voidedAtUs }) => time(voidedAtUs),
          NOTE: ({ note }) => note,
        });
      }),
    );
  vouchers
    .command('create <count> <value>')
    .description('a batch; its codes are shown here alone, one a line')
    .requiredOption('--expires <time>', 'ISO 8601')
    .option('--note <text>', 'kept with the batch', '')
    .option('--request-id <id>', 'the same id makes one batch only, and shows its codes again')
    .action(
      action(
        async (
          { platform, out },
          count: string,
          value: string,
          options: { expires: string; note: string; requestId?: string },
        ) => {
          if (!/^\d{1,9}$/.test(count)) throw new UsageError(`count: wants a number, got "${count}"`);
          const request = {
            requestId: options.requestId ?? uuidv7(),
            count: Number(count),
            value: amountOf(value),
            expiresAtUs: moment('expires', options.expires),
            note: options.note,
          };
          const made = await call(platform.ledger, platform.ledger.createVouchers, request, { deadlineMs: 60_000 });
          out.say([`batch ${made.batchId}`, ...made.codes].join('\n'), made);
        },
      ),
    );
  vouchers
    .command('void <batch>')
    .description('makes what is left of a batch worthless')
    .option('--request-id <id>', 'the same id does it once only')
    .action(
      action(async ({ platform, out }, batchId: string, { requestId = uuidv7() }: { requestId?: string }) => {
        const { voided } = await call(platform.ledger, platform.ledger.voidVouchers, { requestId, batchId });
        out.say(`${voided} vouchers of ${batchId} are worth nothing now`, { voided });
      }),
    );
  vouchers
    .command('redeem <account> <code>')
    .description('adds a voucher to an account')
    .option('--request-id <id>', 'the same id does it once only')
    .action(
      action(
        async (
          { platform, out },
          accountNumber: string,
          code: string,
          { requestId = uuidv7() }: { requestId?: string },
        ) => {
          const request = { requestId, accountNumber, code, source: '' };
          const answer = await call(platform.ledger, platform.ledger.redeemVoucher, request);
          if (answer.outcome === 'OUTCOME_REDEEMED') {
            out.say(`${money(answer.amount)} added; the balance is ${money(answer.balance)}`, answer);
            return;
          }
          out.say(
            answer.outcome === 'OUTCOME_LOCKED'
              ? `too many wrong codes: locked until ${time(answer.lockedUntilUs)}`
              : 'no such code, or it is used, expired or voided',
            answer,
          );
          throw new Failure('nothing was added');
        },
      ),
    );
}
