import { readFileSync } from 'node:fs';
import { billing } from '@ringback/contracts';
import { type Deck, type DeckDiff, type DeckProblem, diffDecks, parseDeck } from '@ringback/rating';
import { GrpcError } from '@ringback/service-kit';
import type { Command } from 'commander';
import { money, type Output, time } from '../output.ts';
import { call, callStream, type PlatformClient, UsageError } from '../platform.ts';
import { type Action, Failure } from '../run.ts';
import { moment } from './arguments.ts';

const IN_FORCE = '0';

export function deckCommands(program: Command, action: Action): void {
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
    .option('--preview', 'only says what would change against the version that is in force')
    .action(
      action(
        async (
          { platform, out },
          name: string,
          file: string,
          options: { currency: string; validFrom?: string; dryRun?: boolean; preview?: boolean },
        ) => {
          const csv = readText(file);
          if (options.preview) return preview(platform, out, name, csv, options.currency);
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
          tellProblems(out, problems);
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
  decks
    .command('export <deck>')
    .description('a version as it was imported')
    .option('--version <n>', 'the one that is in force when not given', IN_FORCE)
    .action(
      action(async ({ platform, out }, deck: string, { version }: { version: string }) => {
        const exported = await exportDeck(platform, deck, versionOf(version));
        if (out.json) out.value(exported);
        else out.text(exported.csv);
      }),
    );
  decks
    .command('diff <deck> <before> [after]')
    .description('what differs for calls: two versions, or a version and a file (after: the version that is in force)')
    .action(
      action(async ({ platform, out }, deck: string, before: string, after: string = IN_FORCE) => {
        const [one, other] = await Promise.all(
          [before, after].map((which) => versionOrFile(platform, out, deck, which)),
        );
        tellDiff(out, diffDecks(one!, other!));
      }),
    );
}

/** @throws {UsageError} */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`);
  }
}

export function tellProblems(out: Output, problems: readonly DeckProblem[]): void {
  out.table(problems, {
    ROW: ({ row }) => row,
    COLUMN: ({ column }) => column,
    PROBLEM: ({ message }) => message,
  });
}

/** A compiled deck. @throws Failure when something is wrong with it; what is told before. */
export function readDeck(out: Output, path: string, csv: string, currency = ''): Deck {
  const { deck, problems } = parseDeck(csv, currency);
  if (deck) return deck;
  tellProblems(out, problems);
  throw new Failure(`${path} is no deck: ${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'}`);
}

function versionOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`a version is a number, not "${text}"`);
  return Number(text);
}

interface Exported {
  version: number;
  currency: string;
  csv: string;
}

async function exportDeck(platform: PlatformClient, deck: string, version: number): Promise<Exported> {
  const parts: string[] = [];
  let found = { version, currency: '' };
  for await (const part of callStream(platform.decks, platform.decks.exportDeck, { deck, version })) {
    parts.push(part.csv);
    found = { version: part.version, currency: part.currency };
  }
  return { ...found, csv: parts.join('') };
}

async function versionOrFile(platform: PlatformClient, out: Output, deck: string, which: string): Promise<Deck> {
  if (/^\d+$/.test(which)) {
    const { csv, currency } = await exportDeck(platform, deck, versionOf(which));
    return readDeck(out, `version ${which}`, csv, currency);
  }
  const { currency } = await exportDeck(platform, deck, versionOf(IN_FORCE));
  return readDeck(out, which, readText(which), currency);
}

/** What an import would change; of a deck that is not there yet, everything is new. */
async function preview(
  platform: PlatformClient,
  out: Output,
  name: string,
  csv: string,
  currency: string,
): Promise<void> {
  const now = await exportDeck(platform, name, versionOf(IN_FORCE)).catch((error: unknown) => {
    if (error instanceof GrpcError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  });
  const after = readDeck(out, 'the file', csv, now?.currency ?? currency);
  if (!now) return out.say(`deck ${name} is new: ${after.rowCount} rows`, { rows: after.rowCount });
  tellDiff(out, diffDecks(readDeck(out, `version ${now.version}`, now.csv, now.currency), after));
}

function tellDiff(out: Output, diff: DeckDiff): void {
  if (out.json) return out.value(diff);
  for (const { name, before, after } of diff.settings) out.line(`${name}: ${before} → ${after}`);
  if (diff.rows.length > 0) {
    out.table(diff.rows, {
      CHANGE: ({ change }) => change,
      PREFIX: ({ prefix }) => prefix,
      DESTINATION: ({ destination }) => destination,
      WHEN: ({ when }) => when,
      BEFORE: ({ before }) => before,
      AFTER: ({ after }) => after,
    });
  }
  const counted = (change: string): string => `${diff.rows.filter((row) => row.change === change).length} ${change}`;
  out.line(`${['added', 'removed', 'changed'].map(counted).join(', ')}, ${diff.unchanged} as before`);
}
