import type { Logger } from '@ringback/service-kit';
import type { CdrFiles } from '../ports.ts';
import { readCdr } from './cdr.ts';
import type { Reader } from './translate.ts';

export interface CdrFolderOptions {
  files: CdrFiles;
  log: Logger;
  nowMs: () => number;
  /** Takes it in; resolves to whether the file has served (true: removed). `ageMs`: since it was written. */
  take(legId: string, core: string, read: Reader, ageMs: number): Promise<boolean>;
}

/** A file that cannot be read is being written, unless it is old. */
const HALF_WRITTEN_MS = 60_000;

/** The CDR files the switch leaves: ends that were told while nobody listened. */
export class CdrFolder {
  readonly #options: CdrFolderOptions;
  #sweeping: Promise<void> | undefined;

  constructor(options: CdrFolderOptions) {
    this.#options = options;
  }

  /** Reads all there are. Never throws. */
  sweep(): Promise<void> {
    this.#sweeping ??= this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { files, log } = this.#options;
    try {
      for (const name of await files.names()) {
        if (name.endsWith('.cdr.json')) await this.#file(name);
      }
    } catch (error) {
      log.error({ err: error }, 'CDR files cannot be read');
    }
  }

  async #file(name: string): Promise<void> {
    const { files, log, nowMs, take } = this.#options;
    const { text, writtenMs } = await files.read(name);
    const ageMs = nowMs() - writtenMs;
    const cdr = readCdr(text);
    if (!cdr && ageMs < HALF_WRITTEN_MS) return;
    if (!cdr) log.warn('a CDR file was unreadable and is removed');
    if (!cdr || (await take(cdr.legId, cdr.core, cdr.read, ageMs))) await files.remove(name);
  }
}
