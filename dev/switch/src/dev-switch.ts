import type { SwitchConfig } from './config.ts';
import { Core } from './core.ts';
import { EslServer } from './esl/server.ts';
import type { Log } from './log.ts';
import { Sofia } from './sip/sofia.ts';

export interface RunningSwitch {
  readonly core: Core;
  /** Where it listens (the ports chosen, when 0 was configured). */
  readonly sip: { host: string; port: number };
  readonly esl: { host: string; port: number };
  /** Hangs up every call, waits for the ends to be told, closes. Idempotent. */
  stop(): Promise<void>;
}

/** How long calls may take to end on shutdown, in ms. */
const STOP_MS = 3000;

/** Starts a switch; resolves when SIP and the event socket listen. */
export async function startSwitch(config: SwitchConfig, log: Log): Promise<RunningSwitch> {
  const core = new Core(config, log);
  const sofia = await Sofia.start(core);
  const esl = new EslServer(core);
  let eslPort: number;
  try {
    eslPort = await esl.listen();
  } catch (error) {
    await sofia.close(0);
    core.close();
    throw error;
  }
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    core.shuttingDown = true;
    core.inboundPaused = true;
    const ends = [...core.sessions.values()].map((session) => session.destroyed);
    core.hangupAll('SYSTEM_SHUTDOWN');
    let timer: NodeJS.Timeout | undefined;
    await Promise.race([
      Promise.all(ends),
      new Promise((resolve) => {
        timer = setTimeout(resolve, STOP_MS);
      }),
    ]);
    clearTimeout(timer);
    core.bus.publish('SHUTDOWN', [['Event-Info', 'System Shutting Down']]);
    await esl.close();
    await sofia.close(1000);
    core.close();
  };
  log.info('switch is ready', {
    core: core.coreUuid,
    sip: `${sofia.address.host}:${sofia.address.port}`,
    esl: `${config.esl.host}:${eslPort}`,
  });
  return {
    core,
    sip: sofia.address,
    esl: { host: config.esl.host, port: eslPort },
    stop: () => {
      stopping ??= stop();
      return stopping;
    },
  };
}
