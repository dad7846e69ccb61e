/** The agent without its process: everything it knows and decides, over ports for time, disk, bus and switch. */
export { Agent, type AgentOptions } from './agent.ts';
export { JournalState, type JournalRecord } from './journal/records.ts';
export type { JournalPort } from './journal/journal.ts';
export type { CdrFiles, EslPort, OpenEsl, Timers } from './ports.ts';
export { Publisher } from './publisher.ts';
export { confirmedBy, publishAgain, statusOf } from './requests.ts';
