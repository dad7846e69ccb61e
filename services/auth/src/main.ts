import { auth } from '@ringback/contracts';
import {
  answerStream,
  connectNats,
  createPool,
  migrate,
  runService,
  spanSink,
  startGrpcServer,
  unaryHandlers,
} from '@ringback/service-kit';
import { accountHandlers } from './api/accounts.ts';
import { batchAnswers } from './api/ask-stream.ts';
import { Questions } from './api/questions.ts';
import { CONFIG } from './config.ts';
import { createPins } from './pins.ts';
import { PostgresAuthStore } from './postgres-store.ts';
import { loadSealingKey } from './sealing-key.ts';

/** Answers to VerifyPin are kept this long: no question is asked again later. */
const KEEP_VERIFICATIONS = '1 day';
const SWEEP_MS = 3_600_000;
/** Between two looks whether the database answers. */
const LOOK_MS = 1_000;

await runService({
  name: 'auth',
  config: CONFIG,
  async start(config, { log, telemetry }) {
    const pool = createPool(config.DATABASE_URL, { traced: 'auth' });
    await migrate(pool, new URL('../migrations/', import.meta.url), 'auth');
    const connection = config.NATS_URL ? await connectNats({ url: config.NATS_URL, name: 'auth' }) : undefined;
    if (connection) telemetry.setSpanSink(spanSink(connection));
    const pins = await createPins({ memoryKib: config.ARGON2_MEMORY_KIB, passes: config.ARGON2_TIME });
    const questions = new Questions({
      store: new PostgresAuthStore(pool, {
        tries: {
          account: config.PIN_TRIES_ACCOUNT,
          caller: config.PIN_TRIES_CALLER_ID,
          access: config.PIN_TRIES_ACCESS_NUMBER,
        },
        windowMs: config.PIN_WINDOW,
        lockMs: config.PIN_LOCK,
      }),
      pins,
      key: await loadSealingKey(pool, config.SEALING_KEY_SECRET),
    });
    const server = await startGrpcServer({
      listen: config.GRPC_LISTEN,
      log,
      protoFiles: ['ringback/auth/v1/auth.proto'],
      services: [
        {
          definition: auth.AuthServiceService,
          handlers: {
            ...unaryHandlers(log, {
              identify: (request) => questions.identify(request),
              verifyPin: (request) => questions.verifyPin(request),
              resolveDestination: (request) => questions.resolveDestination(request),
              getSealingKey: () => questions.getSealingKey(),
            }),
            askStream: answerStream({ log, answer: batchAnswers(questions) }),
          },
        },
        { definition: auth.AccountServiceService, handlers: unaryHandlers(log, accountHandlers(pool, pins)) },
      ],
    });
    const sweep = setInterval(() => {
      pool
        .query(`DELETE FROM auth.verification WHERE at < now() - interval '${KEEP_VERIFICATIONS}'`)
        .catch((error: Error) => log.warn({ err: error.message }, 'old verifications could not be swept'));
    }, SWEEP_MS);
    // Without its database auth can answer nothing.
    let trouble: string | undefined;
    const look = setInterval(() => {
      pool.query('SELECT').then(
        () => {
          trouble = undefined;
        },
        (error: Error) => {
          trouble = `the database is away: ${error.message}`;
        },
      );
    }, LOOK_MS);
    return {
      notReady: () => trouble,
      async stop() {
        clearInterval(sweep);
        clearInterval(look);
        await server.stop();
        await connection?.drain();
        await pool.end();
      },
    };
  },
});
