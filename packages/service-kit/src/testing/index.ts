/** Real PostgreSQL and NATS for tests: one server a test process, started at the first use. */
export { type TestDatabase, testDatabase } from './postgres.ts';
export { type TestNats, testNats } from './nats.ts';
export { freePort } from './ports.ts';
