-- Which edge registers at carriers, until when, and how its registrations stand (array of RegistrationState).
CREATE TABLE registrar (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  edge_id text NOT NULL,
  held_until timestamptz NOT NULL,
  states jsonb NOT NULL
);
