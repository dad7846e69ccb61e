export { devSwitchConfig } from './dev-switch.ts';
export { freeswitchArguments, freeswitchFiles, type SwitchPaths } from './freeswitch.ts';
export { type Gateway, GATEWAY_NAME, gatewayFile } from './gateway.ts';
export * from './model.ts';
export { type Problem, SwitchConfigError, validateSwitch } from './validate.ts';
