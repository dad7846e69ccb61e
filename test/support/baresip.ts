import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './world.ts';

const MODULES = '/usr/lib/baresip/modules';
const START_MS = 15_000;

/** What its module ctrl_tcp tells. */
export interface BaresipEvent {
  event?: boolean;
  type?: string;
  direction?: string;
  param?: string;
}

export interface BaresipOptions {
  host: string;
  port: number;
  /** Its number. */
  user: string;
  /** Tone it sends for a voice. */
  hz: number;
}

/** baresip without a terminal: a softphone of its own stack, driven over its TCP control (JSON in netstrings). */
export class Baresip {
  readonly #child: ChildProcess;
  readonly #control: Socket;
  readonly #directory: string;
  readonly #said: () => string;
  #events: BaresipEvent[] = [];
  #buffer = Buffer.alloc(0);

  private constructor(child: ChildProcess, control: Socket, directory: string, said: () => string) {
    this.#child = child;
    this.#control = control;
    this.#directory = directory;
    this.#said = said;
    control.on('data', (data) => this.#take(data));
    control.on('error', () => {});
  }

  static async start({ host, port, user, hz }: BaresipOptions): Promise<Baresip> {
    const directory = await mkdtemp(join(tmpdir(), 'baresip-'));
    const controlPort = await freeTcpPort();
    const modules = ['g711', 'ausine', 'account', 'menu', 'ctrl_tcp'];
    await writeFile(
      join(directory, 'config'),
      [
        `sip_listen ${host}:${port}`,
        'call_local_timeout 120',
        'call_max_calls 4',
        `audio_source ausine,${hz}`,
        'ausrc_srate 48000',
        'ausrc_channels 2',
        `net_interface ${host}`,
        `ctrl_tcp_listen 127.0.0.1:${controlPort}`,
        `module_path ${MODULES}`,
        ...modules.map((name) => `module${/account|menu|ctrl/.test(name) ? '_app' : ''} ${name}.so`),
        '',
      ].join('\n'),
    );
    await writeFile(
      join(directory, 'accounts'),
      `<sip:${user}@${host}:${port}>;regint=0;answermode=manual;audio_codecs=pcma\n`,
    );
    await writeFile(join(directory, 'contacts'), '');
    const child = spawn('baresip', ['-4', '-f', directory], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()));
    let control: Socket | undefined;
    try {
      await until(
        'baresip takes commands',
        async () => {
          if (child.exitCode !== null) throw new Error(`baresip ended with ${child.exitCode}:\n${said}`);
          const socket = connect(controlPort, '127.0.0.1');
          const [open] = await Promise.race([once(socket, 'connect').then(() => [true]), once(socket, 'error')]);
          if (open === true) control = socket;
          return control !== undefined;
        },
        START_MS,
      );
    } catch (error) {
      child.kill('SIGKILL');
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
    return new Baresip(child, control!, directory, () => said);
  }

  #take(data: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, data]);
    for (;;) {
      const colon = this.#buffer.indexOf(':');
      const length = Number(this.#buffer.toString('latin1', 0, Math.max(0, colon)));
      if (colon < 0 || this.#buffer.length < colon + length + 2) return;
      this.#events.push(JSON.parse(this.#buffer.toString('utf8', colon + 1, colon + 1 + length)) as BaresipEvent);
      this.#buffer = this.#buffer.subarray(colon + length + 2);
    }
  }

  command(command: string, params = ''): void {
    const text = JSON.stringify({ command, params, token: command });
    this.#control.write(`${Buffer.byteLength(text)}:${text},`);
  }

  /** The next event that is so; those before it are over. @throws Error with what baresip said. */
  async event(matches: (event: BaresipEvent) => boolean, timeoutMs: number): Promise<BaresipEvent> {
    let found: BaresipEvent | undefined;
    const look = (): boolean => {
      const at = this.#events.findIndex((event) => matches(event));
      if (at < 0) return false;
      found = this.#events[at];
      this.#events = this.#events.slice(at + 1);
      return true;
    };
    await until('baresip tells it', () => Promise.resolve(look()), timeoutMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${JSON.stringify(this.#events)}\n${this.#said().slice(-3_000)}`);
    });
    return found!;
  }

  async stop(): Promise<void> {
    const gone = this.#child.exitCode === null ? once(this.#child, 'exit') : undefined;
    this.#control.destroy();
    this.#child.kill('SIGKILL');
    await gone;
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address ? address.port : 0;
}
