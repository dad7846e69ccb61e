export { type Ipv4Range, parseHostPort, parseIpv4, parseSource } from './address.ts';
export { COUNTERS } from './config/globals.ts';
export {
  hashTableFile,
  SOURCES_FILE,
  SWITCH_FLAGS,
  SWITCHES_FILE,
  sourcesFile,
  switchAttributes,
  switchesFile,
  TABLE_DIR,
  tableFiles,
} from './files.ts';
export { edgeFiles, kamailioArguments, kamailioConfig } from './generate.ts';
export * from './model.ts';
export { configFile, controlSocket } from './paths.ts';
export { REGISTRAR_LEASE } from './registrations.ts';
export * from './tables.ts';
export { EdgeConfigError, type Problem, validateModel, validateState } from './validate.ts';
