import { dialer } from '@ringback/contracts';
import type { Pool } from '@ringback/service-kit';

export interface Holder {
  edgeId: string;
  states: dialer.RegistrationState[];
}

/** Which edge registers at carriers: a lease in PostgreSQL, by its clock alone. */
export class RegistrarLease {
  readonly #pool: Pool;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Takes the lease, or keeps it, for so long, unless another edge holds it; answers whether it is held. */
  async hold(edgeId: string, ttlMs: number, states: readonly dialer.RegistrationState[]): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `INSERT INTO dialer.registrar AS held (edge_id, held_until, states)
       VALUES ($1, clock_timestamp() + make_interval(secs => $2::float8 / 1000), $3)
       ON CONFLICT (one) DO UPDATE
         SET edge_id = excluded.edge_id, held_until = excluded.held_until, states = excluded.states
         WHERE held.edge_id = excluded.edge_id OR held.held_until < clock_timestamp()`,
      [edgeId, ttlMs, JSON.stringify(states.map((state) => dialer.RegistrationState.toJSON(state)))],
    );
    return rowCount === 1;
  }

  /** Gives it back, if it is that edge's. */
  async release(edgeId: string): Promise<void> {
    await this.#pool.query('DELETE FROM dialer.registrar WHERE edge_id = $1', [edgeId]);
  }

  /** Who holds it at this moment. */
  async holder(): Promise<Holder | undefined> {
    const { rows } = await this.#pool.query<{ edge_id: string; states: unknown[] }>(
      'SELECT edge_id, states FROM dialer.registrar WHERE held_until > clock_timestamp()',
    );
    const [row] = rows;
    return row && { edgeId: row.edge_id, states: row.states.map((state) => dialer.RegistrationState.fromJSON(state)) };
  }
}
