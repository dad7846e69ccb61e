import { dialer } from '@ringback/contracts';
import { type PrefixSet, prefixSet } from '@ringback/numbering';
import { say } from '@ringback/prompts';
import type { Logger, Pool } from '@ringback/service-kit';
import { type Directory, trunksFor } from '../domain/directory.ts';

const POLL_MS = 1_000;

interface Snapshot {
  revision: bigint;
  accessNumbers: Map<string, dialer.AccessNumber>;
  trunks: Map<string, dialer.Trunk>;
  denied: { prefix: string; note: string }[];
  deniedSet: PrefixSet;
}

/**
 * Access numbers, trunks and denied ranges: in PostgreSQL, with a copy in memory that follows the table's revision. Polled,
 * so that a lost notification can never leave a process with an old view.
 */
export class RoutingStore {
  readonly #pool: Pool;
  readonly #log: Logger;
  readonly #pickSwitch: () => string | undefined;
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  #snapshot: Snapshot | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(pool: Pool, log: Logger, pickSwitch: () => string | undefined) {
    this.#pool = pool;
    this.#log = log;
    this.#pickSwitch = pickSwitch;
  }

  async start(): Promise<void> {
    await this.refresh();
    const poll = (): void => {
      if (this.#stopped) return;
      this.#timer = setTimeout(() => {
        this.refresh()
          .catch((error: Error) =>
            this.#log.warn({ err: error.message }, 'routing could not be read; the last view stands'),
          )
          .finally(poll);
      }, POLL_MS);
    };
    poll();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  /** Calls back with the present view, and with every later one; answers a function that ends it. */
  watch(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    listener(this.snapshot);
    return () => this.#listeners.delete(listener);
  }

  get snapshot(): Snapshot {
    if (!this.#snapshot) throw new Error('routing was not loaded');
    return this.#snapshot;
  }

  directory(): Directory {
    const { accessNumbers, trunks, deniedSet } = this.snapshot;
    return {
      accessNumber: (e164) => accessNumbers.get(e164),
      trunk: (id) => trunks.get(id),
      trunksFor: (e164) => trunksFor(trunks.values(), e164),
      denied: (e164) => deniedSet.has(e164),
      own: (e164) => accessNumbers.has(e164),
      warningPrompt: (language) => say(language, { id: 'warning_one_minute' })[0] ?? '',
      pickSwitch: this.#pickSwitch,
    };
  }

  async refresh(): Promise<void> {
    const { rows } = await this.#pool.query<{ revision: bigint }>('SELECT revision FROM dialer.routing_revision');
    const revision = rows[0]?.revision ?? 0n;
    if (revision === this.#snapshot?.revision) return;
    const [numbers, trunks, denied] = await Promise.all([
      this.#pool.query<{ body: unknown }>('SELECT body FROM dialer.access_number ORDER BY number'),
      this.#pool.query<{ body: unknown }>('SELECT body FROM dialer.trunk ORDER BY id'),
      this.#pool.query<{ prefix: string; note: string }>(
        'SELECT prefix, note FROM dialer.denied_range ORDER BY prefix',
      ),
    ]);
    this.#snapshot = {
      revision,
      accessNumbers: new Map(
        numbers.rows.map(({ body }) => dialer.AccessNumber.fromJSON(body)).map((each) => [each.number, each]),
      ),
      trunks: new Map(trunks.rows.map(({ body }) => dialer.Trunk.fromJSON(body)).map((each) => [each.id, each])),
      denied: denied.rows,
      deniedSet: prefixSet(denied.rows.map(({ prefix }) => prefix)),
    };
    for (const listener of this.#listeners) listener(this.#snapshot);
  }

  async putAccessNumber(number: dialer.AccessNumber): Promise<void> {
    await this.#pool.query(
      'INSERT INTO dialer.access_number (number, body) VALUES ($1, $2) ON CONFLICT (number) DO UPDATE SET body = excluded.body',
      [number.number, JSON.stringify(dialer.AccessNumber.toJSON(number))],
    );
    await this.refresh();
  }

  async putTrunk(trunk: dialer.Trunk): Promise<void> {
    await this.#pool.query(
      'INSERT INTO dialer.trunk (id, body) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET body = excluded.body',
      [trunk.id, JSON.stringify(dialer.Trunk.toJSON(trunk))],
    );
    await this.refresh();
  }

  async putDenied(prefix: string, note: string): Promise<void> {
    await this.#pool.query(
      'INSERT INTO dialer.denied_range (prefix, note) VALUES ($1, $2) ON CONFLICT (prefix) DO UPDATE SET note = excluded.note',
      [prefix, note],
    );
    await this.refresh();
  }

  /** Answers whether there was such a row. */
  async delete(kind: 'access_number' | 'trunk' | 'denied_range', id: string): Promise<boolean> {
    const column = { access_number: 'number', trunk: 'id', denied_range: 'prefix' }[kind];
    const { rowCount } = await this.#pool.query(`DELETE FROM dialer.${kind} WHERE ${column} = $1`, [id]);
    await this.refresh();
    return (rowCount ?? 0) > 0;
  }
}
