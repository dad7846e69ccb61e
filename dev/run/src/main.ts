import { ConfigError } from '@ringback/service-kit';
import type { Endpoints } from './endpoints.ts';
import { type Platform, startPlatform } from './platform.ts';
import { type RunSettings, settingsFromEnv } from './settings.ts';

/** Of sysexits.h. */
const EX_CONFIG = 78;
const say = (line: string): void => void process.stdout.write(`${line}\n`);

function whatToTry({ accessNumbers, accounts, edge, carrier }: Endpoints, { runDir }: RunSettings): string {
  const [number] = accessNumbers;
  const [account] = accounts;
  return `
Ringback runs. Everything a program needs to know is in ${runDir}/endpoints.json

  A callback in the terminal, in another window:
    make phone
    > call ${number?.number}                      it rings, and is rejected busy: it costs the caller nothing
    some seconds later ${account?.callerIds[0]?.number} is called back:
    > answer                                  the balance is told
    > key ${account?.pin}#                        the PIN of account ${account?.number}
    > key 00442079460000#                     where to: you are told how long you can talk
    > key #11                                 ends that call; the next destination is asked for
  What happened:
    bin/ringback sessions list --all
    bin/ringback cdrs list
    bin/ringback switches list

  SIP: calls come in at ${edge.sip} from the carrier at ${carrier.sip}
  Ctrl-C ends all calls, settles them, and stops.
`;
}

let settings: RunSettings;
try {
  settings = settingsFromEnv(process.env);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(EX_CONFIG);
}

let platform: Platform | undefined;
let ending: Promise<never> | undefined;
const starting = new AbortController();

/** Ends the process; the first reason counts. */
function end(code: number, why: string): Promise<never> {
  ending ??= (async () => {
    say(why);
    starting.abort();
    try {
      // Without a platform yet, `startPlatform` stops what it had started.
      const up = platform ?? (await started.catch(() => undefined));
      await up?.stop();
    } catch (error) {
      process.stderr.write(`${(error as Error).message}\n`);
      process.exit(1);
    }
    process.exit(code);
  })();
  return ending;
}

process.on('SIGINT', () => void end(0, 'ending calls, settling, stopping'));
process.on('SIGTERM', () => void end(0, 'ending calls, settling, stopping'));

const started = startPlatform(settings, {
  say,
  signal: starting.signal,
  onGiveUp: (reason) => void end(1, reason.message),
});
try {
  platform = await started;
  if (!ending) say(whatToTry(platform.endpoints, settings));
} catch (error) {
  if (!ending) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(error instanceof ConfigError ? EX_CONFIG : 1);
  }
}
