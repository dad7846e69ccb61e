import { connectNats, type NatsConnection, runService, spanSink } from '@ringback/service-kit';
import { CONFIG } from './config.ts';
import { startBilling } from './service.ts';

await runService({
  name: 'billing',
  config: CONFIG,
  async start(config, { log, telemetry }) {
    const running = await startBilling(config, log);
    // Charging goes on without the bus: it only tells spans there.
    let nats: NatsConnection | undefined;
    if (config.NATS_URL !== '') {
      void connectNats({ url: config.NATS_URL, name: 'billing' }).then(
        (connection) => {
          nats = connection;
          telemetry.setSpanSink(spanSink(connection));
        },
        (error: unknown) => log.error({ err: error }, 'no connection to NATS: spans are not told'),
      );
    }
    return {
      async stop() {
        await running.stop();
        await nats?.close();
      },
    };
  },
});
