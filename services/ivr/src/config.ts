import { LANGUAGES_DIR } from '@ringback/prompts';
import { knob } from '@ringback/service-kit';

/** Every knob of ivr. */
export const CONFIG = {
  GRPC_LISTEN: knob.address({ doc: 'host:port of the gRPC services' }),
  NATS_URL: knob.string({ doc: 'NATS, for finished spans; empty: none', default: '' }),
  LANGUAGES_DIR: knob.string({ doc: 'languages: one directory each', default: LANGUAGES_DIR }),
  DEFAULT_LANGUAGE: knob.string({ doc: "spoken where a caller's language is not there", default: 'en' }),
};
