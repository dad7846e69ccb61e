import { auth } from '@ringback/contracts';
import { add, type Money } from '@ringback/money';
import { uuidv7 } from '@ringback/service-kit';
import type { Command } from 'commander';
import { money, type Output } from '../output.ts';
import { call, type PlatformClient, UsageError } from '../platform.ts';
import { type Action, Failure } from '../run.ts';
import { type FileOptions, microseconds, rateByFile, startOf } from './rate-file.ts';

/** A call is not longer than a day, whatever the balance. */
const CAP_SECONDS = '86400';
const USUAL_SECONDS = '60';

type Options = Omit<FileOptions, 'deck'> & { deck?: string };

/** `ringback rate <from> <to> [at]` by the platform, `ringback rate --deck <file>` without one. */
export function rateCommands(program: Command, action: Action): void {
  program
    .command('rate [from] [to] [at]')
    .description(
      'what a call costs: of that account (its number, or a caller ID with +) to what it would key, by the platform; with --deck ' +
        'by a deck file (docs/decks.md), which needs no platform',
    )
    .option(
      '--seconds <n>',
      `between answer and end, at most 6 decimals (${USUAL_SECONDS}; with --deck it has to be given)`,
    )
    .option('--deck <file>', 'by this deck, CSV')
    .option('--to <number>', 'with --deck: E.164, with or without +')
    .option('--start <time>', 'with --deck: ISO 8601 with its zone, 2026-07-07T17:59:30Z')
    .option('--balance <amount>', 'with --deck, instead of --seconds: how long a call can be with that much')
    .option('--from <number>', 'with --balance: leg A, charged besides')
    .option('--elapsed <n>', 'with --from: seconds that leg A has been up', '0')
    .option('--cap <n>', 'with --balance: no longer than so many seconds', CAP_SECONDS)
    .option('--calls <file>', 'with --deck: a CSV of calls with the columns to, start, seconds; others are kept')
    .action(
      action(
        async (context, from?: string, to?: string, at?: string, options: Options = { elapsed: '0', cap: '0' }) => {
          const { deck } = options;
          if (deck !== undefined) {
            if (from !== undefined) throw new UsageError('with --deck the number is given by --to');
            return rateByFile(context.out, { ...options, deck });
          }
          if (from === undefined || to === undefined) throw new UsageError('wants <from> and <to>, or --deck <file>');
          await rateByPlatform(context.platform, context.out, {
            from,
            to,
            at,
            seconds: options.seconds ?? USUAL_SECONDS,
          });
        },
      ),
    );
}

interface Asked {
  from: string;
  to: string;
  at: string | undefined;
  seconds: string;
}

/** Both legs of a callback of that account, step by step, by the deck that is in force for it. */
async function rateByPlatform(platform: PlatformClient, out: Output, { from, to, at, seconds }: Asked): Promise<void> {
  const startAtUs = at === undefined ? BigInt(Date.now()) * 1000n : startOf('at', at);
  const durationUs = microseconds('--seconds', seconds);
  const { accountNumber, callerId } = await whoIs(platform, from);
  const destination = await resolve(platform, accountNumber, to);
  const { deck } = await call(platform.money, platform.money.getBalance, { requestId: '', accountNumber });
  const legs = [...(callerId ? [{ leg: 'A', number: callerId }] : []), { leg: 'B', number: destination }];
  const rated = await Promise.all(
    legs.map(async (leg) => {
      const request = { deck, number: leg.number, startAtUs, durationUs };
      return { ...leg, ...(await call(platform.decks, platform.decks.explain, request)) };
    }),
  );
  const sum = rated.map(({ cost }) => cost as Money).reduce(add);
  if (out.json) return out.value({ account: accountNumber, deck, legs: rated, cost: sum });
  for (const { leg, number, steps } of rated) {
    out.line(`leg ${leg}, ${number}:`);
    for (const step of steps) out.line(`  ${step}`);
  }
  out.line(`account ${accountNumber}, deck ${deck}: ${money(sum)}`);
}

/** @throws Failure when nobody has that caller ID; GrpcError when there is no such account. */
async function whoIs(platform: PlatformClient, from: string): Promise<{ accountNumber: string; callerId: string }> {
  if (from.startsWith('+')) {
    const { authentication, routing } = platform;
    // Who that is does not depend on the number that is called.
    const { accessNumbers } = await call(routing, routing.listAccessNumbers, {});
    const accessNumber = accessNumbers[0]?.number ?? from;
    const request = { requestId: uuidv7(), callerId: from, trusted: false, accessNumber };
    const { account } = await call(authentication, authentication.identify, request);
    if (!account) throw new Failure(`no account has the caller ID ${from}`);
    return { accountNumber: account.number, callerId: from };
  }
  const { account } = await call(platform.accounts, platform.accounts.getAccount, { number: from });
  return { accountNumber: from, callerId: account?.callerIds[0]?.number ?? '' };
}

/** What the account would be connected to if it keyed that; a number with + is taken as it is. */
async function resolve(platform: PlatformClient, accountNumber: string, to: string): Promise<string> {
  const { authentication } = platform;
  const digits = to.startsWith('+') ? `00${to.slice(1)}` : to;
  const request = { requestId: uuidv7(), accountNumber, digits };
  const { outcome, e164 } = await call(authentication, authentication.resolveDestination, request);
  if (outcome !== auth.ResolveDestinationResponse_Outcome.OK) {
    const why = outcome.replace('OUTCOME_', '').replaceAll('_', ' ').toLowerCase();
    throw new Failure(`${to} is no destination of account ${accountNumber}: ${why}`);
  }
  return e164;
}
