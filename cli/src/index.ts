/** The command line as a library, for tests. */
export { EXIT, run } from './run.ts';
export { renderTrace } from './trace.ts';
