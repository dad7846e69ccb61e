-- Processes that are alive: one heartbeat each.
CREATE TABLE member (
  id uuid PRIMARY KEY,
  expires_at timestamptz NOT NULL
);

-- Lease and cursor in one row: who owns the shard, since which epoch, and how far its stream was applied.
CREATE TABLE shard (
  shard int PRIMARY KEY,
  owner uuid,
  epoch int8 NOT NULL DEFAULT 0,
  stream text NOT NULL DEFAULT '',
  cursor int8 NOT NULL DEFAULT 0,
  sources text NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- State, owed effects and timers in one row; fillfactor and the partial index keep every update HOT.
CREATE TABLE session (
  id text PRIMARY KEY,
  shard int NOT NULL,
  key text NOT NULL,
  version int NOT NULL,
  body text NOT NULL,
  created_at_us int8 NOT NULL,
  closed_at_us int8
) WITH (fillfactor = 50);
CREATE INDEX session_open ON session (shard) WHERE closed_at_us IS NULL;
CREATE INDEX session_closed ON session (shard, closed_at_us) WHERE closed_at_us IS NOT NULL;
CREATE INDEX session_created ON session (created_at_us);

CREATE TABLE outbox (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  shard int NOT NULL,
  body text NOT NULL
);

CREATE TABLE parked (
  id uuid PRIMARY KEY,
  shard int NOT NULL,
  at_us int8 NOT NULL,
  source text NOT NULL,
  kind text NOT NULL,
  session_id text NOT NULL,
  error text NOT NULL
);

-- Aborts the statement it stands in: a stale owner writes nothing at all.
CREATE FUNCTION require_fence(held boolean) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  IF NOT held THEN
    RAISE EXCEPTION 'a shard of this batch belongs to another owner' USING ERRCODE = 'RB001';
  END IF;
  RETURN true;
END $$;
