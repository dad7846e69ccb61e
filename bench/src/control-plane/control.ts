import { connect, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { Times } from '../support/latencies.ts';
import type { Behaviour, Caller } from './scripted-switch.ts';

/** One load that a scripted switch is to offer. */
export interface Load {
  callers: readonly Caller[];
  callbacks: number;
  perSecond: number;
  behaviour: Behaviour;
}

export interface Progress {
  triggered: number;
  completed: number;
  /** Leg A ended before B was up. */
  broken: number;
  /** Since the last time somebody asked. */
  latencies: Times;
}

/** Beside the directory of the switch's CDR files, whose path is in its configuration. */
export const controlSocket = (cdrDir: string): string => join(dirname(cdrDir), 'control.sock');

/** Serves requests: a line of JSON in (a load to begin, or `null`), a line of JSON out: the progress. */
export function serveLoads(path: string, begin: (load: Load) => void, progress: () => Progress): void {
  const server = createServer((socket) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (!text.endsWith('\n')) return;
      const load = JSON.parse(text) as Load | null;
      if (load) begin(load);
      socket.end(`${JSON.stringify(progress())}\n`);
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen(path);
}

/** Begins a load, or asks how it goes. @throws Error when the switch goes away. */
export function ask(path: string, load: Load | null): Promise<Progress> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(path, () => socket.write(`${JSON.stringify(load)}\n`));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () =>
      text.endsWith('\n') ? resolve(JSON.parse(text) as Progress) : reject(new Error('the scripted switch went away')),
    );
  });
}
