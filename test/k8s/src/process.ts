import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';

/** A port nobody listens on at 127.0.0.1. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** A program of the cluster: its output goes to a file, of which the end is told when it dies early. */
export class Program {
  readonly name: string;
  readonly #log: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  constructor(name: string, command: string, args: readonly string[], log: string) {
    this.name = name;
    this.#log = log;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const file = createWriteStream(log);
    this.#child.stdout?.pipe(file, { end: false });
    this.#child.stderr?.pipe(file, { end: false });
    this.#ended = new Promise((resolve) => {
      this.#child.on('error', (error) => resolve(error.message));
      this.#child.on('close', (code, signal) => file.end(() => resolve(`ended with ${signal ?? String(code)}`)));
    });
  }

  /** Rejects when it ends before `ready` is true; asks `ready` until then. */
  async until(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const died = this.#ended.then(async (how) => {
      throw new Error(`${this.name} ${how}: ${(await readFile(this.#log, 'utf8')).slice(-2000)}`);
    });
    const deadline = performance.now() + timeoutMs;
    const asking = (async () => {
      while (!(await ready())) {
        if (performance.now() > deadline) throw new Error(`${this.name} is not ready after ${timeoutMs} ms`);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    await Promise.race([asking, died]);
  }

  /** SIGTERM, and SIGKILL when that does not help within the time. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), graceMs);
    await this.#ended;
    clearTimeout(timer);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}
