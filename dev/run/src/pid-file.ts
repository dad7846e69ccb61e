import { readJson, writeAtomically } from './files.ts';
import { bootId, clearProcesses, processesOf, sendSignal, startTime } from './proc.ts';

interface Entry {
  pid: number;
  /** Start time: a pid alone may be somebody else's by now. */
  started: string;
  directory?: string;
}

interface Content {
  boot: string;
  supervisor: Entry;
  processes: Record<string, Entry>;
}

/** Who runs on a run directory: so that the next supervisor finds what a killed one left behind. */
export class PidFile {
  readonly #path: string;
  /** The directory is ours: until then the file is somebody else's. */
  #mine = false;
  #writes: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Ends what an earlier supervisor left.
   * @throws Error when a supervisor is alive on this directory.
   */
  async takeOver(say: (line: string) => void): Promise<void> {
    const left = await readJson<Content>(this.#path);
    if (left) await this.#clear(left, say);
    this.#mine = true;
    await this.write({});
  }

  async #clear(left: Content, say: (line: string) => void): Promise<void> {
    const sameBoot = left.boot === bootId();
    const { pid, started } = left.supervisor;
    if (sameBoot && pid !== process.pid && startTime(pid) === started) {
      throw new Error(`RUN_DIR: process ${pid} runs the platform on this directory already`);
    }
    for (const [name, entry] of Object.entries(left.processes)) {
      const leads = sameBoot && startTime(entry.pid) === entry.started;
      // A group whose leader has gone keeps its id taken: another process with that id is a later one, and not ours.
      const taken = startTime(entry.pid) !== undefined && !leads;
      const group = sameBoot && !taken ? entry.pid : 0;
      if (processesOf(group, entry.directory).length === 0) continue;
      say(`ending ${name} (${entry.pid}), left by an earlier run`);
      if (leads) sendSignal(-entry.pid, 'SIGKILL');
      await clearProcesses(group, entry.directory);
    }
  }

  /** Nothing is written before `takeOver`. */
  write(processes: Record<string, { pid: number; directory?: string }>): Promise<void> {
    if (!this.#mine) return Promise.resolve();
    const entries = Object.entries(processes).flatMap(([name, { pid, directory }]): [string, Entry][] => {
      const started = startTime(pid);
      return started === undefined ? [] : [[name, { pid, started, ...(directory ? { directory } : {}) }]];
    });
    const content: Content = {
      boot: bootId(),
      supervisor: { pid: process.pid, started: startTime(process.pid)! },
      processes: Object.fromEntries(entries),
    };
    this.#writes = this.#writes.then(() => writeAtomically(this.#path, JSON.stringify(content, null, 2)));
    return this.#writes;
  }
}
