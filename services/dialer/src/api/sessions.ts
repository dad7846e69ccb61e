import { dialer } from '@ringback/contracts';
import { decodeLive, type Live, type Machine } from '@ringback/durable';
import { GrpcError, type Pool } from '@ringback/service-kit';
import type { SessionEvent } from '../domain/events.ts';
import type { Effect, Session } from '../domain/model.ts';
import type { SessionRequests } from './session-requests.ts';
import { viewHistory, viewSession } from './session-view.ts';

/** How long EndAllSessions waits for the last settlement. */
const END_ALL_MS = 7_000;
const LOOK_AGAIN_MS = 50;

interface Row {
  id: string;
  shard: number;
  key: string;
  version: number;
  body: string;
  created_at_us: bigint;
  closed_at_us: bigint | null;
}

const COLUMNS = 'id, shard, key, version, body, created_at_us, closed_at_us';

export function sessionHandlers(
  requests: SessionRequests,
  pool: Pool,
  machine: Machine<Session, SessionEvent, Effect>,
) {
  const read = (row: Row): { live: Live<Session, Effect>; closedAtUs: number | null } => ({
    live: decodeLive(machine, { ...row, createdAtUs: Number(row.created_at_us) }),
    closedAtUs: row.closed_at_us === null ? null : Number(row.closed_at_us),
  });

  /** Ids of open sessions, of any dialer: of all, or of those among `ids`. */
  const openAmong = async (ids?: string[]): Promise<string[]> => {
    const { rows } = await pool.query<{ id: string }>(
      `SELECT id FROM dialer.session WHERE closed_at_us IS NULL AND ($1::text[] IS NULL OR id = ANY($1))`,
      [ids ?? null],
    );
    return rows.map(({ id }) => id);
  };

  return {
    async listSessions(request: dialer.ListSessionsRequest): Promise<dialer.ListSessionsResponse> {
      const size = Math.min(request.pageSize || 100, 1_000);
      const [beforeUs, beforeId] = pageToken(request.pageToken);
      const { rows } = await pool.query<Row>(
        `SELECT ${COLUMNS} FROM dialer.session
         WHERE ($1 OR closed_at_us IS NULL) AND ($2 = '' OR key = $2)
           AND ($3::int8 IS NULL OR (created_at_us, id) < ($3, $4))
         ORDER BY created_at_us DESC, id DESC LIMIT $5`,
        [request.all, request.callerId, beforeUs, beforeId, size],
      );
      const sessions = rows.map(read).map(({ live, closedAtUs }) => viewSession(live, live.state, closedAtUs));
      const last = sessions.at(-1);
      return { sessions, nextPageToken: last && sessions.length === size ? `${last.createdAtUs} ${last.id}` : '' };
    },

    async getSession({ id }: dialer.GetSessionRequest): Promise<dialer.GetSessionResponse> {
      const { rows } = await pool.query<Row>(`SELECT ${COLUMNS} FROM dialer.session WHERE id = $1`, [
        required('id', id),
      ]);
      const [row] = rows;
      if (!row) throw GrpcError.notFound('id', 'no such session');
      const { live, closedAtUs } = read(row);
      return { session: viewSession(live, live.state, closedAtUs), history: viewHistory(live.history) };
    },

    async endSession({ id }: dialer.EndSessionRequest): Promise<dialer.EndSessionResponse> {
      const open = await openAmong([required('id', id)]);
      if (open.length === 0) throw GrpcError.notFound('id', 'no open session');
      await requests.end(id);
      return {};
    },

    async endAllSessions(): Promise<dialer.EndAllSessionsResponse> {
      const until = performance.now() + END_ALL_MS;
      const ids = await openAmong();
      await Promise.allSettled(ids.map((id) => requests.end(id)));
      for (;;) {
        const open = (await openAmong(ids)).length;
        if (open === 0 || performance.now() > until) return { ended: ids.length - open, stillOpen: open };
        await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      }
    },
  };
}

export function parkedEventHandlers(pool: Pool) {
  return {
    async listParkedEvents({ pageSize }: dialer.ListParkedEventsRequest): Promise<dialer.ListParkedEventsResponse> {
      const { rows } = await pool.query(
        `SELECT id, at_us, shard, source, kind, session_id, error FROM dialer.parked ORDER BY at_us DESC LIMIT $1`,
        [Math.min(pageSize || 100, 1_000)],
      );
      return { events: rows.map(({ at_us, session_id, ...row }) => ({ ...row, atUs: at_us, sessionId: session_id })) };
    },

    async deleteParkedEvent({ id }: dialer.DeleteParkedEventRequest): Promise<dialer.DeleteParkedEventResponse> {
      if (!/^[0-9a-f-]{36}$/i.test(id)) throw GrpcError.invalidArgument('id', 'wants a UUID');
      const { rowCount } = await pool.query('DELETE FROM dialer.parked WHERE id = $1', [id]);
      if (!rowCount) throw GrpcError.notFound('id', 'no such parked event');
      return {};
    },
  };
}

function required(field: string, value: string): string {
  if (value === '') throw GrpcError.invalidArgument(field, 'is missing');
  return value;
}

/** Sessions of one commit began at the same microsecond: their ids tell them apart. */
function pageToken(token: string): [beforeUs: string | null, beforeId: string] {
  if (token === '') return [null, ''];
  const [, us, id] = /^(\d{1,18}) ([\w-]{1,60})$/.exec(token) ?? [];
  if (us === undefined || id === undefined) {
    throw GrpcError.invalidArgument('page_token', 'is not one that this service gave');
  }
  return [us, id];
}
