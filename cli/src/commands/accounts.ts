import { auth, billing } from '@ringback/contracts';
import { uuidv7 } from '@ringback/service-kit';
import type { Command } from 'commander';
import { money, time } from '../output.ts';
import { call } from '../platform.ts';
import type { Action } from '../run.ts';
import { amountOf } from './arguments.ts';

export function accountCommands(program: Command, action: Action): void {
  const accounts = program
    .command('accounts')
    .description('accounts: credentials, caller IDs, speed-dial codes, balance');

  accounts
    .command('list')
    .description('all accounts with their balance')
    .action(
      action(async ({ platform, out }) => {
        const { accounts: client, money: billingClient } = platform;
        const all: auth.Account[] = [];
        for (let pageToken = ''; ; ) {
          const page = await call(client, client.listAccounts, { pageSize: 500, pageToken });
          all.push(...page.accounts);
          pageToken = page.nextPageToken;
          if (pageToken === '') break;
        }
        const rows = await Promise.all(
          all.map(async (account) => ({
            ...account,
            ...(await call(billingClient, billingClient.getBalance, { requestId: '', accountNumber: account.number })),
          })),
        );
        out.table(rows, {
          ACCOUNT: ({ number }) => number,
          COUNTRY: ({ country }) => country,
          LANGUAGE: ({ language }) => language,
          BALANCE: ({ balance }) => money(balance),
          HELD: ({ held }) => money(held),
          DECK: ({ deck }) => deck,
          'CALLER IDS': ({ callerIds }) =>
            callerIds.map(({ number, authorised }) => `${number}${authorised ? '' : ' (PIN)'}`).join(', '),
          STATE: ({ suspended, lockedUntilUs }) =>
            suspended ? 'suspended' : lockedUntilUs > 0n ? `locked until ${time(lockedUntilUs)}` : 'active',
        });
      }),
    );

  accounts
    .command('show <account>')
    .description('one account')
    .action(
      action(async ({ platform, out }, number: string) => {
        const { account } = await call(platform.accounts, platform.accounts.getAccount, { number });
        const balance = await call(platform.money, platform.money.getBalance, { requestId: '', accountNumber: number });
        out.value({ ...account, balance: money(balance.balance), held: money(balance.held), deck: balance.deck });
      }),
    );

  accounts
    .command('create [account]')
    .description('a new account; what is not given is chosen')
    .option('--pin <pin>', '4 to 12 digits; chosen and shown once when not given')
    .option('--country <code>', 'ISO 3166-1 alpha-2: national numbers are read in it', 'PL')
    .option('--language <tag>', 'language of the prompts', 'en')
    .option('--currency <code>', 'ISO 4217', 'EUR')
    .option('--deck <name>', 'rate deck it pays by', 'demo')
    .action(
      action(async ({ platform, out }, number: string | undefined, options: Record<string, string>) => {
        const request = auth.CreateAccountRequest.fromPartial({ ...options, number: number ?? '' });
        const { account, pin } = await call(platform.accounts, platform.accounts.createAccount, request);
        const accountNumber = account?.number ?? '';
        const { currency = '', deck = '' } = options;
        await call(platform.ledger, platform.ledger.openAccount, { accountNumber, currency, deck });
        out.say(`account ${accountNumber} was made${pin ? `; its PIN is ${pin}` : ''}`, {
          account: accountNumber,
          pin,
        });
      }),
    );

  accounts
    .command('update <account>')
    .description('country, language, suspension')
    .option('--country <code>', 'ISO 3166-1 alpha-2')
    .option('--language <tag>', 'language of the prompts')
    .option('--suspend', 'no calls any more')
    .option('--resume', 'calls again')
    .action(
      action(
        async (
          { platform, out },
          number: string,
          options: { country?: string; language?: string; suspend?: boolean; resume?: boolean },
        ) => {
          const suspended = options.suspend ? true : options.resume ? false : undefined;
          const { country, language } = options;
          await call(platform.accounts, platform.accounts.updateAccount, { number, country, language, suspended });
          out.say(`account ${number} was changed`);
        },
      ),
    );

  accounts
    .command('set-pin <account> <pin>')
    .description('a new PIN')
    .action(
      action(async ({ platform, out }, number: string, pin: string) => {
        await call(platform.accounts, platform.accounts.setPin, { number, pin });
        out.say(`the PIN of ${number} was changed`);
      }),
    );

  accounts
    .command('unlock <account>')
    .description('ends lock-outs after wrong PINs')
    .action(
      action(async ({ platform, out }, number: string) => {
        await call(platform.accounts, platform.accounts.unlock, { number });
        out.say(`${number} is unlocked`);
      }),
    );

  accounts
    .command('top-up <account> <amount>')
    .description('adds credit, e.g. "10.00 EUR"')
    .option('--note <text>', 'kept with the transfer', '')
    .option('--request-id <id>', 'the same id tops up once only')
    .action(
      action(
        async (
          { platform, out },
          accountNumber: string,
          amount: string,
          options: { note: string; requestId?: string },
        ) => {
          const request = billing.TopUpRequest.fromPartial({
            requestId: options.requestId ?? uuidv7(),
            accountNumber,
            amount: amountOf(amount),
            note: options.note,
          });
          const { balance, transferId } = await call(platform.ledger, platform.ledger.topUp, request);
          out.say(`balance of ${accountNumber}: ${money(balance)}`, { balance, transferId });
        },
      ),
    );

  const callerIds = program.command('caller-ids').description('numbers that belong to an account');
  callerIds
    .command('add <account> <number>')
    .description('E.164 with +')
    .option('--authorised', 'neither balance nor PIN')
    .option('--move', 'also where another account has it: taken away from there')
    .action(
      action(
        async (
          { platform, out },
          accountNumber: string,
          number: string,
          { authorised = false, move = false }: { authorised?: boolean; move?: boolean },
        ) => {
          await call(platform.accounts, platform.accounts.putCallerId, { accountNumber, number, authorised, move });
          out.say(`${number} belongs to ${accountNumber}${authorised ? ', authorised' : ''}`);
        },
      ),
    );
  callerIds
    .command('remove <account> <number>')
    .description('E.164 with +')
    .action(
      action(async ({ platform, out }, accountNumber: string, number: string) => {
        await call(platform.accounts, platform.accounts.deleteCallerId, { accountNumber, number });
        out.say(`${number} was removed from ${accountNumber}`);
      }),
    );

  const speedDials = program.command('speed-dials').description('codes of 1 to 3 digits for destinations');
  speedDials
    .command('set <account> <code> <number>')
    .description('the code dials the number (E.164 with +)')
    .action(
      action(async ({ platform, out }, accountNumber: string, code: string, number: string) => {
        await call(platform.accounts, platform.accounts.putSpeedDial, { accountNumber, code, number });
        out.say(`${code} dials ${number}`);
      }),
    );
  speedDials
    .command('remove <account> <code>')
    .description('the code dials nothing any more')
    .action(
      action(async ({ platform, out }, accountNumber: string, code: string) => {
        await call(platform.accounts, platform.accounts.deleteSpeedDial, { accountNumber, code });
        out.say(`${code} was removed`);
      }),
    );
}
