import { ConfigError, readConfig } from './config.ts';
import { type RunningSwitch, startSwitch } from './dev-switch.ts';
import { jsonLog } from './log.ts';

const path = process.argv[2] ?? process.env['DEV_SWITCH_CONFIG'];
if (path === undefined) {
  process.stderr.write('usage: main.ts <configuration.json> (or DEV_SWITCH_CONFIG)\n');
  process.exit(64);
}

let running: RunningSwitch;
try {
  const config = readConfig(path);
  const log = jsonLog(config.name, (line) => process.stdout.write(line));
  running = await startSwitch(config, log);
  const stop = (why: string): void => {
    log.info('stopping', { why });
    running.stop().then(
      () => {
        log.info('stopped');
        process.exit(0);
      },
      (error: unknown) => {
        log.error('did not stop cleanly', { error: String(error) });
        process.exit(1);
      },
    );
  };
  running.core.requestShutdown = () => stop('fsctl shutdown');
  process.once('SIGTERM', () => stop('SIGTERM'));
  process.once('SIGINT', () => stop('SIGINT'));
} catch (error) {
  const knob = error instanceof ConfigError ? { knob: error.knob } : {};
  process.stdout.write(
    `${JSON.stringify({ time: new Date().toISOString(), level: 'error', service: 'dev-switch', message: `cannot start: ${(error as Error).message}`, ...knob })}\n`,
  );
  process.exit(error instanceof ConfigError ? 78 : 1);
}
