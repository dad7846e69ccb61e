CREATE TABLE deck (
  name text PRIMARY KEY CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
  currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$')
);

-- The CSV as it was imported is the price list: what is charged can be read in it for ever.
CREATE TABLE deck_version (
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL REFERENCES deck,
  version int4 NOT NULL CHECK (version > 0),
  valid_from_us int8 NOT NULL,
  row_count int4 NOT NULL,
  csv text NOT NULL,
  imported_at_us int8 NOT NULL,
  UNIQUE (name, version)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON deck_version FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
