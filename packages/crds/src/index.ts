export type { Condition } from './common.ts';
export { customResourceDefinition } from './crd.ts';
export {
  API_VERSION,
  type Column,
  type Definition,
  GROUP,
  type ObjectMeta,
  type Resource,
  VERSION,
} from './definition.ts';
export {
  type AccessNumber,
  type AccessNumberSpec,
  type AccessNumberStatus,
  accessNumber,
} from './kinds/access-number.ts';
export { type SipEdge, type SipEdgeSpec, type SipEdgeStatus, sipEdge } from './kinds/sip-edge.ts';
export { type SwitchPool, type SwitchPoolSpec, type SwitchPoolStatus, switchPool } from './kinds/switch-pool.ts';
export { type Trunk, type TrunkSpec, type TrunkStatus, trunk } from './kinds/trunk.ts';
export type { Json, OpenApi } from './schema.ts';
export { DEFINITIONS, generated } from './generated.ts';
