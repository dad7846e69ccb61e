export { type ObservedPool, type PoolAction, type PoolDecision, reconcilePool } from './domain/switch-pool.ts';
export type { SwitchView } from './domain/switches.ts';
