/** The dialer without its process: the session's machine and how the world is read and told, over ports. */
export { type Requests, type SealingKey } from './adapters/commands.ts';
export { EffectPerformer } from './adapters/performer.ts';
export type { Asked, Questions } from './adapters/questions.ts';
export { readBatch } from './adapters/read-batch.ts';
export { positionIn, progressMessages, republishRequest, type StreamState } from './adapters/stream-position.ts';
export { type Directory, trunksFor } from './domain/directory.ts';
export type { SessionEvent } from './domain/events.ts';
export type { Effect, Leg, Session } from './domain/model.ts';
export { sessionMachine } from './domain/session-machine.ts';
export { decodeSession } from './domain/session-text.ts';
export { DEFAULT_SETTINGS, type Settings } from './domain/settings.ts';
export { SwitchBoard } from './domain/switch-board.ts';
