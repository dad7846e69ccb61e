import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  controlSocket,
  DEFAULTS,
  type EdgeModel,
  type EdgeState,
  edgeFiles,
  kamailioArguments,
} from '@ringback/kamailio-config-gen';

const run = promisify(execFile);

/** A real Kamailio with generated configuration, in its own process group, on an address of its own. */
export class Kamailio {
  readonly model: EdgeModel;
  readonly host: string;
  readonly port: number;
  #process: ChildProcess | undefined;
  #log = '';

  private constructor(model: EdgeModel) {
    this.model = model;
    this.host = model.listen.host;
    this.port = model.listen.port;
  }

  /** Starts one on a free port of `host`; resolves when it answers RPC. */
  static async start(host: string, state: EdgeState, overrides: Partial<EdgeModel> = {}): Promise<Kamailio> {
    const dir = await mkdtemp(join(tmpdir(), 'edge-'));
    const port = await freePort(host);
    const kamailio = new Kamailio({
      ...DEFAULTS,
      id: 'edge-1',
      listen: { host, port },
      advertise: { host, port },
      paths: { configDir: join(dir, 'conf'), runDir: join(dir, 'run') },
      dialogSecret: 'f00dF00Df00dF00Df00dF00Df00dF00D',
      privateMemoryMiB: 4,
      sharedMemoryMiB: 16,
      ...overrides,
    });
    try {
      await kamailio.write(state);
      await kamailio.launch();
    } catch (cause) {
      await kamailio.stop();
      throw cause;
    }
    return kamailio;
  }

  async write(state: EdgeState): Promise<void> {
    await mkdir(this.model.paths.runDir, { recursive: true });
    for (const [path, content] of edgeFiles(this.model, state)) {
      const file = join(this.model.paths.configDir, path);
      await mkdir(dirname(file), { recursive: true });
      await writeFile(file, content);
    }
  }

  async launch(): Promise<void> {
    const child = spawn('/usr/sbin/kamailio', kamailioArguments(this.model), {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#log += text;
    });
    const deadline = Date.now() + 10_000;
    while (true) {
      const answer = await this.rpc('core.uptime').catch((cause: unknown) => cause);
      if (typeof answer === 'string') return;
      if (child.exitCode !== null || Date.now() > deadline) {
        this.kill();
        throw new Error(`Kamailio did not start: ${this.#log}`, { cause: answer });
      }
    }
  }

  /** One RPC by kamcmd. @throws with kamcmd's words when Kamailio answers an error. */
  async rpc(...command: string[]): Promise<string> {
    const { stdout, stderr } = await run('kamcmd', ['-s', `unix:${controlSocket(this.model)}`, ...command]);
    if (stderr !== '' || stdout.startsWith('error:')) throw new Error(`${command.join(' ')}: ${stderr}${stdout}`);
    return stdout;
  }

  async counter(name: string): Promise<number> {
    const answer = await this.rpc('stats.fetch', `script.${name}`);
    const value = /:\s*([0-9]+)/.exec(answer)?.[1];
    if (value === undefined) throw new Error(`no counter ${name} in ${answer}`);
    return Number(value);
  }

  get log(): string {
    return this.#log;
  }

  /** SIGKILL to the whole process group, and waits for its end. */
  async crash(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    const ended = new Promise((resolve) => child.once('close', resolve));
    this.kill();
    await ended;
  }

  kill(): void {
    if (this.#process?.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, 'SIGKILL');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ESRCH') throw cause;
    }
    this.#process = undefined;
  }

  async stop(): Promise<void> {
    await this.crash();
    await rm(dirname(this.model.paths.configDir), { recursive: true, force: true });
  }
}

/** A port of this address that is free for UDP now. */
export async function freePort(host: string): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, host, resolve);
  });
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}
