import { ConfigError } from '@ringback/service-kit';
import type { Endpoints } from './endpoints.ts';
import { startPlatform } from './platform.ts';
import { type RunSettings, settingsFromEnv } from './settings.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function whatToTry({ accessNumbers, accounts, edge, carrier }: Endpoints, { runDir }: RunSettings): string {
  const [number] = accessNumbers;
  const [account] = accounts;
  return `
Ringback runs. Everything a program needs to know is in ${runDir}/endpoints.json

  A callback in the terminal, in another window:
    make phone
    > call ${account?.callerIds[0]?.number} ${number?.number}      it rings, and is rejected busy: it costs the caller nothing
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
  process.exit(78); // EX_CONFIG of sysexits.h
}

try {
  const platform = await startPlatform(settings, {
    say,
    onGiveUp(reason) {
      process.stderr.write(`${reason.message}\n`);
      void platform.stop().finally(() => process.exit(1));
    },
  });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    say('ending calls, settling, stopping');
    platform.stop().then(
      () => process.exit(0),
      (error: Error) => {
        process.stderr.write(`${error.message}\n`);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  say(whatToTry(platform.endpoints, settings));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exit(1);
}
