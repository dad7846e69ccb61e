import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SCENARIOS = join(import.meta.dirname, '../sipp');

export interface SippOptions {
  /** File below test/sipp. */
  scenario: string;
  host: string;
  port: number;
  /** RTP port. */
  mediaPort: number;
  /** Where its requests go; a called side has none. */
  to?: string;
  keys?: Record<string, string>;
  service?: string;
}

/**
 * SIPp playing one call. `done` resolves when everything went as the scenario says.
 * @throws Error (by `done`) with what SIPp says was wrong.
 */
export async function sipp(options: SippOptions): Promise<{ done: Promise<void>; stop(): void }> {
  const { scenario, host, port, mediaPort, to, keys = {}, service } = options;
  const directory = await mkdtemp(join(tmpdir(), 'sipp-'));
  const child = spawn(
    'sipp',
    [
      ...`-i ${host} -p ${port} -mi ${host} -mp ${mediaPort} -m 1 -nostdin -timeout 100s -timeout_error -trace_err`.split(
        ' ',
      ),
      '-sf',
      join(SCENARIOS, scenario),
      ...Object.entries(keys).flatMap(([name, value]) => ['-key', name, value]),
      ...(service === undefined ? [] : ['-s', service]),
      ...(to === undefined ? [] : [to]),
    ],
    { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, TERM: 'dumb' } },
  );
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const done = once(child, 'close').then(async ([code, signal]) => {
    for (const name of await readdir(directory)) said += await readFile(join(directory, name), 'utf8');
    await rm(directory, { recursive: true });
    if (code !== 0) throw new Error(`SIPp (${scenario}) ended with ${String(code ?? signal)}:\n${said.slice(-3_000)}`);
  });
  done.catch(() => undefined);
  return { done, stop: () => void child.kill('SIGKILL') };
}

/** A UDP port that was free a moment ago, with its neighbour for RTCP. */
export async function freePort(host: string): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port % 2 === 0 ? port : freePort(host);
}
