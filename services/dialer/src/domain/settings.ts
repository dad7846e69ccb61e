/** Operator's settings of the session core; units in the names. */
export interface Settings {
  /** A trigger older than this is not called back. */
  triggerMaxAgeMs: number;
  /** Leg A alone (dialogue) is paid for in pieces of this length. */
  legAChunkMs: number;
  /** Operator's cap on what one quote holds. */
  quoteCapMs: number;
  /** Before the end of what is paid for: a capped hold is extended. */
  extendLeadMs: number;
  /** Before the end of the credit: the caller is warned. */
  warnLeadMs: number;
  /** Leg B: longest wait for an answer, and for any sign of life (then the next trunk). */
  answerTimeoutSeconds: number;
  progressTimeoutSeconds: number;
  /** After the cut-off of a leg that was not heard of: it is asked for, then taken for lost. */
  overdueMs: number;
  /** Its agent is away: so long after a leg may have lived at most it is taken for lost, and nobody pays for what nobody saw. */
  lostAfterMs: number;
  /** Leg B: also after "no route to destination" (Q.850 3) the next trunk is tried, for carriers that do not reach everybody. */
  failoverOnNoRoute: boolean;
}

export const DEFAULT_SETTINGS: Settings = {
  triggerMaxAgeMs: 120_000,
  legAChunkMs: 180_000,
  quoteCapMs: 3_600_000,
  extendLeadMs: 60_000,
  warnLeadMs: 60_000,
  answerTimeoutSeconds: 45,
  progressTimeoutSeconds: 8,
  overdueMs: 15_000,
  lostAfterMs: 120_000,
  failoverOnNoRoute: false,
};
