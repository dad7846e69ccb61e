import { histogram, inSession, type Logger, nowUs, type Pool, transaction } from '@ringback/service-kit';
import { decide, type Decision, type Question, type Response, type ResponseOf } from '../domain/decide.ts';
import { DeckNotLoaded, type Environment, type PinnedDeck, Refused } from '../domain/model.ts';
import type { DeckCache } from './deck-cache.ts';
import { LoadAgain, loadBooks } from './load-books.ts';
import { writeChanges } from './write-changes.ts';

export interface TellerOptions {
  pool: Pool;
  log: Logger;
  decks: DeckCache;
  policy: Pick<Environment, 'inboundDeck' | 'loss' | 'expirySlackUs' | 'newId' | 'voucherAttempts'>;
  /** Questions of one transaction. */
  maxBatch: number;
}

interface Waiting {
  readonly question: Question;
  resolve(response: Response): void;
  reject(error: unknown): void;
}

/** Another version of a deck was imported, or one is wanted that is not in memory. */
class WantsDeck extends Error {
  readonly pinned: PinnedDeck | undefined;

  constructor(pinned?: PinnedDeck) {
    super('a deck has to be loaded first');
    this.pinned = pinned;
  }
}

const MOST_ATTEMPTS = 10;

/**
 * Answers questions about money in batches: whatever waits is one transaction, which locks, decides and writes. Under load
 * batches grow by themselves; idle they are of one and wait for nothing. An answer is given only after COMMIT.
 */
export class Teller {
  readonly #options: TellerOptions;
  #waiting: Waiting[] = [];
  #work: Promise<void> | undefined;
  readonly #batchSize = histogram('ringback.billing.batch.size');
  readonly #batchTime = histogram('ringback.billing.batch.duration');

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /**
   * @throws {Refused} when the question cannot be answered, or (UNAVAILABLE) whether it was is not known: ask again.
   */
  ask<Q extends Question>(question: Q): Promise<ResponseOf<Q>> {
    return new Promise<ResponseOf<Q>>((resolve, reject) => {
      // What is decided of a question is of its kind.
      this.#waiting.push({ question, resolve: (response) => resolve(response as ResponseOf<Q>), reject });
      // A batch is nobody's alone: what is logged of it belongs to no session.
      this.#work ??= inSession('', '', () => this.#drain());
    });
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async #drain(): Promise<void> {
    // What arrives in the same turn of the event loop travels together.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, this.#options.maxBatch);
      this.#waiting = this.#waiting.slice(batch.length);
      await this.#answer(batch);
    }
    this.#work = undefined;
  }

  async #answer(batch: readonly Waiting[]): Promise<void> {
    const started = performance.now();
    try {
      const answers = await this.#decided(batch.map(({ question }) => question));
      for (const [index, answer] of answers.entries()) {
        if (answer instanceof Refused) batch[index]!.reject(answer);
        else batch[index]!.resolve(answer.response);
      }
      this.#batchSize.record(batch.length);
      this.#batchTime.record((performance.now() - started) / 1000);
    } catch (error) {
      if (isOfData(error) && batch.length > 1) {
        const half = Math.ceil(batch.length / 2);
        await this.#answer(batch.slice(0, half));
        await this.#answer(batch.slice(half));
        return;
      }
      this.#options.log.error({ ...describe(error), questions: batch.length }, 'a batch failed');
      const refused = isOfData(error)
        ? new Refused('INTERNAL', '', 'the database refuses what was decided')
        : new Refused('UNAVAILABLE', '', 'the database is away: ask again');
      for (const { reject } of batch) reject(refused);
    }
  }

  /** The batch in one transaction; again when something has to be loaded first or another process got in its way. */
  async #decided(questions: readonly Question[]): Promise<readonly (Decision | Refused)[]> {
    const { pool, decks, log } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await transaction(pool, async (client) => {
          const { books, revision, seenHolds } = await loadBooks(client, questions);
          if (revision !== decks.revision) throw new WantsDeck();
          const now = nowUs();
          const env: Environment = { ...this.#options.policy, tariffs: decks, nowUs: now };
          const answers = questions.map((question): Decision | Refused => {
            try {
              const decision = decide(books, question, env);
              books.keep(decision);
              return decision;
            } catch (error) {
              if (error instanceof Refused) return error;
              if (error instanceof DeckNotLoaded) throw new WantsDeck(error.pinned);
              // An error of ours: that question is refused, the others of the batch are answered.
              log.error({ ...describe(error), question: question.kind }, 'a question could not be decided');
              return new Refused('INTERNAL', '', 'internal error');
            }
          });
          const decisions = answers.filter((answer): answer is Decision => !(answer instanceof Refused));
          await writeChanges(client, decisions, seenHolds, now);
          return answers;
        });
      } catch (error) {
        if (attempt >= MOST_ATTEMPTS) throw error;
        if (error instanceof WantsDeck) await (error.pinned ? decks.load(error.pinned) : decks.refresh(nowUs()));
        else if (!(error instanceof LoadAgain) && !isOfOthers(error)) throw error;
      }
    }
  }
}

const sqlState = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** For the log: an error of PostgreSQL without its texts, which quote rows (numbers of telephones). */
const describe = (error: unknown): object =>
  /^[0-9A-Z]{5}$/.test(sqlState(error))
    ? { sqlstate: sqlState(error), ...pick(error as Record<string, unknown>) }
    : { err: error };
const pick = ({ table, constraint, routine }: Record<string, unknown>): object => ({ table, constraint, routine });

/** Another process was at the same rows: 40 (serialization, deadlock), 23505 (wrote the same key first). */
const isOfOthers = (error: unknown): boolean => /^(40...|23505)$/.test(sqlState(error));

/** The batch holds something that cannot be written (22 data, 23 integrity). */
const isOfData = (error: unknown): boolean => /^(22|23)/.test(sqlState(error));
