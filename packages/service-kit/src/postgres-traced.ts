import type { Pool, PoolClient } from 'pg';
import type { AttributeValue } from './telemetry/conventions.ts';
import { isTraced, SpanKind, withSpan } from './telemetry/tracing.ts';

type Query = (...args: unknown[]) => unknown;

/** `SELECT`, `INSERT`, …: never the statement itself. */
function operationOf(query: unknown): string {
  const text = typeof query === 'string' ? query : String((query as { text?: unknown } | undefined)?.text ?? '');
  return /^\s*([A-Za-z]+)/.exec(text)?.[1]?.toUpperCase() ?? 'OTHER';
}

/**
 * Statements that belong to a trace get a CLIENT span each. For pools whose statements are a question's own: where one
 * statement serves many sessions, whoever batches tells of it.
 */
export function traceQueries(pool: Pool, namespace: AttributeValue<'db.namespace'>): void {
  const traced =
    (query: Query): Query =>
    (...args) => {
      // With a callback it is the pool's own call for a query that is traced already.
      if (!isTraced() || typeof args.at(-1) === 'function') return query(...args);
      const operation = operationOf(args[0]);
      return withSpan(
        `${operation} ${namespace}`,
        undefined,
        { 'db.system.name': 'postgresql', 'db.namespace': namespace, 'db.operation.name': operation },
        () => query(...args),
        SpanKind.CLIENT,
      );
    };
  pool.query = traced(pool.query.bind(pool) as Query) as typeof pool.query;
  pool.on('connect', (client: PoolClient) => {
    client.query = traced(client.query.bind(client) as Query) as typeof client.query;
  });
}
