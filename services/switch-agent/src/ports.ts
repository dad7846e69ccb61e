import { access, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { EslClient, EslClientOptions } from '@ringback/esl';

/** Time as the agent waits for it. Both answer how to call it off. */
export interface Timers {
  after(ms: number, work: () => void): () => void;
  every(ms: number, work: () => void): () => void;
}

/** The process's own timers. */
export const processTimers: Timers = {
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
  every(ms, work) {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
};

/** The event socket as the agent uses it. */
export type EslPort = Pick<EslClient, 'api' | 'ask' | 'bgapi' | 'execute' | 'start' | 'close' | 'reconnect'>;
export type OpenEsl = (options: Pick<EslClientOptions, 'events' | 'onEvent' | 'onUp' | 'onDown'>) => EslPort;

/** Files that the switch leaves for us. */
export interface CdrFiles {
  names(): Promise<string[]>;
  read(name: string): Promise<{ text: string; writtenMs: number }>;
  remove(name: string): Promise<void>;
}

export function cdrFilesIn(directory: string): CdrFiles {
  return {
    async names() {
      if (directory === '') return [];
      return readdir(directory).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return [];
        throw error;
      });
    },
    async read(name) {
      const path = join(directory, name);
      const { mtimeMs } = await stat(path);
      return { text: await readFile(path, 'utf8'), writtenMs: mtimeMs };
    },
    remove: (name) => rm(join(directory, name), { force: true }),
  };
}

export const fileExists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
