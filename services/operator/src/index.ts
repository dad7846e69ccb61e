export { CONFIG } from './config.ts';
export { type ObservedPool, type PoolAction, type PoolDecision, reconcilePool } from './domain/switch-pool.ts';
export type { SwitchView } from './domain/switches.ts';
export { Kube, KubeError, KubeUnreachable } from './kube/client.ts';
export { Informer } from './kube/informer.ts';
export { KINDS, type Kind, type KubeObject } from './kube/objects.ts';
export { type Operator, type OperatorConfig, startOperator } from './operator.ts';
