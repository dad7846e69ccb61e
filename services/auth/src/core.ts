/** Auth without its process: the answers it gives, over a store, a way to compare PINs and a sealing key. */
export { batchAnswers } from './api/ask-stream.ts';
export { Questions } from './api/questions.ts';
export type { Guess, LockoutRules } from './lockouts.ts';
export type { Account, AuthStore, Judging } from './store.ts';
