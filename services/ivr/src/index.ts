export { CONFIG } from './config.ts';
