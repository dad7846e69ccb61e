import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from '@ringback/service-kit';

/** Backends of this database that wait for a lock, as soon as there is one. */
export async function someBackendWaits(pool: Pool): Promise<number[]> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; await pause(5)) {
    const { rows } = await pool.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()",
    );
    if (rows.length > 0) return rows.map(({ pid }) => pid);
  }
  throw new Error('no backend waits for a lock');
}
