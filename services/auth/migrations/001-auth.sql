CREATE TABLE account (
  number text PRIMARY KEY CHECK (number ~ '^[0-9]{4,12}$'),
  pin_hash text NOT NULL,
  country text NOT NULL,
  language text NOT NULL,
  suspended boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- A caller ID belongs to one account.
CREATE TABLE caller_id (
  number text PRIMARY KEY,
  account text NOT NULL REFERENCES account ON DELETE CASCADE,
  authorised boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX caller_id_account ON caller_id (account);

CREATE TABLE speed_dial (
  account text NOT NULL REFERENCES account ON DELETE CASCADE,
  code text NOT NULL CHECK (code ~ '^[0-9]{1,3}$'),
  number text NOT NULL,
  PRIMARY KEY (account, code)
);

-- Wrong PINs across calls, by what was guessed with: 'account:1001', 'caller:+48…', 'access:+48…'.
CREATE TABLE lockout (
  subject text PRIMARY KEY,
  failures int NOT NULL,
  window_ends timestamptz NOT NULL,
  locked_until timestamptz
);

-- Answers to VerifyPin by request id: a repetition gives the same answer and counts once. The seal is single use.
CREATE TABLE verification (
  request_id text PRIMARY KEY,
  seal_hash bytea NOT NULL UNIQUE,
  answer jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX verification_at ON verification (at);

-- The key pair PINs are sealed for. The private key is encrypted when SEALING_KEY_SECRET is set.
CREATE TABLE sealing_key (
  key_id text PRIMARY KEY,
  public_key bytea NOT NULL,
  private_key bytea NOT NULL,
  encrypted boolean NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);
