import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { freePort } from '@ringback/service-kit/testing';

/** The service as its own process, as production runs it. */
export class BillingProcess {
  readonly grpc: string;
  readonly http: string;
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, grpc: string, http: string) {
    this.#child = child;
    this.grpc = grpc;
    this.http = http;
  }

  /** Resolves when it says that it has started. */
  static async start(env: Record<string, string>): Promise<BillingProcess> {
    const [grpc, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const main = new URL('../../src/main.ts', import.meta.url).pathname;
    const child = spawn(process.execPath, [main], {
      env: {
        PATH: process.env.PATH,
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        GRPC_LISTEN: grpc,
        HTTP_LISTEN: http,
        MAINTENANCE_INTERVAL: '100ms',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const billing = new BillingProcess(child, grpc, http);
    await new Promise<void>((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`billing exited with ${code}: ${billing.lines.join('\n')}`)));
      createInterface({ input: child.stdout! }).on('line', (line) => {
        billing.lines.push(line);
        if (line.includes('"msg":"started"')) resolve();
      });
    });
    return billing;
  }

  /** Ends it by a signal; answers its exit code, or null when the signal did it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
    const exited = once(this.#child, 'exit') as Promise<[number | null]>;
    this.#child.kill(signal);
    return (await exited)[0];
  }
}
