/** Something the product promises, taken out of it: by rewriting one place of its source as it is loaded. */
export interface Defect {
  /** What is taken away, in words. */
  readonly is: string;
  /** From the root of the repository. */
  readonly file: string;
  /** Must stand in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

/** What `make defects` looks for in the simulation, and `make mutants` in the tests: one that finds none shows nothing when it finds nothing. */
export const DEFECTS = {
  epoch_check: {
    is: 'an agent takes commands of an owner that lost its shard',
    file: 'services/switch-agent/src/agent.ts',
    find: 'if (epoch < seen) return',
    replace: 'if (false as boolean) return',
  },
  journal: {
    is: 'an agent accepts a command before it is in the journal',
    file: 'services/switch-agent/src/agent.ts',
    find: 'await journal.append(records);',
    replace: 'void journal.append(records);',
  },
  start_by: {
    is: 'an agent begins calls that should have begun long ago',
    file: 'services/switch-agent/src/agent.ts',
    find: 'if (startByUs > 0n && Number(startByUs) < nowUs())',
    replace: 'if (false as boolean)',
  },
  idempotency_key: {
    is: 'billing answers a repeated request anew',
    file: 'services/billing/src/domain/decide.ts',
    find: 'const stored = books.answers.get(requestId);',
    replace: 'const stored = books.answers.get(`${requestId}?`);',
  },
  cursor: {
    is: 'a batch is committed without how far it has read',
    file: 'packages/durable/src/work.ts',
    find: 'return { owner, leases: [...this.leases.values()], rows',
    replace: 'return { owner, leases: [...this.leases.keys()].map((shard) => this.#memory.leases.get(shard)!), rows',
  },
  fence: {
    is: 'the database takes commits of an owner that lost its shard',
    file: 'sim/src/store.ts',
    find: "return { is: 'stale' };",
    replace: 'break;',
  },
  effect_first: {
    is: 'effects are performed before their step is committed',
    file: 'packages/durable/src/loop.ts',
    find: 'const result = await this.#o.store.commit(work.batch(this.#o.owner));\n    switch',
    replace:
      'this.#apply(work);\n    const result = await this.#o.store.commit(work.batch(this.#o.owner));\n    switch',
  },
  takeover: {
    is: 'a new owner does not take up what is owed and timed',
    file: 'packages/durable/src/loop.ts',
    find: 'for (const live of this.#memory.sessions.values())\n          this.#performing.sync',
    replace: 'for (const live of [] as Live<S, X>[])\n          this.#performing.sync',
  },
  gap: {
    is: 'a gap in the events of a switch is jumped over',
    file: 'packages/durable/src/work.ts',
    find: 'if (sourced.seq > last + 1) {',
    replace: 'if (false as boolean) {',
  },
  repetition: {
    is: 'an event that comes again is applied again',
    file: 'packages/durable/src/work.ts',
    find: 'if (sourced.seq <= last) {',
    replace: 'if (false as boolean) {',
  },
  unknown_commit: {
    is: 'a commit whose outcome is unknown is taken for done',
    file: 'packages/durable/src/loop.ts',
    find: "case 'ok':\n        this.#apply(work);",
    replace: "case 'unknown':\n      case 'ok':\n        this.#apply(work);",
  },
  cut_off: {
    is: 'B may talk a minute longer than is paid for',
    file: 'services/dialer/src/domain/leg-b.ts',
    find: 'cutoffSeconds: Math.floor(destination.maxUs / SECOND),',
    replace: 'cutoffSeconds: Math.floor(destination.maxUs / SECOND) + 60,',
  },
} as const satisfies Record<string, Defect>;

export type DefectName = keyof typeof DEFECTS;

/**
 * The source of its file with the defect in it.
 * @throws Error when its place is no longer there, once.
 */
export function withDefect(source: string, { file, find, replace }: Defect): string {
  if (source.split(find).length !== 2) throw new Error(`its place is not once in ${file}: ${find}`);
  return source.replace(find, () => replace);
}
