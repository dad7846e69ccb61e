import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, knob, readConfig } from '@ringback/service-kit';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

const KNOBS = {
  RUN_DIR: knob.string({ doc: 'everything of this run: data, logs, endpoints.json', default: '.run' }),
  PORT_BASE: knob.integer({
    doc: 'all ports follow from it; runs side by side are 1000 apart',
    default: 5_000,
    min: 2_000,
    max: 40_000,
  }),
  SWITCH: knob.oneOf({ doc: 'which switch', values: ['dev', 'freeswitch'] as const, default: 'dev' }),
  FREESWITCH: knob.string({ doc: 'path of the freeswitch program, with SWITCH=freeswitch', default: '' }),
  DIALERS: knob.integer({ doc: 'dialers that share the sessions', default: 1, min: 1, max: 8 }),
  CARRIER: knob.address({ doc: 'host:port of an outside program that is the carrier', default: '' }),
};

/** What one run is told. */
export interface RunSettings {
  runDir: string;
  portBase: number;
  /** Path of a FreeSWITCH, or undefined: dev switches. */
  freeswitch: string | undefined;
  /** A script that is started in place of each dev switch, with its configuration (benches). */
  switchScript?: string;
  /** How many dialers share the sessions. */
  dialers: number;
  /** host:port of the trusted carrier; undefined: the telephone's address. */
  carrier: string | undefined;
  /** Environment by process kind ("dialer", "billing", …), over what the run sets itself. */
  env: Record<string, Record<string, string>>;
  /** Ports at which processes find NATS, by process name, where it is not its own (what can be cut off). */
  natsBy?: Record<string, number>;
  /** Fields put over every demo access number (shorter rings in tests). */
  accessNumber: Partial<{
    ringTimeMs: number;
    callbackDelayMs: number;
    busyRetrySeconds: number[];
    noAnswerRetrySeconds: number[];
    coolDownSeconds: number;
    answerTimeoutSeconds: number;
  }>;
}

/** @throws {ConfigError} naming the variable. */
export function settingsFromEnv(env: Record<string, string | undefined>): RunSettings {
  const config = readConfig(KNOBS, env);
  if (config.SWITCH === 'freeswitch' && config.FREESWITCH === '') {
    throw new ConfigError('FREESWITCH', 'is not set (path of the freeswitch program)');
  }
  return {
    runDir: isAbsolute(config.RUN_DIR) ? config.RUN_DIR : resolve(ROOT, config.RUN_DIR),
    portBase: config.PORT_BASE,
    freeswitch: config.SWITCH === 'freeswitch' ? config.FREESWITCH : undefined,
    dialers: config.DIALERS,
    carrier: config.CARRIER || undefined,
    env: {},
    accessNumber: {},
  };
}
