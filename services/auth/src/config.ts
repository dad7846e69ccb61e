import { knob } from '@ringback/service-kit';

/** Every knob of auth. */
export const CONFIG = {
  DATABASE_URL: knob.string({ doc: 'PostgreSQL; auth owns the schema "auth"', secret: true }),
  GRPC_LISTEN: knob.address({ doc: 'host:port of the gRPC services' }),
  NATS_URL: knob.string({ doc: 'NATS, for finished spans; empty: none', default: '' }),
  SEALING_KEY_SECRET: knob.string({
    doc: 'encrypts the private sealing key in the database; empty: stored as it is',
    default: '',
    secret: true,
  }),
  PIN_TRIES_ACCOUNT: knob.integer({
    doc: 'wrong PINs for an account within PIN_WINDOW until it is locked',
    default: 5,
    min: 1,
  }),
  PIN_TRIES_CALLER_ID: knob.integer({
    doc: 'wrong PINs from a caller ID within PIN_WINDOW until it is locked',
    default: 6,
    min: 1,
  }),
  PIN_TRIES_ACCESS_NUMBER: knob.integer({
    doc: 'wrong PINs over an access number within PIN_WINDOW until PINs are refused there',
    default: 200,
    min: 1,
  }),
  PIN_WINDOW: knob.duration({ doc: 'wrong PINs are counted over this time', default: 3_600_000, min: 1_000 }),
  PIN_LOCK: knob.duration({ doc: 'how long a lock-out lasts', default: 3_600_000, min: 1_000 }),
  ARGON2_MEMORY_KIB: knob.integer({ doc: 'argon2id memory', default: 19_456, min: 8_192 }),
  ARGON2_TIME: knob.integer({ doc: 'argon2id passes', default: 2, min: 1 }),
};
