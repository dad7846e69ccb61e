import { GrpcError } from '@ringback/service-kit';
import { Command, CommanderError } from 'commander';
import { accountCommands } from './commands/accounts.ts';
import { callCommands } from './commands/calls.ts';
import { moneyCommands } from './commands/money.ts';
import { exchangeCommands } from './commands/movements.ts';
import { rateCommands } from './commands/rate.ts';
import { routingCommands } from './commands/routing.ts';
import { voucherCommands } from './commands/vouchers.ts';
import { Output } from './output.ts';
import { PlatformClient, UsageError } from './platform.ts';

/** The command did its work, and the answer is no (exit status 1). */
export class Failure extends Error {
  override readonly name = 'Failure';
}

/** Exit statuses of `ringback`. */
export const EXIT = { ok: 0, failed: 1, usage: 2, notFound: 3, unavailable: 4 } as const;

export interface Context {
  platform: PlatformClient;
  out: Output;
}

// biome-ignore lint: commander hands over strings and option objects of each command's own shape
export type Action = (work: (context: Context, ...args: any[]) => Promise<void>) => (...args: any[]) => Promise<void>;

export interface Streams {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** A command in a list of commands: its name and arguments; other names it has stand in its description. */
const term = (command: Command): string =>
  [
    command.name(),
    ...command.registeredArguments.map((argument) =>
      argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
    ),
  ].join(' ');

/** Runs one command line; answers its exit status. */
export async function run(args: string[], streams: Streams): Promise<number> {
  const program = new Command('ringback')
    .description('The Ringback callback platform from the command line')
    .option('--json', 'JSON instead of tables')
    .option('--endpoints <file>', 'endpoints.json of a run (default: $RUN_DIR/endpoints.json, .run/endpoints.json)')
    .exitOverride()
    .configureHelp({ subcommandTerm: term })
    .configureOutput({ writeOut: streams.stdout, writeErr: streams.stderr })
    .showHelpAfterError('(--help shows how)');
  const action: Action =
    (work) =>
    async (...given) => {
      const { json = false, endpoints } = program.opts<{ json?: boolean; endpoints?: string }>();
      let platform: PlatformClient | undefined;
      const context: Context = {
        // Only when it is asked for: some commands need no platform.
        get platform() {
          platform ??= new PlatformClient(endpoints);
          return platform;
        },
        out: new Output(json, streams.stdout),
      };
      try {
        // Commander's last argument is the command itself.
        await work(context, ...given.slice(0, -1));
      } finally {
        platform?.close();
      }
    };
  accountCommands(program, action);
  callCommands(program, action);
  moneyCommands(program, action);
  exchangeCommands(program, action);
  voucherCommands(program, action);
  routingCommands(program, action);
  rateCommands(program, action);
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return explain(error, streams);
  }
}

function explain(error: unknown, { stderr }: Streams): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  if (error instanceof UsageError) {
    stderr(`ringback: ${error.message}\n`);
    return EXIT.usage;
  }
  if (error instanceof Failure) {
    stderr(`ringback: ${error.message}\n`);
    return EXIT.failed;
  }
  if (error instanceof GrpcError) {
    stderr(`ringback: ${error.message}\n`);
    if (error.code === 'NOT_FOUND') return EXIT.notFound;
    if (error.code === 'UNAVAILABLE') return EXIT.unavailable;
    return error.code === 'INVALID_ARGUMENT' ? EXIT.usage : EXIT.failed;
  }
  throw error;
}
