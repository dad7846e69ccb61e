import { runService, spanSink } from '@ringback/service-kit';
import { CONFIG } from './config.ts';
import { startAgent } from './service.ts';

await runService({
  name: 'switch-agent',
  config: CONFIG,
  start: (config, { log, telemetry, fail }) =>
    startAgent(config, { log, fail, connected: (connection) => telemetry.setSpanSink(spanSink(connection)) }),
});
