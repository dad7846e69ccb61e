import { runService } from '@ringback/service-kit';
import { CONFIG } from './config.ts';
import { startOperator } from './operator.ts';

await runService({
  name: 'operator',
  config: CONFIG,
  start: (config, { log, fail }) => startOperator(config, { log, fail }),
});
