import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { DEFAULTS, freeswitchArguments, freeswitchFiles } from '@ringback/freeswitch-config-gen';
import { freePort } from '@ringback/service-kit/testing';

export interface RunningSwitch {
  sip: { host: string; port: number };
  esl: { host: string; port: number };
  /** SIGKILL. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}

export interface FreeswitchOptions {
  /** Where FreeSWITCH is installed: bin/freeswitch, mod. */
  home: string;
  folder: string;
  name: string;
  password: string;
  edge: string;
  promptsDir: string;
  cdrDir: string;
  ports: { esl: number; sip: number };
}

/** A real FreeSWITCH, configured by the generator: the same tests must hold for it as for the dev switch. */
export async function startFreeswitch(options: FreeswitchOptions): Promise<RunningSwitch> {
  const { home, folder, name, password, edge, promptsDir, cdrDir } = options;
  const sip = { host: '127.0.0.1', port: options.ports.sip || (await freePort()) };
  const esl = { host: '127.0.0.1', port: options.ports.esl || (await freePort()) };
  const configDir = join(folder, 'freeswitch');
  const runDir = join(folder, 'freeswitch-run');
  for (const directory of [configDir, runDir, cdrDir]) mkdirSync(directory, { recursive: true });
  const model = {
    ...DEFAULTS,
    maxSessions: 100,
    name,
    sip,
    esl: { ...esl, password },
    rtp: { host: '127.0.0.1', from: 62_000, to: 62_400 },
    edges: [edge],
    soundsDir: promptsDir,
    cdrDir,
  };
  for (const [file, content] of freeswitchFiles(model)) writeFileSync(join(configDir, file), content);
  const args = [...freeswitchArguments(model, { configDir, runDir }), '-nonatmap', '-mod', join(home, 'mod')];
  const child = spawn(join(home, 'bin', 'freeswitch'), args, { stdio: 'ignore' });
  await listening(child, esl.port);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  return { sip, esl, kill: () => end('SIGKILL'), stop: () => end('SIGKILL') };
}

/** The event socket is the last to come up. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (;;) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('FreeSWITCH did not start');
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
