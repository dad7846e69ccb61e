import { ALL_SWITCH_STATUS, dialer, edgeStatusSubject, sw } from '@ringback/contracts';
import { Backoff, connectNats, grpcClient, type Logger, type NatsConnection } from '@ringback/service-kit';

/** Between two words on our own status. */
const STATUS_MS = 500;

/** Something followed for as long as the service lives. */
export interface Following {
  stop(): Promise<void>;
}

/** Follows the platform's configuration; asks again whenever the stream ends, and keeps silent about nothing. */
export function followConfig(options: {
  readonly address: string;
  readonly edgeId: string;
  readonly log: Logger;
  readonly onSnapshot: (snapshot: dialer.WatchEdgeConfigResponse) => void;
}): Following {
  const client = grpcClient(dialer.EdgeConfigServiceClient, options.address);
  const backoff = new Backoff(250, 5_000);
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  let cancel = (): void => {};
  let lastWords = '';

  const watch = (): void => {
    const stream = client.watchEdgeConfig({ edgeId: options.edgeId });
    cancel = () => stream.cancel();
    stream.on('data', (snapshot: dialer.WatchEdgeConfigResponse) => {
      backoff.reset();
      lastWords = '';
      options.onSnapshot(snapshot);
    });
    const ended = (words: string): void => {
      stream.removeAllListeners();
      // A cancelled stream still reports it.
      stream.on('error', () => {});
      if (stopped) return;
      if (words !== lastWords) options.log.warn({ reason: words }, 'configuration stream ended; the last state stays');
      lastWords = words;
      timer = setTimeout(watch, backoff.next());
    };
    stream.on('error', (error) => ended(error.message));
    stream.on('end', () => ended('ended by the dialer'));
  };
  watch();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      cancel();
      client.close();
      return Promise.resolve();
    },
  };
}

/** Follows the switches' status messages, and tells them ours; tells whether they can be heard. */
export function followSwitches(options: {
  readonly url: string;
  readonly name: string;
  readonly log: Logger;
  readonly onStatus: (status: sw.SwitchStatus) => void;
  /** Ours, as of now. */
  readonly status: () => sw.EdgeStatus;
  readonly onHearing: (heard: boolean) => void;
  /** NATS refused us for good. */
  readonly fail: (error: unknown) => void;
}): Following {
  let connection: NatsConnection | undefined;
  let stopped = false;
  let hearing = false;
  const tell = setInterval(() => {
    // What was said while nobody heard would be said late.
    if (!connection || !hearing) return;
    const status = options.status();
    connection.publish(edgeStatusSubject(status.edgeId), sw.EdgeStatus.encode(status).finish());
  }, STATUS_MS);
  const heard = (is: boolean): void => {
    hearing = is;
    options.onHearing(is);
  };
  connectNats({ url: options.url, name: options.name })
    .then(async (connected) => {
      if (stopped) return await connected.close();
      connection = connected;
      connected.subscribe(ALL_SWITCH_STATUS, {
        callback: (error, message) => {
          if (error) return options.log.error({ err: error }, 'status subscription');
          try {
            options.onStatus(sw.SwitchStatus.decode(message.data));
          } catch (cause) {
            options.log.warn({ err: cause, subject: message.subject }, 'not a status message');
          }
        },
      });
      heard(true);
      for await (const event of connected.status()) {
        if (event.type === 'disconnect') heard(false);
        if (event.type === 'reconnect') heard(true);
        if (event.type === 'disconnect' || event.type === 'reconnect') options.log.warn(`NATS ${event.type}`);
      }
    })
    .catch((error: unknown) => {
      if (!stopped) options.fail(error);
    });
  return {
    stop: async () => {
      stopped = true;
      clearInterval(tell);
      await connection?.close();
    },
  };
}
