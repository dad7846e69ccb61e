import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type EdgeTables, tableFiles } from '@ringback/kamailio-config-gen';
import type { Routing, SwitchRecord } from './desired.ts';

/** The last known state, for a time without dialer and NATS. */
export interface Saved {
  readonly routing: Routing | undefined;
  readonly switches: readonly SwitchRecord[];
}

const VERSION = 1;

export class StateStore {
  readonly #file: string;
  #written = '';

  constructor(stateDir: string) {
    this.#file = join(stateDir, 'edge-state.json');
  }

  /** @throws Error when the file is there but is not ours: better to stop than to forget all numbers. */
  async load(): Promise<Saved> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { routing: undefined, switches: [] };
      throw error;
    }
    const saved = JSON.parse(text) as { version?: number } & Saved;
    if (saved.version !== VERSION) throw new Error(`${this.#file}: version ${saved.version}, not ${VERSION}`);
    return { routing: saved.routing, switches: saved.switches };
  }

  async save(saved: Saved): Promise<void> {
    const text = `${JSON.stringify({ version: VERSION, ...saved })}\n`;
    if (text === this.#written) return;
    await writeDurably(this.#file, text);
    this.#written = text;
  }
}

/** Files a restarted Kamailio comes up with; only those that changed are written. */
export class TableFiles {
  readonly #configDir: string;
  readonly #written = new Map<string, string>();

  constructor(configDir: string) {
    this.#configDir = configDir;
  }

  async write(tables: EdgeTables): Promise<void> {
    for (const [path, content] of tableFiles(tables)) {
      if (this.#written.get(path) === content) continue;
      await writeDurably(join(this.#configDir, path), content);
      this.#written.set(path, content);
    }
  }
}

/** Old content or new content, whatever dies when. */
async function writeDurably(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(`${path}.new`, 'w', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.new`, path);
}
