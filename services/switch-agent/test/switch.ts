import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DEFAULTS,
  devSwitchConfig,
  freeswitchArguments,
  freeswitchFiles,
  type SwitchModel,
} from '@ringback/freeswitch-config-gen';
import { freePort } from '@ringback/service-kit/testing';

/** Where a real FreeSWITCH is installed (bin/freeswitch, mod); without it the dev switch stands in. */
const FREESWITCH = process.env['FREESWITCH'];
const DEV_SWITCH = fileURLToPath(new URL('../../../dev/switch/src/main.ts', import.meta.url));

export interface RunningSwitch {
  sip: { host: string; port: number };
  esl: { host: string; port: number };
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGSTOP: it stands still until `resume`. */
  pause(): void;
  resume(): void;
}

export interface SwitchOptions {
  folder: string;
  name: string;
  password: string;
  edge: string;
  promptsDir: string;
  cdrDir: string;
  gatewaysDir: string;
  /** 0: any. */
  ports: { esl: number; sip: number };
}

/** A switch as a process of its own, configured by the generator: what holds for the dev switch must hold for FreeSWITCH. */
export async function startSwitch(options: SwitchOptions): Promise<RunningSwitch> {
  const { name, password, edge, promptsDir, cdrDir, gatewaysDir } = options;
  const sip = { host: '127.0.0.1', port: options.ports.sip || (await freePort()) };
  const esl = { host: '127.0.0.1', port: options.ports.esl || (await freePort()) };
  mkdirSync(cdrDir, { recursive: true });
  const model: SwitchModel = {
    ...DEFAULTS,
    maxSessions: 100,
    name,
    sip,
    esl: { ...esl, password },
    rtp: { host: '127.0.0.1', from: 62_000, to: 62_400 },
    edges: [edge],
    soundsDir: promptsDir,
    cdrDir,
    gatewaysDir,
  };
  const child = FREESWITCH ? freeswitch(FREESWITCH, model, options.folder) : devSwitch(model, options.folder);
  await listening(child, esl.port);
  return {
    sip,
    esl,
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}

function devSwitch(model: SwitchModel, folder: string): ChildProcess {
  const path = join(folder, 'dev-switch.json');
  writeFileSync(path, JSON.stringify(devSwitchConfig(model)));
  return spawn(process.execPath, [DEV_SWITCH, path], { stdio: ['ignore', 'ignore', 'inherit'] });
}

function freeswitch(home: string, model: SwitchModel, folder: string): ChildProcess {
  const configDir = join(folder, 'freeswitch');
  const runDir = join(folder, 'freeswitch-run');
  for (const directory of [configDir, runDir]) mkdirSync(directory, { recursive: true });
  for (const [file, content] of freeswitchFiles(model)) writeFileSync(join(configDir, file), content);
  const args = [...freeswitchArguments(model, { configDir, runDir }), '-nonatmap', '-mod', join(home, 'mod')];
  return spawn(join(home, 'bin', 'freeswitch'), args, { stdio: 'ignore' });
}

/** The event socket is the last to come up. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('the switch did not start');
    const socket = connect(port, '127.0.0.1');
    const up = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (up) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
