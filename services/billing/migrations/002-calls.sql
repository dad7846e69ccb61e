-- What is promised to a leg. Rows stay: a posted or voided one is the tombstone that keeps a late request from holding again.
CREATE TABLE hold (
  leg_id text PRIMARY KEY CHECK (leg_id <> ''),
  session_id text NOT NULL,
  -- Who pays: an account, or (budget_day is set) the day's budget of an access number for unknown callers, or nobody.
  account text NOT NULL,
  budget_day int4,
  budget_access_number text NOT NULL,
  budget_caller_id text NOT NULL,
  currency text NOT NULL,
  amount int8 NOT NULL CHECK (amount >= 0),
  state text NOT NULL CHECK (state IN ('pending', 'posted', 'voided')),
  -- Posted in full because no truth came in time; corrected when it comes.
  expired bool NOT NULL,
  -- The version a call started with stays its price list; 0: it costs nothing.
  deck text NOT NULL,
  deck_version int4 NOT NULL,
  created_at_us int8 NOT NULL,
  paid_until_us int8 NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX hold_pending ON hold (paid_until_us) WHERE state = 'pending';
CREATE INDEX hold_pending_account ON hold (account) WHERE state = 'pending';

-- Used (held or spent) of the budgets for calling back unknown callers: of everything (key 'total') and of each caller.
CREATE TABLE loss_budget (
  day int4 NOT NULL,
  key text NOT NULL,
  used int8 NOT NULL DEFAULT 0 CHECK (used >= 0),
  PRIMARY KEY (day, key)
) WITH (fillfactor = 50);

-- The highest epoch seen of each shard: a stale owner must not hold money.
CREATE TABLE fence (
  shard int4 PRIMARY KEY,
  epoch int8 NOT NULL
);

-- One row for each attempted leg, with the transfer that paid for it written by the same transaction.
CREATE TABLE cdr (
  leg_id text PRIMARY KEY,
  session_id text NOT NULL,
  role text NOT NULL,
  account_number text NOT NULL,
  from_number text NOT NULL,
  to_number text NOT NULL,
  access_number text NOT NULL,
  trunk_id text NOT NULL,
  switch_id text NOT NULL,
  attempt int4 NOT NULL,
  result text NOT NULL,
  reason text NOT NULL,
  cause text NOT NULL,
  q850 int4 NOT NULL,
  sip_status int4 NOT NULL,
  disposition text NOT NULL,
  created_at_us int8 NOT NULL,
  progress_at_us int8 NOT NULL,
  answered_at_us int8 NOT NULL,
  ended_at_us int8 NOT NULL,
  trace_id text NOT NULL,
  rated_number text NOT NULL,
  payer text NOT NULL,
  currency text NOT NULL,
  cost int8 NOT NULL CHECK (cost >= 0),
  shortfall int8 NOT NULL CHECK (shortfall BETWEEN 0 AND cost),
  billed_us int8 NOT NULL CHECK (billed_us >= 0),
  deck text NOT NULL,
  deck_version int4 NOT NULL,
  transfer_id uuid,
  note text NOT NULL,
  settled_at_us int8 NOT NULL
);
CREATE INDEX cdr_created ON cdr (created_at_us, leg_id);
CREATE INDEX cdr_session ON cdr (session_id);
CREATE INDEX cdr_account ON cdr (account_number, created_at_us, leg_id);
CREATE INDEX cdr_from ON cdr (from_number, created_at_us);
CREATE INDEX cdr_to ON cdr (to_number, created_at_us);
-- Numbers can be made unreadable (erasure on request); the money and the times stay as they were written.
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE OR UPDATE OF leg_id, session_id, currency, cost, shortfall, billed_us,
  deck, deck_version, transfer_id, answered_at_us, ended_at_us ON cdr FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
