/** A laptop's FreeSWITCH: event socket, SIP and RTP as the recordings of the real one show them. */
export { ConfigError, parseConfig, readConfig, type SwitchConfig } from './config.ts';
export { type RunningSwitch, startSwitch } from './dev-switch.ts';
export { jsonLog, type Log, silentLog } from './log.ts';
