/** The process beside one switch; started by src/main.ts. */
export { CONFIG } from './config.ts';
