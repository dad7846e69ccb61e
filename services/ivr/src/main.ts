import { ivr } from '@ringback/contracts';
import { connectNats, runService, spanSink, startGrpcServer } from '@ringback/service-kit';
import { stepHandlers } from './api/steps.ts';
import { CONFIG } from './config.ts';
import { loadVoices } from './voices.ts';

await runService({
  name: 'ivr',
  config: CONFIG,
  async start(config, { log, telemetry }) {
    const voices = loadVoices(config.LANGUAGES_DIR, config.DEFAULT_LANGUAGE);
    const connection = config.NATS_URL ? await connectNats({ url: config.NATS_URL, name: 'ivr' }) : undefined;
    if (connection) telemetry.setSpanSink(spanSink(connection));
    const server = await startGrpcServer({
      listen: config.GRPC_LISTEN,
      log,
      protoFiles: ['ringback/ivr/v1/ivr.proto'],
      services: [{ definition: ivr.IvrServiceService, handlers: stepHandlers(voices, log) }],
    });
    log.info({ languages: voices.languages() }, 'languages loaded');
    return {
      async stop() {
        await server.stop();
        await connection?.drain();
      },
    };
  },
});
