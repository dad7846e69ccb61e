-- Access numbers and trunks: documents of the contract (JSON of ringback.dialer.v1), by their id.
CREATE TABLE access_number (number text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE trunk (id text PRIMARY KEY, body jsonb NOT NULL);
CREATE TABLE denied_range (prefix text PRIMARY KEY, note text NOT NULL);

-- Grows with every change of the three tables above: who holds a copy compares this.
CREATE TABLE routing_revision (one boolean PRIMARY KEY DEFAULT true CHECK (one), revision int8 NOT NULL DEFAULT 1);
INSERT INTO routing_revision DEFAULT VALUES;

CREATE FUNCTION bump_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('UPDATE %I.routing_revision SET revision = revision + 1', TG_TABLE_SCHEMA);
  RETURN NULL;
END $$;
CREATE TRIGGER bump AFTER INSERT OR UPDATE OR DELETE ON access_number FOR EACH STATEMENT EXECUTE FUNCTION bump_revision();
CREATE TRIGGER bump AFTER INSERT OR UPDATE OR DELETE ON trunk FOR EACH STATEMENT EXECUTE FUNCTION bump_revision();
CREATE TRIGGER bump AFTER INSERT OR UPDATE OR DELETE ON denied_range FOR EACH STATEMENT EXECUTE FUNCTION bump_revision();

-- Switches that an operator drains.
CREATE TABLE drained_switch (switch_id text PRIMARY KEY, since timestamptz NOT NULL DEFAULT now());
