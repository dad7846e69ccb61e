import { type FileHandle, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { type Box, SealError } from '@ringback/sealing';
import { ConfigError } from '@ringback/service-kit';
import { type JournalRecord, JournalState } from './records.ts';

const NAME = 'journal';
/** What sealed lines belong to. */
const CONTEXT = 'line';
/** Compacted when it has grown by this much and to a multiple of what it held after the last time. */
const COMPACT_BYTES = 8 << 20;
const COMPACT_FACTOR = 4;

export interface JournalOptions {
  directory: string;
  newRun: () => string;
  nowUs: () => number;
  /** The disk does not take what must not be lost: the process has to end. */
  failed: (error: Error) => void;
  /** One write with its flush, ms. */
  flushed?: (ms: number) => void;
  compactBytes?: number;
  /** Seals the lines: they hold telephone numbers. Lines that are not sealed are read all the same. */
  box?: Box | undefined;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/** The journal as the agent uses it. */
export type JournalPort = Pick<Journal, 'state' | 'append' | 'settled'>;

/**
 * The agent's memory: an append-only file of lines `<crc32> <JSON list of records>` (sealed: base64). What is appended while the disk is
 * busy is written and flushed together. A tail that was cut short is dropped; damage further in begins a new incarnation.
 */
export class Journal {
  readonly state: JournalState;
  readonly #options: JournalOptions;
  #file: FileHandle;
  #size: number;
  #compactedSize: number;
  #pending: string[] = [];
  #waiters: Waiter[] = [];
  #writing: Promise<void> | undefined;
  #error: Error | undefined;

  /**
   * Reads what is there, or begins a new incarnation.
   * @throws {ConfigError} naming EVENT_KEY when it was sealed with another key.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    await mkdir(options.directory, { recursive: true });
    const path = join(options.directory, NAME);
    await rm(`${path}.new`, { force: true });
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return Buffer.alloc(0);
    });
    const state = new JournalState();
    const { damaged } = readLines(bytes, options.box, (record) => state.apply(record));
    if (damaged && state.run !== '') renumber(state);
    if (damaged || state.run === '') state.run = options.newRun();
    state.forget(options.nowUs());
    const { file, size } = await writeSnapshot(options, state);
    return new Journal(options, state, file, size);
  }

  private constructor(options: JournalOptions, state: JournalState, file: FileHandle, size: number) {
    this.#options = options;
    this.state = state;
    this.#file = file;
    this.#size = size;
    this.#compactedSize = size;
  }

  /** Takes effect in `state` at once; resolves when it is on the disk. All of one call is kept, or nothing. */
  append(records: readonly JournalRecord[]): Promise<void> {
    if (this.#error) return Promise.reject(this.#error);
    for (const record of records) this.state.apply(record);
    this.#pending.push(toLine(records, this.#options.box));
    const written = new Promise<void>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    this.#writing ??= this.#write();
    return written;
  }

  /** Everything appended so far is on the disk. */
  async settled(): Promise<void> {
    await this.#writing;
    if (this.#error) throw this.#error;
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file.close();
  }

  async #write(): Promise<void> {
    try {
      // In the next turn, so that what comes in one turn is written together.
      await Promise.resolve();
      while (this.#pending.length > 0) {
        const text = this.#pending.join('');
        const waiters = this.#waiters;
        this.#pending = [];
        this.#waiters = [];
        const started = performance.now();
        const limit = Math.max(this.#options.compactBytes ?? COMPACT_BYTES, this.#compactedSize * COMPACT_FACTOR);
        try {
          if (this.#size > limit) await this.#compact();
          else await this.#flush(text);
        } catch (error) {
          for (const { reject } of waiters) reject(error as Error);
          throw error;
        }
        this.#options.flushed?.(performance.now() - started);
        for (const { resolve } of waiters) resolve();
      }
      this.#writing = undefined;
    } catch (error) {
      this.#error = error as Error;
      for (const { reject } of this.#waiters.splice(0)) reject(this.#error);
      this.#options.failed(this.#error);
    }
  }

  async #flush(text: string): Promise<void> {
    const data = Buffer.from(text, 'utf8');
    for (let from = 0; from < data.length; ) from += (await this.#file.write(data, from)).bytesWritten;
    await this.#file.datasync();
    this.#size += data.length;
  }

  /** The state already holds what is pending. */
  async #compact(): Promise<void> {
    this.state.forget(this.#options.nowUs());
    const old = this.#file;
    const { file, size } = await writeSnapshot(this.#options, this.state);
    this.#file = file;
    this.#size = size;
    this.#compactedSize = size;
    await old.close();
  }
}

function toLine(records: readonly JournalRecord[], box: Box | undefined): string {
  const plain = JSON.stringify(records);
  const text = box ? box.seal(Buffer.from(plain, 'utf8'), CONTEXT).toString('base64') : plain;
  return `${crc32(text).toString(16).padStart(8, '0')} ${text}\n`;
}

/** @throws {ConfigError} for a whole line that the key does not open. */
function readRecords(text: string, box: Box | undefined): JournalRecord[] {
  if (text.startsWith('[')) return JSON.parse(text) as JournalRecord[];
  if (!box) throw new ConfigError('EVENT_KEY', 'is not set, and the journal is sealed');
  try {
    return JSON.parse(box.open(Buffer.from(text, 'base64'), CONTEXT).toString('utf8')) as JournalRecord[];
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    throw new ConfigError('EVENT_KEY', 'is not the key that the journal was sealed with');
  }
}

/** `damaged`: something that is wrong is followed by something that is right. */
function readLines(bytes: Buffer, box: Box | undefined, apply: (record: JournalRecord) => void): { damaged: boolean } {
  let wrong = false;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0x0a, from);
    const line = end < 0 ? '' : bytes.toString('utf8', from, end);
    from = end < 0 ? bytes.length : end + 1;
    const text = line.slice(9);
    if (line.charAt(8) !== ' ' || Number.parseInt(line.slice(0, 8), 16) !== crc32(text)) {
      wrong = true;
      continue;
    }
    if (wrong) return { damaged: true };
    for (const record of readRecords(text, box)) apply(record);
  }
  return { damaged: false };
}

/** Numbers belong to an incarnation: what is held gets those of the new one, from 1. */
function renumber(state: JournalState): void {
  for (const book of state.shards.values()) {
    book.events = book.events.map(({ data }, index) => ({ seq: index + 1, data }));
    book.seq = book.events.length;
    book.confirmed = 0;
  }
}

async function writeSnapshot(
  { directory, box }: JournalOptions,
  state: JournalState,
): Promise<{ file: FileHandle; size: number }> {
  const path = join(directory, NAME);
  const file = await open(`${path}.new`, 'w', 0o600);
  // Synchronously: what is appended meanwhile comes after it.
  const data = Buffer.from([...state.snapshot()].map((record) => toLine([record], box)).join(''), 'utf8');
  for (let from = 0; from < data.length; ) from += (await file.write(data, from)).bytesWritten;
  await file.sync();
  await rename(`${path}.new`, path);
  const folder = await open(directory, 'r');
  await folder.sync();
  await folder.close();
  return { file, size: data.length };
}
