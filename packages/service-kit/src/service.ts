import { createServer, type Server, type ServerResponse } from 'node:http';
import { ConfigError, type Knobs, knob, readConfig, type Values } from './config.ts';
import { createLogger, type Logger } from './log.ts';
import { startTelemetry, type Telemetry } from './telemetry.ts';

/** Of sysexits.h. */
const EX_CONFIG = 78;

/** Knobs that every service has. */
const COMMON = {
  HTTP_LISTEN: knob.address({ doc: 'host:port of /livez, /readyz and /metrics', default: '' }),
  OTEL_EXPORTER_OTLP_ENDPOINT: knob.string({
    doc: 'OTLP/gRPC endpoint for traces and metrics; empty: no export',
    default: '',
  }),
  REGION: knob.string({
    doc: 'where this process runs: a label of its metrics and spans; empty: none',
    default: '',
    matching: /^[a-z0-9-]{0,32}$/,
    pattern: 'up to 32 of a–z 0–9 -',
  }),
  STOP_TIMEOUT: knob.duration({ doc: 'longest graceful stop; then the process exits with status 1', default: 8_000 }),
} satisfies Knobs;

export interface ServiceContext {
  log: Logger;
  telemetry: Telemetry;
  /** Ends the process with status 1 and the reason in the log: for what the service cannot go on without. */
  fail(error: unknown): void;
}

export interface Service {
  /** Answers why the service is not ready, or undefined when it is. */
  notReady?(): string | undefined;
  /** Pages of its own beside the probes; false: there is none at this path. */
  page?(path: string, response: ServerResponse): boolean;
  /** Graceful stop: finish what was accepted, release what is held. */
  stop(): Promise<void>;
}

/**
 * Life of a service process: configuration, logs, telemetry, probes, signals. Never returns before the end; a process that
 * cannot do its job says why and exits non-zero.
 */
export async function runService<K extends Knobs>(options: {
  name: string;
  config: K;
  start(config: Values<K>, context: ServiceContext): Promise<Service>;
}): Promise<void> {
  const log = createLogger(options.name);
  const refuse = ({ knob: name, message }: ConfigError): void => {
    log.fatal({ knob: name }, `configuration refused: ${message}`);
    process.exitCode = EX_CONFIG;
  };
  let config: Values<K>;
  let common: Values<typeof COMMON>;
  try {
    config = readConfig(options.config, process.env);
    common = readConfig(COMMON, process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuse(error);
    return;
  }
  const telemetry = startTelemetry({
    service: options.name,
    otlpEndpoint: common.OTEL_EXPORTER_OTLP_ENDPOINT || undefined,
    region: common.REGION,
  });
  let service: Service | undefined;
  let stopping = false;

  const fail = (error: unknown): void => {
    log.fatal({ err: error }, 'cannot go on');
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);

  const probes = common.HTTP_LISTEN
    ? await serveProbes(
        common.HTTP_LISTEN,
        telemetry,
        () => (stopping ? 'stopping' : service ? service.notReady?.() : 'starting'),
        (path, response) => service?.page?.(path, response) ?? false,
      )
    : undefined;

  const stopped = new Promise<void>((resolve) => {
    const stop = (signal: string): void => {
      if (stopping) return;
      stopping = true;
      log.info({ signal }, 'stopping');
      const deadline = setTimeout(() => {
        log.error('graceful stop took too long');
        process.exit(1);
      }, common.STOP_TIMEOUT);
      deadline.unref();
      (async () => {
        await service?.stop();
        await telemetry.shutdown();
        probes?.close();
        log.info('stopped');
        resolve();
      })().catch(fail);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });

  try {
    service = await options.start(config, { log, telemetry, fail });
  } catch (error) {
    // Some knobs are only seen to be wrong when they are used.
    if (!(error instanceof ConfigError)) return fail(error);
    refuse(error);
    process.exit();
  }
  log.info('started');
  await stopped;
  process.exit(0);
}

async function serveProbes(
  listen: string,
  telemetry: Telemetry,
  notReady: () => string | undefined,
  page: (path: string, response: ServerResponse) => boolean,
): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0];
    if (path === '/metrics')
      return void telemetry.serveMetrics(response).catch((error: Error) => response.destroy(error));
    if (path !== '/livez' && path !== '/readyz') {
      if (path === undefined || !page(path, response)) response.writeHead(404).end('no such page\n');
      return;
    }
    const reason = path === '/readyz' ? notReady() : undefined;
    response.writeHead(reason === undefined ? 200 : 503, { 'content-type': 'text/plain' }).end(`${reason ?? 'ok'}\n`);
  });
  const colon = listen.lastIndexOf(':');
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(Number(listen.slice(colon + 1)), listen.slice(0, colon), resolve);
  });
  return server;
}
