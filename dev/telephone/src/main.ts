import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Endpoints, readEndpoints } from './endpoints.ts';
import { Telephone } from './telephone.ts';
import { Terminal } from './terminal.ts';

const USAGE = `usage: phone [--endpoints FILE] [--bind HOST:PORT] [--edge HOST:PORT] [--from NUMBER] [--prompts DIRECTORY]
Plays the carrier and every phone behind it. Addresses come from the run's endpoints.json (RUN_DIR, .run by default).`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      endpoints: { type: 'string' },
      bind: { type: 'string' },
      edge: { type: 'string' },
      from: { type: 'string' },
      prompts: { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const path = values.endpoints ?? join(process.env.RUN_DIR ?? '.run', 'endpoints.json');
  let endpoints: Endpoints | undefined;
  if (values.bind === undefined || values.edge === undefined) {
    if (!existsSync(path))
      throw new Error(`${path} is not there: is the platform running? (or give --bind and --edge)`);
    endpoints = readEndpoints(path);
  }
  const from =
    values.from ?? endpoints?.accounts.flatMap(({ callerIds = [] }) => callerIds)[0]?.number ?? '+48601000001';
  const sounds = values.prompts ?? fileURLToPath(new URL('../../../packages/prompts/sounds', import.meta.url));
  const phone = await Telephone.create({
    bind: values.bind ?? endpoints?.carrier ?? '',
    edge: values.edge ?? endpoints?.edge ?? '',
    prompts: existsSync(sounds) ? sounds : undefined,
  });
  console.log(`The carrier at ${phone.address}; calls go to ${values.edge ?? endpoints?.edge}. You are ${from}.`);
  for (const { number, mode, language } of endpoints?.accessNumbers ?? [])
    console.log(`  ${number}  ${mode ?? ''} ${language ?? ''}`);
  console.log(
    'Try: call <access number>; let it ring; answer when you are called back; key your PIN. help lists all commands.',
  );
  const terminal = new Terminal(phone, { from, input: process.stdin, print: (line) => console.log(line) });
  process.on('SIGTERM', () => process.stdin.destroy());
  await terminal.run();
  await phone.close();
}

try {
  await main();
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
}
