import type { Values } from '@ringback/service-kit';
import type { CONFIG } from './config.ts';
import type { Settings } from './domain/settings.ts';

/** The core's settings out of the process's knobs. */
export const settingsOf = (config: Values<typeof CONFIG>): Settings => ({
  triggerMaxAgeMs: config.TRIGGER_MAX_AGE,
  legAChunkMs: config.LEG_A_CHUNK,
  quoteCapMs: config.QUOTE_CAP,
  extendLeadMs: config.EXTEND_LEAD,
  warnLeadMs: config.WARN_LEAD,
  answerTimeoutSeconds: Math.round(config.ANSWER_TIMEOUT / 1000),
  progressTimeoutSeconds: Math.round(config.PROGRESS_TIMEOUT / 1000),
  overdueMs: config.OVERDUE,
  lostAfterMs: config.LOST_AFTER,
  failoverOnNoRoute: config.FAILOVER_ON_NO_ROUTE,
});
