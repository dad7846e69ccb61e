-- Money in micro-units (10^-6), times in epoch microseconds.

-- Accounts of callers. `held` is promised to calls and counts as spent until it is posted or voided.
CREATE TABLE account (
  number text PRIMARY KEY CHECK (number ~ '^[A-Za-z0-9_-]{1,32}$'),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  deck text NOT NULL,
  balance int8 NOT NULL DEFAULT 0 CHECK (balance >= 0),
  held int8 NOT NULL DEFAULT 0 CHECK (held >= 0),
  opened_at_us int8 NOT NULL,
  CHECK (held <= balance)
) WITH (fillfactor = 50);

-- One movement of money. Its entries sum to zero in each currency.
CREATE TABLE transfer (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('top_up', 'call', 'expiry', 'correction')),
  request_id text NOT NULL,
  session_id text NOT NULL,
  leg_id text NOT NULL,
  at_us int8 NOT NULL,
  note text NOT NULL
);
CREATE INDEX transfer_session ON transfer (session_id) WHERE session_id <> '';

-- Accounts with a colon belong to the platform (platform:revenue, platform:loss:+48…): they have no row with a balance, so
-- that no call waits for another one's revenue; their balance is the sum of their entries.
CREATE TABLE entry (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  transfer_id uuid NOT NULL,
  account text NOT NULL CHECK (account <> ''),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  amount int8 NOT NULL CHECK (amount <> 0)
);
CREATE INDEX entry_account ON entry (account, id);
CREATE INDEX entry_transfer ON entry (transfer_id);

CREATE VIEW platform_balance AS
  SELECT account, currency, sum(amount)::int8 AS balance FROM entry WHERE account LIKE '%:%' GROUP BY account, currency;

-- Append-only: whoever wants to correct, posts a reversing transfer.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: correct it by a reversing transfer', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON transfer FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Balanced at every instant: checked at the end of each statement that writes, for the transfers it touched.
CREATE FUNCTION check_entries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong text;
BEGIN
  SELECT e.transfer_id || ' ' || e.currency INTO wrong
    FROM billing.entry e WHERE e.transfer_id IN (SELECT transfer_id FROM written)
    GROUP BY e.transfer_id, e.currency HAVING sum(e.amount) <> 0 LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'transfer % does not sum to zero', wrong USING ERRCODE = 'check_violation';
  END IF;
  SELECT w.transfer_id INTO wrong
    FROM written w WHERE NOT EXISTS (SELECT 1 FROM billing.transfer t WHERE t.id = w.transfer_id) LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'an entry belongs to no transfer (%)', wrong USING ERRCODE = 'foreign_key_violation';
  END IF;
  SELECT w.account INTO wrong FROM written w
    WHERE w.account NOT LIKE '%:%'
      AND NOT EXISTS (SELECT 1 FROM billing.account a WHERE a.number = w.account AND a.currency = w.currency) LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'there is no account % of that currency', wrong USING ERRCODE = 'foreign_key_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER balanced AFTER INSERT ON entry REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_entries();

CREATE FUNCTION check_transfers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  wrong text;
BEGIN
  SELECT w.id INTO wrong FROM written w WHERE NOT EXISTS (SELECT 1 FROM billing.entry e WHERE e.transfer_id = w.id) LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION 'transfer % has no entries', wrong USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER has_entries AFTER INSERT ON transfer REFERENCING NEW TABLE AS written
  FOR EACH STATEMENT EXECUTE FUNCTION check_transfers();

-- Answers by idempotency key, for ever: a repetition gets the same one, another request under the key is refused.
CREATE TABLE answer (
  request_id text PRIMARY KEY,
  request_hash bytea NOT NULL,
  response bytea NOT NULL,
  at_us int8 NOT NULL
);
