/** The billing service as other programs (tests, the all-in-one run) start it in their own process. */
export { CONFIG, type Config } from './config.ts';
export { type RunningBilling, startBilling } from './service.ts';
