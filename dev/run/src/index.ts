/** The whole platform as real processes on one machine: for `make run`, and for tests of the whole. */
export { DEMO_ACCESS_NUMBERS, DEMO_ACCOUNTS, DEMO_DECK_CSV } from './demo.ts';
export type { Endpoints } from './endpoints.ts';
export { type Layout, layoutOf } from './layout.ts';
export { type Platform, type PlatformOptions, startPlatform } from './platform.ts';
export { ROOT, type RunSettings, settingsFromEnv } from './settings.ts';
