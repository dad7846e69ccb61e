-- CDRs by month of their attempt, so that old ones go as a whole when their retention is over. That there is one for each leg
-- is kept by `hold`: each settlement writes the leg's row there, whose key is the leg.
ALTER TABLE cdr RENAME TO cdr_unparted;
CREATE TABLE cdr (LIKE cdr_unparted INCLUDING CONSTRAINTS) PARTITION BY RANGE (created_at_us);
ALTER TABLE cdr
  ADD COLUMN monotonic_us int8 NOT NULL DEFAULT 0,
  ADD COLUMN held int8 NOT NULL DEFAULT 0,
  ADD COLUMN increments text NOT NULL DEFAULT '',
  ADD COLUMN prefix text NOT NULL DEFAULT '';
-- For moments no month was made for: nothing is ever refused for its date.
CREATE TABLE cdr_other PARTITION OF cdr DEFAULT;
INSERT INTO cdr SELECT * FROM cdr_unparted;
DROP TABLE cdr_unparted;
ALTER TABLE cdr ADD PRIMARY KEY (leg_id, created_at_us);
CREATE INDEX cdr_created ON cdr (created_at_us, leg_id);
CREATE INDEX cdr_session ON cdr (session_id);
CREATE INDEX cdr_account ON cdr (account_number, created_at_us, leg_id);
CREATE INDEX cdr_from ON cdr (from_number, created_at_us);
CREATE INDEX cdr_to ON cdr (to_number, created_at_us);

-- Statement triggers of a partitioned table do not fire for its parts: each gets its own.
CREATE FUNCTION guard_cdrs(part text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE OR UPDATE OF leg_id, session_id, currency, cost, shortfall,
    billed_us, monotonic_us, held, increments, deck, deck_version, transfer_id, answered_at_us, ended_at_us ON billing.%I
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change()', part);
  EXECUTE format('REVOKE DELETE, TRUNCATE ON billing.%I FROM CURRENT_USER, PUBLIC', part);
END $$;
SELECT guard_cdrs('cdr'), guard_cdrs('cdr_other');

-- Makes the part of a month (its first moment and the next month's, epoch µs); takes over what is in cdr_other of it.
CREATE FUNCTION make_cdr_part(part text, from_us int8, to_us int8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF to_regclass('billing.' || quote_ident(part)) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE billing.%I (LIKE billing.cdr INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
  LOCK TABLE billing.cdr_other IN ACCESS EXCLUSIVE MODE;
  IF EXISTS (SELECT 1 FROM billing.cdr_other WHERE created_at_us >= from_us AND created_at_us < to_us) THEN
    EXECUTE format('INSERT INTO billing.%I SELECT * FROM billing.cdr_other WHERE created_at_us >= $1 AND created_at_us < $2', part)
      USING from_us, to_us;
    GRANT DELETE ON billing.cdr_other TO CURRENT_USER;
    ALTER TABLE billing.cdr_other DISABLE TRIGGER append_only;
    DELETE FROM billing.cdr_other WHERE created_at_us >= from_us AND created_at_us < to_us;
    ALTER TABLE billing.cdr_other ENABLE TRIGGER append_only;
    REVOKE DELETE ON billing.cdr_other FROM CURRENT_USER;
  END IF;
  EXECUTE format('ALTER TABLE billing.cdr ATTACH PARTITION billing.%I FOR VALUES FROM (%s) TO (%s)', part, from_us, to_us);
  PERFORM billing.guard_cdrs(part);
END $$;

-- What is left of months whose CDRs are gone: their totals, and until when they were settled.
CREATE TABLE cdr_retired (
  part text PRIMARY KEY,
  legs int8 NOT NULL,
  last_settled_at_us int8 NOT NULL,
  at_us int8 NOT NULL
);
CREATE TABLE cdr_day_total (
  day date NOT NULL,
  trunk_id text NOT NULL,
  deck text NOT NULL,
  country text NOT NULL,
  currency text NOT NULL,
  legs int8 NOT NULL,
  answered int8 NOT NULL,
  billed_us int8 NOT NULL,
  cost int8 NOT NULL,
  shortfall int8 NOT NULL,
  PRIMARY KEY (day, trunk_id, deck, country, currency)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cdr_retired FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cdr_day_total FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
