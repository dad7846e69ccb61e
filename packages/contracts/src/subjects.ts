/** Every NATS subject and stream of the platform stands here, and nowhere else. */

/** Sessions are spread over this many shards; fixed for the life of an installation. */
export const SHARDS = 64;

/** JetStream stream of leg events (`sw.EventBatch`), one subject a shard and switch. */
export const EVENT_STREAM = 'EVENTS';
/** What EVENT_KEY seals the passwords of trunks for: in the dialer's table, and on their way to agents and edges. */
export const TRUNK_PASSWORD = 'trunk password';
export const EVENT_SUBJECTS = 'event.>';
export const eventSubject = (shard: number, switchId: string): string => `event.${shard}.${switchId}`;
export const shardEvents = (shard: number): string => `event.${shard}.>`;

/** JetStream stream of what sessions tell the world (outbox of the dialer). */
export const FACT_STREAM = 'FACTS';
export const FACT_SUBJECTS = 'fact.>';
export const sessionFactSubject = (shard: number): string => `fact.session.${shard}`;

/** JetStream stream of finished spans, kept for a short time: `ringback session show --trace` reads them. */
export const SPAN_STREAM = 'SPANS';
export const SPAN_SUBJECTS = 'span.>';
export const spanSubject = (traceId: string): string => `span.${traceId}`;

/** Request (`dialer.EndSessionRequest`) and reply: the dialer that has the session answers. */
export const endSessionSubject = (sessionId: string): string => `session.${sessionId}.end`;
export const ALL_SESSION_ENDS = 'session.*.end';

/** Request (`sw.Command`) and reply (`sw.CommandAck`): commands to one switch. */
export const switchCommandSubject = (switchId: string): string => `switch.${switchId}.command`;
/** `sw.SwitchStatus`, once a second. */
export const switchStatusSubject = (switchId: string): string => `switch.${switchId}.status`;
export const ALL_SWITCH_STATUS = 'switch.*.status';
/** `sw.EdgeStatus`, twice a second. */
export const edgeStatusSubject = (edgeId: string): string => `edge.${edgeId}.status`;
export const ALL_EDGE_STATUS = 'edge.*.status';
/** `sw.SourceProgress`: how far PostgreSQL is. */
export const switchProgressSubject = (switchId: string): string => `switch.${switchId}.progress`;
/** `sw.RepublishRequest`. */
export const switchRepublishSubject = (switchId: string): string => `switch.${switchId}.republish`;

/** Whether a switch (named `<pool>-<anything without a dash>`) belongs to one of the pools; to any when none is named. */
export function ofPools(switchId: string, pools: readonly string[]): boolean {
  const pool = switchId.slice(0, Math.max(0, switchId.lastIndexOf('-')));
  return pools.length === 0 || pools.includes(pool);
}

/**
 * Shard of a telephone: everything about one number called back meets in one place.
 * FNV-1a (32 bit) over the UTF-8 of the E.164 number with `+` (or, where there is no number, of the leg's id).
 */
export function shardOf(key: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key, 'utf8')) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash % SHARDS;
}
