import type { EventBus } from './events/bus.ts';

interface Task {
  id: number;
  desc: string;
  group: string;
  /** Epoch seconds. */
  runtime: number;
  run: () => void;
  /** Deleted: gone for everybody but DEL_SCHEDULE, which the next look tells. */
  deleted: boolean;
}

/**
 * FreeSWITCH's task scheduler: run times in whole epoch seconds (`+N` counts from the second now running), looked at
 * every 500 ms. A `+N` therefore fires between N − 1 and N + 0.5 s (recordings s11*, s16).
 */
export class Scheduler {
  readonly #bus: EventBus;
  readonly #tasks = new Map<number, Task>();
  #lastId = 0;
  readonly #poll: NodeJS.Timeout;

  constructor(bus: EventBus) {
    this.#bus = bus;
    this.#poll = setInterval(() => this.#look(), 500);
    this.#poll.unref();
  }

  #now(): number {
    return Math.floor(this.#bus.now() / 1_000_000);
  }

  /** `when`: seconds from now as `+N`, or an epoch second. Returns the task id. */
  add(when: string, desc: string, group: string, run: () => void): number {
    const seconds = Number.parseInt(when.replace(/^\+/, ''), 10) || 0;
    const runtime = when.startsWith('+') ? this.#now() + seconds : seconds;
    this.#lastId += 1;
    const task: Task = { id: this.#lastId, desc, group, runtime, run, deleted: false };
    this.#tasks.set(task.id, task);
    this.#publish('ADD_SCHEDULE', task);
    return task.id;
  }

  /** Deletes by task id (all digits) or by group; returns how many went. */
  delete(idOrGroup: string): number {
    const byId = /^\d+$/.test(idOrGroup);
    return this.#deleteWhere((task) => (byId ? task.id === Number(idOrGroup) : task.group === idOrGroup));
  }

  /** A session that ends takes its tasks along. */
  deleteGroup(group: string): void {
    this.#deleteWhere((task) => task.group === group);
  }

  list(): readonly Task[] {
    return [...this.#tasks.values()].filter((task) => !task.deleted);
  }

  #deleteWhere(hit: (task: Task) => boolean): number {
    // A task deleted twice counts twice until the next look has removed it, as in FreeSWITCH.
    const hits = [...this.#tasks.values()].filter(hit);
    for (const task of hits) task.deleted = true;
    return hits.length;
  }

  close(): void {
    clearInterval(this.#poll);
    this.#tasks.clear();
  }

  #look(): void {
    const now = this.#now();
    for (const task of Array.from(this.#tasks.values())) {
      if (!task.deleted && task.runtime > now) continue;
      this.#tasks.delete(task.id);
      if (!task.deleted) task.run();
      this.#publish('DEL_SCHEDULE', task);
    }
  }

  #publish(name: string, task: Task): void {
    this.#bus.publish(name, [
      ['Task-ID', String(task.id)],
      ['Task-Desc', task.desc],
      ['Task-Group', task.group],
      ['Task-Runtime', String(task.runtime)],
    ]);
  }
}
