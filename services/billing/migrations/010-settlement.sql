-- Accounts that may go below zero (postpaid), by a limit that is theirs. 0: prepaid.
ALTER TABLE account ADD COLUMN credit_limit int8 NOT NULL DEFAULT 0 CHECK (credit_limit >= 0);
ALTER TABLE account DROP CONSTRAINT account_balance_check, DROP CONSTRAINT account_check;
ALTER TABLE account ADD CONSTRAINT account_spends_what_it_has CHECK (balance + credit_limit >= 0 AND held <= balance + credit_limit);

-- Who was given which limit, when and why.
CREATE TABLE account_change (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account text NOT NULL,
  request_id text NOT NULL,
  limit_before int8 NOT NULL,
  limit_after int8 NOT NULL,
  at_us int8 NOT NULL,
  note text NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON account_change FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- One unit of from_currency is rate_nanos / 10^9 units of to_currency, from valid_from_us on until a later one.
CREATE TABLE exchange_rate (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  from_currency text NOT NULL CHECK (from_currency ~ '^[A-Z]{3}$'),
  to_currency text NOT NULL CHECK (to_currency ~ '^[A-Z]{3}$' AND to_currency <> from_currency),
  rate_nanos int8 NOT NULL CHECK (rate_nanos > 0),
  valid_from_us int8 NOT NULL,
  set_at_us int8 NOT NULL
);
CREATE INDEX exchange_rate_pair ON exchange_rate (from_currency, to_currency, valid_from_us, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange_rate FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a transfer corrects or gives back, and the rate it changed money at.
ALTER TABLE transfer ADD COLUMN of_transfer uuid, ADD COLUMN exchange_rate_id int8;
ALTER TABLE transfer DROP CONSTRAINT transfer_kind_check;
ALTER TABLE transfer ADD CONSTRAINT transfer_kind_check CHECK (kind IN
  ('top_up', 'call', 'expiry', 'correction', 'adjustment', 'refund', 'reversal', 'credit_transfer', 'voucher'));
CREATE INDEX transfer_of ON transfer (of_transfer) WHERE of_transfer IS NOT NULL;
CREATE UNIQUE INDEX transfer_reversed_once ON transfer (of_transfer) WHERE kind = 'reversal';
-- Statements of accounts: the sum of what was before a period.
CREATE INDEX transfer_at ON transfer USING brin (at_us);

-- Whose dialer holds the money: shard of the session and epoch of its owner.
ALTER TABLE hold ADD COLUMN shard int4 NOT NULL DEFAULT 0, ADD COLUMN epoch int8 NOT NULL DEFAULT 0;

CREATE TABLE voucher_batch (
  id uuid PRIMARY KEY,
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
  value int8 NOT NULL CHECK (value > 0),
  count int4 NOT NULL CHECK (count > 0),
  created_at_us int8 NOT NULL,
  expires_at_us int8 NOT NULL,
  voided_at_us int8,
  note text NOT NULL
);
-- Codes are kept as HMAC-SHA-256 with a key that is not in the database: what is here cannot be redeemed, nor found by trying.
CREATE TABLE voucher (
  code_hash bytea PRIMARY KEY,
  batch_id uuid NOT NULL REFERENCES voucher_batch,
  serial int4 NOT NULL CHECK (serial > 0),
  redeemed_by text,
  redeemed_at_us int8,
  transfer_id uuid,
  UNIQUE (batch_id, serial),
  CHECK (num_nulls(redeemed_by, redeemed_at_us, transfer_id) IN (0, 3))
);
CREATE FUNCTION refuse_second_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.redeemed_by IS NOT NULL OR (NEW.code_hash, NEW.batch_id, NEW.serial) IS DISTINCT FROM (OLD.code_hash, OLD.batch_id, OLD.serial) THEN
    RAISE EXCEPTION 'a voucher is redeemed once' USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER single_use BEFORE UPDATE ON voucher FOR EACH ROW EXECUTE FUNCTION refuse_second_use();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON voucher FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE OR UPDATE OF id, currency, value, count, expires_at_us ON voucher_batch
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- Wrong codes of an account or of a source (a keyed hash of it).
CREATE TABLE voucher_attempt (
  subject text PRIMARY KEY,
  failures int4 NOT NULL DEFAULT 0,
  since_us int8 NOT NULL DEFAULT 0,
  locked_until_us int8 NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

-- Besides the triggers: whoever owns the tables has no right to change what is written, short of giving it to himself.
REVOKE UPDATE, DELETE, TRUNCATE ON transfer, entry, account_change, exchange_rate FROM CURRENT_USER, PUBLIC;
REVOKE DELETE, TRUNCATE ON answer, hold, voucher, voucher_batch, account FROM CURRENT_USER, PUBLIC;
