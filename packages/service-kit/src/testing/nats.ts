import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from './ports.ts';

const BINARY = fileURLToPath(new URL('../../../../.cache/nats/bin/nats-server', import.meta.url));

const USER = 'test';
const PASSWORD = 'of/the:test';

export interface TestNats {
  url: string;
  /** SIGKILL, then a new server on the same port and data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** A nats-server with JetStream of its own. */
export async function testNats(): Promise<TestNats> {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: scripts/bootstrap.sh brings it`);
  const directory = await mkdtemp(join(tmpdir(), 'ringback-nats-'));
  const port = await freePort();
  const start = async () => {
    const child = spawn(
      BINARY,
      ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', directory, '--user', USER, '--pass', PASSWORD],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    const lines = createInterface({ input: child.stderr });
    const ready = new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => line.includes('Server is ready') && resolve());
      child.once('exit', (code) => reject(new Error(`nats-server ended with ${code}`)));
    });
    await ready;
    return child;
  };
  let child = await start();
  const kill = async (): Promise<void> => {
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  };
  return {
    url: `nats://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}`,
    async restart() {
      await kill();
      child = await start();
    },
    async close() {
      await kill();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
