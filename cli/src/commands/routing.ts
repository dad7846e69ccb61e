import { readFileSync } from 'node:fs';
import { dialer } from '@ringback/contracts';
import type { Command } from 'commander';
import { call, UsageError } from '../platform.ts';
import type { Action } from '../run.ts';

const list = (text: string | undefined): string[] => (text ?? '').split(',').filter((item) => item !== '');

/** A whole number out of an option. */
function whole(name: string, text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d+$/.test(text)) throw new UsageError(`--${name} wants a whole number, got "${text}"`);
  return Number(text);
}

function firstLine(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8').split(/\r?\n/)[0] ?? '';
  } catch (error) {
    throw new UsageError(`--password-file cannot be read: ${(error as Error).message}`);
  }
}

function decimal(name: string, text: string | undefined): number {
  if (text === undefined) return 0;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`--${name} wants a number like 2.5, got "${text}"`);
  return Number(text);
}

function registrationWords(registration: dialer.TrunkRegistration | null): string {
  if (!registration) return '';
  if (registration.edgeId === '') return 'no edge registers';
  return registration.registered ? `by ${registration.edgeId}` : `${registration.edgeId} tries`;
}

export function routingCommands(program: Command, action: Action): void {
  const numbers = program.command('access-numbers').description('numbers that callers ring');
  numbers
    .command('list')
    .description('all access numbers')
    .action(
      action(async ({ platform, out }) => {
        const { accessNumbers } = await call(platform.routing, platform.routing.listAccessNumbers, {});
        out.table(accessNumbers, {
          NUMBER: ({ number }) => number,
          MODE: ({ mode }) => mode,
          LANGUAGE: ({ language }) => language,
          'UNKNOWN CALLERS': ({ unknownCallers }) => unknownCallers,
          'RING MS': ({ ringTimeMs }) => ringTimeMs,
          REJECT: ({ rejectCode }) => rejectCode,
          'DELAY MS': ({ callbackDelayMs }) => callbackDelayMs,
          CONFIRM: ({ answerConfirmation }) => answerConfirmation,
          END: ({ endCode }) => endCode,
        });
      }),
    );
  numbers
    .command('put <number>')
    .description('adds or changes an access number; takes effect at the edge without a restart')
    .option('--mode <mode>', 'callback | direct')
    .option('--language <tag>', 'spoken before the caller is known')
    .option('--unknown-callers <policy>', 'refuse | ask')
    .option('--ring-cycles <n>', 'how long a trigger rings, in ring cycles, e.g. 2.5')
    .option('--ring-cycle-ms <ms>', 'one ring and the silence after it, e.g. 5000')
    .option('--ring-time-ms <ms>', 'how long a trigger rings, instead of ring cycles')
    .option('--reject-code <code>', '486 | 480 | 603')
    .option('--callback-delay-ms <ms>', 'from the end of the trigger to the callback')
    .option('--answer-confirmation <how>', 'none | press1')
    .option('--end-code <digits>', 'ends a conversation, e.g. #11')
    .option('--cool-down-seconds <s>', 'least time between two sessions of one caller')
    .action(
      action(async ({ platform, out }, number: string, options: Record<string, string | undefined>) => {
        const { accessNumbers } = await call(platform.routing, platform.routing.listAccessNumbers, {});
        const known = accessNumbers.find((each) => each.number === number);
        const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
        const numeric = {
          ringTimeMs: whole('ring-time-ms', options.ringTimeMs),
          ringCycleMs: whole('ring-cycle-ms', options.ringCycleMs),
          ringCycles: decimal('ring-cycles', options.ringCycles),
          rejectCode: whole('reject-code', options.rejectCode),
          callbackDelayMs: whole('callback-delay-ms', options.callbackDelayMs),
          coolDownSeconds: whole('cool-down-seconds', options.coolDownSeconds),
        };
        const asked = Object.fromEntries(Object.entries(numeric).filter(([, value]) => value > 0));
        const accessNumber = dialer.AccessNumber.fromPartial({
          ...known,
          ...given,
          ...numeric,
          ...(known && pick(known, numeric)),
          ...asked,
          // Cycles would decide otherwise.
          ...(asked.ringTimeMs ? { ringCycles: 0 } : {}),
          number,
        });
        await call(platform.routing, platform.routing.putAccessNumber, { accessNumber });
        out.say(`access number ${number} is set`);
      }),
    );
  numbers
    .command('delete <number>')
    .description('calls to it are answered 404 from now on')
    .action(
      action(async ({ platform, out }, number: string) => {
        await call(platform.routing, platform.routing.deleteAccessNumber, { number });
        out.say(`access number ${number} was deleted`);
      }),
    );

  const trunks = program.command('trunks').description("carriers' SIP gateways");
  trunks
    .command('list')
    .description('all trunks')
    .action(
      action(async ({ platform, out }) => {
        const all = await call(platform.routing, platform.routing.listTrunks, {});
        const registrations = new Map(all.registrations.map((each) => [each.trunkId, each]));
        const rows = all.trunks.map((trunk) => ({ ...trunk, registration: registrations.get(trunk.id) ?? null }));
        out.table(rows, {
          TRUNK: ({ id }) => id,
          SOURCES: ({ sources }) => sources.join(', '),
          GATEWAY: ({ gateway }) => gateway,
          TRUSTED: ({ trusted }) => (trusted ? 'yes' : 'no'),
          COUNTRY: ({ country }) => country,
          IDENTITY: ({ identity }) => identity,
          FORMAT: ({ numberFormat }) => numberFormat,
          PREFIXES: ({ prefixes }) => prefixes.join(', '),
          REGISTERED: ({ registration }) => registrationWords(registration),
          'DIGEST NAME': ({ username }) => username,
          PRIORITY: ({ priority }) => priority,
          'CALLS/S': ({ callsPerSecond }) => callsPerSecond || 'no limit',
          STATE: ({ disabled }) => (disabled ? 'disabled' : 'active'),
        });
      }),
    );
  trunks
    .command('put <id>')
    .description('adds or replaces a trunk; takes effect without a restart')
    .option('--sources <addresses>', 'IPv4 addresses or CIDRs its requests come from, comma-separated')
    .option('--gateway <host:port>', 'where calls go out to')
    .option('--trusted', 'its caller IDs may authorise without a PIN')
    .option('--country <code>', 'ISO 3166-1 alpha-2')
    .option('--identity <header>', 'pai | rpid | from')
    .option('--number-format <format>', 'e164plus | e164 | 00')
    .option('--prefixes <prefixes>', 'E.164 prefixes it takes, comma-separated; none: all')
    .option('--priority <n>', 'lower first')
    .option('--calls-per-second <n>', 'limit of new calls; 0: none')
    .option('--forward-caller-id', "B may see the caller's number")
    .option('--username <name>', 'for digest authentication of calls that go out, and for the registrar')
    .option('--registrar <host:port>', 'where an edge registers with that name; calls then come to its Contact')
    .option('--register-seconds <n>', 'how long a registration is asked for, 60–86400 (default 600)')
    .option('--password-file <path>', 'file with its password on the first line; - for standard input')
    .option('--disabled', 'no new calls; calls that are up go on')
    .action(
      action(async ({ platform, out }, id: string, options: Record<string, string | boolean | undefined>) => {
        const text = (name: string): string => String(options[name] ?? '');
        const trunk = dialer.Trunk.fromPartial({
          id,
          sources: list(options.sources as string | undefined),
          gateway: text('gateway'),
          trusted: options.trusted === true,
          country: text('country'),
          identity: text('identity'),
          numberFormat: text('numberFormat'),
          prefixes: list(options.prefixes as string | undefined),
          priority: whole('priority', options.priority as string | undefined),
          callsPerSecond: whole('calls-per-second', options.callsPerSecond as string | undefined),
          forwardCallerId: options.forwardCallerId === true,
          disabled: options.disabled === true,
          username: text('username'),
          registrar: text('registrar'),
          registerSeconds: whole('register-seconds', options.registerSeconds as string | undefined),
          // Never an argument: those are seen by everybody on the machine.
          password: options.passwordFile === undefined ? '' : firstLine(String(options.passwordFile)),
        });
        await call(platform.routing, platform.routing.putTrunk, { trunk });
        out.say(`trunk ${id} is set`);
      }),
    );
  trunks
    .command('delete <id>')
    .description('disable it first: calls that are up lose their hang-up')
    .action(
      action(async ({ platform, out }, id: string) => {
        await call(platform.routing, platform.routing.deleteTrunk, { id });
        out.say(`trunk ${id} was deleted`);
      }),
    );

  const denied = program.command('denied-ranges').description('number ranges never dialled, on either leg');
  denied
    .command('list')
    .description('all denied ranges')
    .action(
      action(async ({ platform, out }) => {
        const { ranges } = await call(platform.routing, platform.routing.listDeniedRanges, {});
        out.table(ranges, { PREFIX: ({ prefix }) => prefix, NOTE: ({ note }) => note });
      }),
    );
  denied
    .command('add <prefix> [note]')
    .description('+ and digits')
    .action(
      action(async ({ platform, out }, prefix: string, note: string | undefined) => {
        await call(platform.routing, platform.routing.putDeniedRange, { prefix, note: note ?? '' });
        out.say(`${prefix} is denied`);
      }),
    );
  denied
    .command('remove <prefix>')
    .description('allowed again')
    .action(
      action(async ({ platform, out }, prefix: string) => {
        await call(platform.routing, platform.routing.deleteDeniedRange, { prefix });
        out.say(`${prefix} is no longer denied`);
      }),
    );
}

const pick = (known: dialer.AccessNumber, names: object): Partial<dialer.AccessNumber> =>
  Object.fromEntries(Object.entries(known).filter(([name]) => name in names));
