/** Durable sessions: a pure step, one commit, effects owed until their outcome is committed. See docs/architecture.md. */
export { applyStep } from './decide.ts';
export { type Committed, Loop, type LoopOptions, type Observer } from './loop.ts';
export type {
  Address,
  Decision,
  HistoryEntry,
  Live,
  Machine,
  NewEffect,
  Owed,
  StepContext,
  Trigger,
} from './machine.ts';
export type {
  Batch,
  Clock,
  CommitResult,
  Lease,
  Outcome,
  Parked,
  Performer,
  Row,
  Source,
  Sourced,
  Store,
} from './ports.ts';
export { DURABLE_MIGRATIONS, PostgresStore } from './postgres-store.ts';
export type { Step } from './work.ts';
export { decodeLive, encodeLive } from './row-text.ts';
