import { billing } from '@ringback/contracts';
import { uuidv7 } from '@ringback/service-kit';
import type { Command } from 'commander';
import { money, time } from '../output.ts';
import { call, callStream } from '../platform.ts';
import type { Action } from '../run.ts';
import { amountOf, moment } from './arguments.ts';

interface Once {
  requestId?: string;
  note?: string;
}

/** A command that moves money: done once for its `--request-id`. */
const once = (command: Command): Command =>
  command
    .option('--request-id <id>', 'the same id does it once only')
    .option('--note <text>', 'kept with the transfer', '');

/** `ringback ledger …`: what moves money besides calls, and what an account came to. */
export function movementCommands(ledger: Command, action: Action): void {
  const key = ({ requestId, note = '' }: Once) => ({ requestId: requestId ?? uuidv7(), note });

  once(
    ledger
      .command('adjust <account> <amount>')
      .description('credit without money, e.g. "1.50 EUR"; a negative amount (after --) takes credit away'),
  ).action(
    action(async ({ platform, out }, accountNumber: string, amount: string, options: Once) => {
      const request = { ...key(options), accountNumber, amount: amountOf(amount) };
      const done = await call(platform.ledger, platform.ledger.adjustBalance, request);
      out.say(`transfer ${done.transferId}; the balance is ${money(done.balance)}`, done);
    }),
  );
  once(
    ledger
      .command('refund <leg> [amount]')
      .description('gives back what a leg cost; all that is left when no amount is given'),
  ).action(
    action(async ({ platform, out }, legId: string, amount: string | undefined, options: Once) => {
      const request = { ...key(options), legId, amount: amount === undefined ? undefined : amountOf(amount) };
      const done = await call(platform.ledger, platform.ledger.refundLeg, request);
      out.say(
        `${money(done.amount)} given back by transfer ${done.transferId}; the balance is ${money(done.balance)}`,
        done,
      );
    }),
  );
  once(
    ledger.command('reverse <transfer>').description('corrects a transfer by one with all its entries reversed'),
  ).action(
    action(async ({ platform, out }, transferId: string, options: Once) => {
      const done = await call(platform.ledger, platform.ledger.reverseTransfer, { ...key(options), transferId });
      out.say(`reversed by transfer ${done.transferId}`, done);
    }),
  );
  once(
    ledger
      .command('transfer <from> <to> <amount>')
      .description('credit from one account to another; only what is not held'),
  ).action(
    action(async ({ platform, out }, fromAccount: string, toAccount: string, amount: string, options: Once) => {
      const request = { ...key(options), fromAccount, toAccount, amount: amountOf(amount) };
      const done = await call(platform.ledger, platform.ledger.transferCredit, request);
      out.say(`${money(done.arrived)} arrived; ${fromAccount} has ${money(done.balance)}`, done);
    }),
  );
  once(
    ledger
      .command('credit-limit <account> <limit>')
      .description('how far below zero an account may go, e.g. "50 EUR" (postpaid)'),
  ).action(
    action(async ({ platform, out }, accountNumber: string, limit: string, options: Once) => {
      const request = { ...key(options), accountNumber, limit: amountOf(limit) };
      const done = await call(platform.ledger, platform.ledger.setCreditLimit, request);
      out.say(`${accountNumber} may owe ${money(done.limit)}; its balance is ${money(done.balance)}`, done);
    }),
  );
  ledger
    .command('statement <account>')
    .description('opening balance, every entry with the balance after it, closing balance')
    .option('--from <time>', 'ISO 8601')
    .option('--to <time>', 'ISO 8601; now when not given')
    .action(
      action(async ({ platform, out }, accountNumber: string, { from, to }: { from?: string; to?: string }) => {
        const request = { accountNumber, fromUs: moment('from', from), toUs: moment('to', to) };
        const parts: billing.GetStatementResponse[] = [];
        for await (const part of callStream(platform.ledger, platform.ledger.getStatement, request)) parts.push(part);
        const lines = parts.flatMap((part) => part.lines);
        const [opening, closing] = [parts[0]?.opening, parts.at(-1)?.closing];
        const totals = parts.at(-1)?.totals ?? [];
        if (out.json) return out.value({ opening, lines, closing, totals });
        out.line(`opening balance: ${money(opening)}`);
        out.table(lines, {
          AT: ({ entry }) => time(entry?.atUs ?? 0n),
          KIND: ({ entry }) => entry?.kind ?? '',
          AMOUNT: ({ entry }) => money(entry?.amount),
          BALANCE: ({ balanceAfter }) => money(balanceAfter),
          SESSION: ({ sessionId }) => sessionId,
          NOTE: ({ entry }) => entry?.note ?? '',
        });
        for (const { kind, amount, entries } of totals) out.line(`${kind}: ${money(amount)} in ${entries} entries`);
        out.line(`closing balance: ${money(closing)}`);
      }),
    );
  const BY = { trunk: 'BY_TRUNK', deck: 'BY_DECK', country: 'BY_COUNTRY' } as const;
  for (const [by, value] of Object.entries(BY)) {
    ledger
      .command(`totals-by-${by}`)
      .description(`attempts, minutes and money of each UTC day by ${by}`)
      .requiredOption('--from <time>', 'ISO 8601')
      .requiredOption('--to <time>', 'ISO 8601')
      .action(
        action(async ({ platform, out }, { from, to }: { from: string; to: string }) => {
          const request = { by: value, fromUs: moment('from', from), toUs: moment('to', to) };
          const { totals } = await call(platform.ledger, platform.ledger.listDailyTotals, request, {
            deadlineMs: 60_000,
          });
          out.table(totals, {
            DAY: ({ day }) => day,
            [by.toUpperCase()]: ({ key: name }) => name || '-',
            LEGS: ({ legs }) => String(legs),
            ANSWERED: ({ answered }) => String(answered),
            SECONDS: ({ billedUs }) => (Number(billedUs) / 1e6).toFixed(0),
            COST: ({ cost }) => money(cost),
            SHORTFALL: ({ shortfall }) => money(shortfall),
          });
        }),
      );
  }
}

/** `ringback exchange …`: recorded rates between currencies. */
export function exchangeCommands(program: Command, action: Action): void {
  const exchange = program.command('exchange').description('recorded rates between currencies');
  exchange
    .command('list')
    .description('newest first')
    .action(
      action(async ({ platform, out }) => {
        const { rates } = await call(platform.ledger, platform.ledger.listExchangeRates, {});
        out.table(rates, {
          FROM: ({ fromCurrency }) => fromCurrency,
          TO: ({ toCurrency }) => toCurrency,
          RATE: ({ rate }) => rate,
          'VALID FROM': ({ validFromUs }) => time(validFromUs),
        });
      }),
    );
  exchange
    .command('set <from> <to> <rate>')
    .description('one unit of <from> is <rate> units of <to>')
    .option('--valid-from <time>', 'ISO 8601; now when not given')
    .action(
      action(
        async (
          { platform, out },
          fromCurrency: string,
          toCurrency: string,
          rate: string,
          options: { validFrom?: string },
        ) => {
          const validFromUs = moment('valid-from', options.validFrom);
          const request = { rate: { fromCurrency, toCurrency, rate, validFromUs } };
          await call(platform.ledger, platform.ledger.setExchangeRate, request);
          out.say(`1 ${fromCurrency} is ${rate} ${toCurrency}`);
        },
      ),
    );
}
