import type { sw } from '@ringback/contracts';
import type { Logger } from '@ringback/service-kit';
import type { Pacer } from '../core/pace.ts';
import type { LegBook } from '../legs.ts';
import type { Gateways } from '../switch/gateways.ts';
import type { Esl } from '../switch/traced-esl.ts';
import type { InputDesk } from './input.ts';

/** What performing commands needs of the world. */
export interface Context {
  esl: Esl;
  legs: LegBook;
  input: InputDesk;
  pacer: Pacer;
  log: Logger;
  profile: string;
  promptsDir: string;
  /** host:port of the edge whose turn it is; empty: none. */
  nextEdge: () => string;
  gateways: Gateways;
  /** Now by the switch's clock, epoch µs. */
  switchNow: () => number;
  /** Now by ours. */
  nowUs: () => number;
  /** Waits for a task that the switch is about to tell of. */
  taskAdded: (legId: string, runtime: number) => Promise<string | undefined>;
  /** Waits for the end of a leg that the switch does not know any more; if none is told, it is lost. */
  endOf: (legId: string) => Promise<void>;
  /** A hang-up that came before the channel: done as soon as there is one. */
  killLater: (legId: string, cause: string) => void;
  /** Commands that were never sent: not begun, whatever else. */
  unsent: Set<string>;
}

export type CommandOf<K extends NonNullable<sw.Command['body']>['$case']> = sw.Command & {
  body: Extract<NonNullable<sw.Command['body']>, { $case: K }>;
};
